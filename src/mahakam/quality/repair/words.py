"""The kinds of defects that have a repair, in words."""

from __future__ import annotations

from typing import Final

KINDS: Final[dict[str, dict[str, str]]] = {
    "decimalComma": {"en": "decimal comma", "id": "koma desimal"},
    "thousands": {"en": "thousands separators", "id": "pemisah ribuan"},
    "unit": {"en": "unit beside the number", "id": "satuan di samping angka"},
    "sign": {"en": "wrong sign", "id": "tanda plus minus keliru"},
    "scale": {"en": "lost decimal mark", "id": "tanda desimal hilang"},
    "letters": {"en": "letters for digits", "id": "huruf sebagai angka"},
    "dayFirst": {"en": "day before month", "id": "tanggal sebelum bulan"},
    "monthFirst": {"en": "month before day", "id": "bulan sebelum tanggal"},
    "dateFormat": {"en": "date in another form", "id": "tanggal dalam bentuk lain"},
    "serialDate": {"en": "a spreadsheet's day number", "id": "nomor hari lembar kerja"},
    "words": {"en": "yes or no in words", "id": "ya atau tidak dengan kata"},
    "blanks": {"en": "blanks", "id": "spasi"},
    "case": {"en": "letter case, blanks or marks", "id": "huruf besar kecil, spasi, atau tanda baca"},
    "nearest": {"en": "nearest on the list", "id": "terdekat dalam daftar"},
    "usual": {"en": "as in the other rows", "id": "seperti pada baris lain"},
    "mojibake": {"en": "text in a wrong encoding", "id": "teks dengan pengodean keliru"},
    "decimals": {"en": "a code turned into a number", "id": "kode berubah menjadi angka"},
    "zeros": {"en": "lost leading zeros", "id": "nol di depan hilang"},
    "marker": {"en": "a mark for no value", "id": "tanda pengganti nilai kosong"},
    "swapped": {"en": "longitude and latitude swapped", "id": "bujur dan lintang tertukar"},
    "duplicate": {"en": "the row is there twice", "id": "baris tercatat dua kali"},
}


def name(kind: str, lang: str = "en") -> str:
    """What a kind of defect is called."""
    words = KINDS[kind]
    return words.get(lang, words["en"])
