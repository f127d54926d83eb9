"""Files that residents send: a PDF and a photo."""

from __future__ import annotations

import functools
import io

from PIL import Image


@functools.cache
def pdf(pages: int = 1) -> bytes:
    """An honest PDF, as a program for letters makes it."""
    import typst

    text = b"#set page(width: 9cm, height: 6cm)\n" + b"Kartu\n#pagebreak()\n" * (pages - 1) + b"KTP"
    return typst.compile(text, format="pdf")


@functools.cache
def photo(width: int = 60, height: int = 40) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()
