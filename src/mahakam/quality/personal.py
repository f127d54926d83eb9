"""Columns that seem to hold personal data (UU 27/2022, article 4): by their name, or by what their values look like."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mahakam.quality.nearest_model import plain
from mahakam.quality.undeclared import SHAPES

_NAMES = {
    "nik": ("nik", "no ktp", "nomor ktp", "ktp", "no kk", "nomor kk", "npwp", "nip", "passport", "paspor", "ssn"),
    "phone": ("telepon", "telp", "no telp", "no hp", "hp", "nomor hp", "phone", "mobile", "whatsapp", "wa"),
    "email": ("email", "e mail", "surel"),
    "person": (
        "nama lengkap", "nama pemilik", "nama pelapor", "nama warga", "nama pasien", "nama siswa", "nama penerima",
        "full name", "owner name", "first name", "last name", "reporter name", "nama pemohon",
    ),
    "birth": ("tanggal lahir", "tgl lahir", "date of birth", "birth date", "birthdate", "tempat lahir"),
    "home": ("alamat rumah", "alamat pemilik", "home address", "alamat tinggal"),
    "account": ("username", "user name", "user id", "screen name", "no rekening", "plat nomor", "licence plate"),
}  # fmt: skip
_SHAPES = {
    "nik": re.compile(SHAPES["nik"]),
    "phone": re.compile(SHAPES["phone"]),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
}
LOOKED = 200
"""Values of a column that are enough to look at."""
_MOST = 0.5
_HANDLE = re.compile(r"(?<![\w@.])@[A-Za-z0-9_]{3,}(?![\w.]*@)")
_SOME_HANDLES = 0.05
"""The share of texts that speak to somebody by name (@handle) from which on they are personal."""


def suspected(name: str, values: Sequence[str]) -> str:
    """What kind of personal data a column seems to hold: nik, phone, email, person, birth, home, account; "" if none.

    ``values`` are some that are present; more than half must have the shape, or one in twenty name an @account.
    """
    said = plain(name)
    for kind, names in _NAMES.items():
        if said in names:
            return kind
    if values and all(value.startswith(("{", "[")) for value in values) and (kind := _nested(values)):
        return kind
    for kind, shape in _SHAPES.items():
        hits = sum(
            1
            for value in values
            if shape.fullmatch(re.sub(r"[\s.-]", "", value) if kind != "email" else value)
        )
        if values and hits > _MOST * len(values):
            return kind
    if values and sum(1 for value in values if _HANDLE.search(value)) >= max(2, _SOME_HANDLES * len(values)):
        return "account"
    return ""


def _nested(values: Sequence[str]) -> str:
    """The kind that a member of JSON objects seems to hold: what lies deeper is published as well."""
    members: dict[str, list[str]] = {}
    for value in values:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return ""
        for one in found if isinstance(found, list) else [found]:
            for name, inner in one.items() if isinstance(one, dict) else ():
                text = inner if isinstance(inner, str) else json.dumps(inner)
                if inner not in (None, ""):
                    members.setdefault(name, []).append(text)
    return next((kind for name, texts in members.items() if (kind := suspected(name, texts))), "")
