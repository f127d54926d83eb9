"""The documents that a service asks for (``documents:``): what each is, which kinds of file are taken, how large."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from mahakam.config import ConfigError, Text, as_text

FileKind = Literal["pdf", "photo"]
KINDS: tuple[FileKind, ...] = get_args(FileKind)
MOST_DOCUMENTS, MOST_MEGABYTES, USUAL_MEGABYTES = 10, 10, 5
_FIELDS = ("name", "hint", "kinds", "megabytes", "required")
_CODE = re.compile(r"[a-z][a-z0-9-]{0,39}")
_EXAMPLE = "documents: {identity: {name: {en: Identity card, id: KTP}, kinds: [pdf, photo], megabytes: 5}}"


@dataclass(frozen=True, slots=True)
class AskedDocument:
    """``kinds`` of file that are taken; ``largest`` in bytes."""

    code: str
    name: Text
    kinds: tuple[FileKind, ...] = KINDS
    largest: int = USUAL_MEGABYTES * 2**20
    required: bool = True
    hint: Text = field(default_factory=dict)


def read_documents(path: Path, raw: object) -> tuple[AskedDocument, ...]:
    """``documents:`` of a service, in their order. Raises ConfigError."""
    if raw is None:
        return ()
    if not isinstance(raw, Mapping) or not 1 <= len(raw) <= MOST_DOCUMENTS:
        raise ConfigError(path, f"documents maps 1 to {MOST_DOCUMENTS} codes to documents, e.g. {_EXAMPLE}")
    return tuple(_document(path, str(code), one) for code, one in raw.items())


def _document(path: Path, code: str, raw: object) -> AskedDocument:
    at = f"documents.{code}"
    if not _CODE.fullmatch(code):
        raise ConfigError(
            path, f"{at}: a code is small letters, digits and -, at most 40, e.g. identity-card"
        )
    if not isinstance(raw, Mapping) or not raw.get("name") or isinstance(raw["name"], list | bool):
        raise ConfigError(path, f"{at} needs a name, e.g. {_EXAMPLE}")
    if unknown := sorted(str(name) for name in raw if name not in _FIELDS):
        raise ConfigError(path, f"{at}: unknown {unknown[0]!r}; it has {', '.join(_FIELDS)}")
    kinds = raw.get("kinds", list(KINDS))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not kinds or any(kind not in KINDS for kind in kinds):
        raise ConfigError(path, f"{at}.kinds lists some of {', '.join(KINDS)}, not {raw['kinds']!r}")
    size = raw.get("megabytes", USUAL_MEGABYTES)
    if isinstance(size, bool) or not isinstance(size, int | float) or not 0 < size <= MOST_MEGABYTES:
        raise ConfigError(
            path, f"{at}.megabytes is a number above 0 and at most {MOST_MEGABYTES}, not {size!r}"
        )
    required = raw.get("required", True)
    if not isinstance(required, bool):
        raise ConfigError(path, f"{at}.required is true or false, not {required!r}")
    hint = as_text(raw["hint"]) if raw.get("hint") else {}
    return AskedDocument(code, as_text(raw["name"]), tuple(kinds), int(size * 2**20), required, hint)
