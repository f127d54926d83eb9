"""QR codes of addresses, for paper and for pages."""

from __future__ import annotations

import io


def qr(text: str) -> str:
    """The text as a QR code (SVG) that a phone still reads with a seventh of it damaged (level M)."""
    import segno

    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=2, light="white")
    return out.getvalue().decode()


def picture(text: str) -> str:
    """The same as the address of an image inside a page (``data:image/svg+xml``)."""
    import segno

    return str(segno.make(text, error="m", micro=False).svg_data_uri(scale=6, border=2, light="white"))
