"""What is left of a text without what spellings differ in most and that means least."""

from __future__ import annotations

import re
import unicodedata


def plain(text: str) -> str:
    """Letters and digits only, without case or accents: blanks and marks are where spellings differ most."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", "", bare.casefold())
