"""URLs of stores as people may see them."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(//[^:/@?#]*):[^/?#]*@|([?&](?:password|sslpassword)=)[^&#]*", re.IGNORECASE)


def redacted(url: str) -> str:
    """The URL without its password."""
    return _PASSWORD.sub(lambda found: f"{found[1]}@" if found[1] is not None else f"{found[2]}…", url)
