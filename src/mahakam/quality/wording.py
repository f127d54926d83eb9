"""Rules and findings in words, in English and Indonesian, for the command line and the pages alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

LANGUAGES: Final = ("en", "id")

_TITLES: Final[dict[str, dict[str, str]]] = {
    "required": {"en": "A value is missing", "id": "Nilai belum diisi"},
    "type": {"en": "The value is of another type", "id": "Jenis nilai tidak sesuai"},
    "minimum": {"en": "The value is too small", "id": "Nilai terlalu kecil"},
    "maximum": {"en": "The value is too large", "id": "Nilai terlalu besar"},
    "exclusiveMinimum": {"en": "The value is too small", "id": "Nilai terlalu kecil"},
    "exclusiveMaximum": {"en": "The value is too large", "id": "Nilai terlalu besar"},
    "multipleOf": {"en": "The value does not fall on a step", "id": "Nilai bukan kelipatan yang ditentukan"},
    "minLength": {"en": "The value is too short", "id": "Nilai terlalu pendek"},
    "maxLength": {"en": "The value is too long", "id": "Nilai terlalu panjang"},
    "inside": {"en": "A member or an item is not as agreed", "id": "Isi daftar atau objek tidak sesuai"},
    "pattern": {"en": "The value does not follow the pattern", "id": "Nilai tidak mengikuti pola"},
    "format": {"en": "The value is not in the format", "id": "Nilai tidak sesuai format"},
    "enum": {"en": "The value is not on the list", "id": "Nilai tidak ada dalam daftar"},
    "unique": {"en": "The value occurs more than once", "id": "Nilai muncul lebih dari sekali"},
    "primaryKey": {"en": "The key occurs more than once", "id": "Kunci muncul lebih dari sekali"},
    "foreignKey": {
        "en": "The value refers to nothing known",
        "id": "Nilai tidak merujuk ke data yang dikenal",
    },
    "insideBoundary": {
        "en": "The place lies outside the boundary",
        "id": "Lokasi berada di luar batas wilayah",
    },
    "notInFuture": {"en": "The date lies in the future", "id": "Tanggal berada di masa depan"},
    "column": {"en": "A column is missing", "id": "Kolom tidak ada"},
    "rowCount": {"en": "The number of rows is not as agreed", "id": "Jumlah baris tidak sesuai kesepakatan"},
    "nullValues": {"en": "Too many values are missing", "id": "Terlalu banyak nilai kosong"},
    "marker": {
        "en": "A mark stands where there is no value",
        "id": "Sebuah tanda dipakai sebagai pengganti nilai kosong",
    },
    "blanks": {"en": "Blanks stand around the value", "id": "Ada spasi di awal atau akhir nilai"},
    "determined": {
        "en": "The value differs from rows that share its key",
        "id": "Nilai berbeda dari baris lain dengan kunci yang sama",
    },
    "spelling": {"en": "The spelling is unusual", "id": "Ejaan tidak lazim"},
    "monotone": {"en": "The series runs backwards", "id": "Deret berjalan mundur"},
    "gap": {"en": "The series has a gap", "id": "Deret terputus"},
    "frozen": {"en": "The value does not change", "id": "Nilai tidak berubah"},
    "outlier": {"en": "The value stands far out of its series", "id": "Nilai jauh di luar deretnya"},
    "total": {"en": "The total is not the sum", "id": "Jumlah tidak sama dengan penjumlahan barisnya"},
    "similar": {"en": "Two rows are nearly alike", "id": "Dua baris hampir sama"},
    "mojibake": {
        "en": "The text was read in a wrong encoding",
        "id": "Teks dibaca dengan pengodean yang keliru",
    },
    "unit": {"en": "The unit is not the agreed one", "id": "Satuan tidak sesuai kesepakatan"},
    "inDistrict": {
        "en": "The place lies outside its district",
        "id": "Lokasi berada di luar wilayah yang disebutkan",
    },
    "totalRow": {"en": "The row adds up others", "id": "Baris ini menjumlahkan baris lain"},
    "fresh": {"en": "The data is old", "id": "Data sudah usang"},
    "rowsSinceLast": {
        "en": "The number of rows has changed a lot",
        "id": "Jumlah baris berubah banyak",
    },
    "sameColumns": {"en": "The columns have changed", "id": "Kolom telah berubah"},
    "sql": {"en": "The query gives another answer", "id": "Hasil kueri tidak sesuai"},
    "structure": {"en": "The row is broken", "id": "Susunan baris rusak"},
    "personalData": {"en": "Personal data that is not declared", "id": "Data pribadi yang tidak dinyatakan"},
    "erased": {"en": "Somebody who was erased stands there", "id": "Berisi orang yang datanya telah dihapus"},
    "formulaError": {"en": "The error of a formula stands there", "id": "Isinya galat rumus"},
    "expression": {"en": "Values contradict each other", "id": "Nilai saling bertentangan"},
}

_ADVICE: Final[dict[str, dict[str, str]]] = {
    "required": {
        "en": "Ask the owner for the values, or leave the rule out if the field may be empty.",
        "id": "Minta nilainya kepada pemilik data, atau hapus aturan ini bila kolom boleh kosong.",
    },
    "type": {
        "en": "Look at the decimal mark, the date format and the missing marks; a feed can convert them.",
        "id": "Periksa tanda desimal, format tanggal, dan tanda kosong; feed dapat mengubahnya.",
    },
    "range": {
        "en": "Look for a wrong unit, a lost decimal mark or a code for 'not measured' (8888, -1).",
        "id": "Periksa satuan yang salah, tanda desimal yang hilang, atau kode 'tidak terukur' (8888, -1).",
    },
    "text": {
        "en": "Compare the examples with the rule; correct the rows, or add a correction to the feed.",
        "id": "Bandingkan contoh dengan aturan; perbaiki baris, atau tambahkan koreksi pada feed.",
    },
    "list": {
        "en": "Correct the spelling once with a correction in the feed, or add the value to the list.",
        "id": "Perbaiki ejaan sekali saja dengan koreksi pada feed, atau tambahkan nilai ke daftar.",
    },
    "repeated": {
        "en": "Compare the rows that share the key, keep the right one; duplicates: first keeps the first.",
        "id": "Bandingkan baris berkunci sama, simpan yang benar; duplicates: first menyimpan yang pertama.",
    },
    "place": {
        "en": "Check that longitude and latitude are not swapped, and the coordinate system.",
        "id": "Periksa apakah bujur dan lintang tertukar, dan sistem koordinatnya.",
    },
    "date": {
        "en": "Check the year, and whether day and month are swapped.",
        "id": "Periksa tahunnya, dan apakah hari dan bulan tertukar.",
    },
    "column": {
        "en": "Compare the names of the columns with the contract; a feed can map a column to a field.",
        "id": "Bandingkan nama kolom dengan kontrak; feed dapat memetakan kolom ke isian.",
    },
    "file": {
        "en": "Check that the file is complete, then send it again.",
        "id": "Periksa apakah berkas lengkap, lalu kirim ulang.",
    },
    "mark": {
        "en": "Leave such cells empty; the mark is read as no value.",
        "id": "Kosongkan sel tersebut; tanda itu dibaca sebagai tidak ada nilai.",
    },
    "encoding": {
        "en": "Save the file as UTF-8 and send it again, or accept the mended text.",
        "id": "Simpan berkas sebagai UTF-8 lalu kirim ulang, atau terima teks yang diperbaiki.",
    },
    "shared": {
        "en": "Compare the row with the others of the same key; accept the usual value, or correct the key.",
        "id": "Bandingkan dengan baris lain berkunci sama; terima nilai yang lazim, atau perbaiki kuncinya.",
    },
    "series": {
        "en": "Look at the series around the row: a reset meter, a wrong time, rows that were not sent.",
        "id": "Lihat deret di sekitar baris: meter direset, waktu keliru, atau baris yang tidak terkirim.",
    },
    "sensor": {
        "en": "Have the device looked at; leave its values out from the time when they stopped changing.",
        "id": "Periksa alatnya; abaikan nilainya sejak berhenti berubah.",
    },
    "sum": {
        "en": "Add the rows up again; a row is missing, doubled or was changed after the total.",
        "id": "Jumlahkan kembali barisnya; ada baris yang hilang, ganda, atau diubah setelah dijumlahkan.",
    },
    "counted": {
        "en": "Leave the totals out (skip in the feed): with them, everything is counted twice.",
        "id": "Keluarkan baris jumlah (skip pada feed): bila ikut, semuanya terhitung dua kali.",
    },
    "alike": {
        "en": "Keep the better one of the two rows, or tell them apart in their names.",
        "id": "Simpan salah satu baris yang lebih baik, atau bedakan namanya.",
    },
    "unit": {
        "en": "Convert the value to the agreed unit and leave the unit out of the cell.",
        "id": "Ubah nilai ke satuan yang disepakati dan hapus satuan dari sel.",
    },
    "since": {
        "en": "Ask the owner whether something was left out or renamed before the file is accepted.",
        "id": "Tanyakan kepada pemilik data apakah ada yang hilang atau berganti nama sebelum berkas diterima.",
    },
    "late": {
        "en": "Ask the owner for newer data, or look whether the feed still runs.",
        "id": "Minta data terbaru kepada pemilik, atau periksa apakah feed masih berjalan.",
    },
    "personalData": {
        "en": "Write classification: personal for this field in the contract (or public, if it is none).",
        "id": "Tulis classification: personal untuk kolom ini di kontrak (atau public bila bukan data pribadi).",
    },
    "erased": {
        "en": "The cell was left empty. Ask the agency to take the person out of its file.",
        "id": "Selnya dikosongkan. Minta instansi mengeluarkan orang itu dari berkasnya.",
    },
    "formulaError": {
        "en": "Have the formula mended in the spreadsheet, or name the mark under missing.",
        "id": "Minta rumusnya diperbaiki di lembar kerja, atau sebut tandanya pada missing.",
    },
    "structure": {
        "en": "Open the file at this line: a quote that is not closed or a delimiter inside a value.",
        "id": "Buka berkas pada baris ini: tanda kutip tidak ditutup atau pemisah di dalam nilai.",
    },
    "expression": {
        "en": "Compare the fields of the row; at least one of them is wrong.",
        "id": "Bandingkan isian pada baris itu; setidaknya satu di antaranya salah.",
    },
}
_ADVICE_OF: Final = {
    "minimum": "range",
    "maximum": "range",
    "exclusiveMinimum": "range",
    "exclusiveMaximum": "range",
    "multipleOf": "range",
    "minLength": "text",
    "maxLength": "text",
    "inside": "text",
    "pattern": "text",
    "format": "text",
    "enum": "list",
    "foreignKey": "list",
    "unique": "repeated",
    "primaryKey": "repeated",
    "insideBoundary": "place",
    "notInFuture": "date",
    "rowCount": "file",
    "nullValues": "required",
    "marker": "mark",
    "blanks": "text",
    "determined": "shared",
    "spelling": "list",
    "monotone": "series",
    "gap": "series",
    "frozen": "sensor",
    "outlier": "range",
    "total": "sum",
    "totalRow": "counted",
    "similar": "alike",
    "inDistrict": "place",
    "mojibake": "encoding",
    "fresh": "late",
    "sql": "since",
    "rowsSinceLast": "since",
    "sameColumns": "since",
}

_WHY: Final[dict[str, dict[str, str]]] = {
    "completeness": {
        "en": "What is missing is missing in every sum and map made of it.",
        "id": "Yang tidak ada akan hilang dari setiap jumlah dan peta yang dibuat darinya.",
    },
    "conformity": {
        "en": "A program cannot count, sort or join what is written in several ways.",
        "id": "Program tidak dapat menghitung, mengurutkan, atau menggabungkan isian yang ditulis berbeda-beda.",
    },
    "accuracy": {
        "en": "One wrong value can move a mean, an alarm or a decision.",
        "id": "Satu nilai keliru dapat menggeser rata-rata, peringatan, atau keputusan.",
    },
    "consistency": {
        "en": "Two figures that contradict each other are both doubted.",
        "id": "Dua angka yang bertentangan membuat keduanya diragukan.",
    },
    "uniqueness": {
        "en": "What is entered twice is counted twice.",
        "id": "Yang dimasukkan dua kali akan terhitung dua kali.",
    },
    "timeliness": {
        "en": "Yesterday's figures are taken for today's.",
        "id": "Angka lama dikira angka hari ini.",
    },
    "coverage": {
        "en": "A part that is left out looks as if nothing happened there.",
        "id": "Bagian yang terlewat tampak seolah tidak terjadi apa-apa.",
    },
}

_EXPECTED_ID: Final = (
    (r"^(.+), as in (\d+) rows with the same (.+)$", r"\1, seperti pada \2 baris dengan \3 yang sama"),
    (
        r"^one value for each (.+); there are (.+)$",
        r"satu nilai untuk setiap \1; yang ada: \2",
    ),
    (r"^one value for each (.+)$", r"satu nilai untuk setiap \1"),
    (r"^the usual spelling$", "ejaan yang lazim"),
    (r"^at least (.+), as before$", r"paling sedikit \1, seperti sebelumnya"),
    (r"^at most (.+), as before$", r"paling banyak \1, seperti sebelumnya"),
    (r"^not less than before \(by (.+)\)$", r"tidak kurang dari sebelumnya (menurut \1)"),
    (r"^not more than before \(by (.+)\)$", r"tidak lebih dari sebelumnya (menurut \1)"),
    (r"^not more than (.+) after (.+), the one before$", r"paling lama \1 setelah \2, nilai sebelumnya"),
    (r"^not more than (.+) after the one before$", r"paling lama \1 setelah nilai sebelumnya"),
    (
        r"^a value that changes; it is the same in (\d+) rows on end$",
        r"nilai yang berubah; nilainya sama pada \1 baris berturut-turut",
    ),
    (
        r"^not the same in (\d+) rows on end \(by (.+)\)$",
        r"tidak sama pada \1 baris berturut-turut (menurut \2)",
    ),
    (
        r"^within (.+) times the usual distance from the middle$",
        r"dalam \1 kali jarak lazim dari nilai tengah",
    ),
    (r"^(.+), the sum of the other rows$", r"\1, penjumlahan baris lainnya"),
    (
        r"^a row of its own, not one that adds up others$",
        "baris tersendiri, bukan baris yang menjumlahkan baris lain",
    ),
    (r"^the sum of the other rows$", "penjumlahan baris lainnya"),
    (
        r"^a name of its own; row (\d+) has nearly the same$",
        r"nama yang berbeda; baris \1 hampir sama",
    ),
    (r"^a name that no other row has, nearly alike$", "nama yang tidak mirip dengan baris lain"),
    (r"^a newest value not older than (.+)$", r"nilai terbaru tidak lebih lama dari \1"),
    (r"^within (.+) % of the last file's (\d+) rows$", r"dalam \1 % dari \2 baris berkas sebelumnya"),
    (r"^rows within (.+) % of the last file's$", r"jumlah baris dalam \1 % dari berkas sebelumnya"),
    (r"^the columns of the last file$", "kolom seperti berkas sebelumnya"),
    (
        r"^text read in the encoding that it was written in$",
        "teks yang dibaca dengan pengodean aslinya",
    ),
    (r"^a place in its district of (.+)$", r"lokasi di dalam wilayahnya menurut \1"),
    (r"^the unit (.+)$", r"satuan \1"),
    (r"^(.+) as the answer of the query$", r"\1 sebagai hasil kueri"),
    (r"^an empty cell where there is no value$", "sel kosong bila tidak ada nilai"),
    (r"^(.+) to (.+)$", r"\1 sampai \2"),
    (r"^at least (.+)$", r"paling sedikit \1"),
    (r"^at most (.+)$", r"paling banyak \1"),
    (r"^more than (.+)$", r"lebih dari \1"),
    (r"^(?:less|fewer) than (.+)$", r"kurang dari \1"),
    (r"^a multiple of (.+)$", r"kelipatan \1"),
    (r"^text that matches (.+)$", r"teks sesuai pola \1"),
    (r"^text in the format (.+)$", r"teks dengan format \1"),
    (r"^one of (.+)$", r"salah satu dari \1"),
    (r"^a column (.+)$", r"kolom \1"),
    (r"^a value that occurs once(.*)$", r"nilai yang muncul sekali\1"),
    (r"^a key that occurs once(.*)$", r"kunci yang muncul sekali\1"),
    (
        r"^a value, or an empty cell; the formula has no answer$",
        "nilai, atau sel kosong; rumusnya tidak menghasilkan",
    ),
    (r"^nobody who was erased, in (.+)$", r"bukan orang yang datanya telah dihapus, pada \1"),
    (r"^a JSON object (.+)$", r"objek JSON: \1"),
    (r"^a JSON list (.+)$", r"daftar JSON: \1"),
    (r"^a value$", "terisi"),
    (r"^a whole number", "bilangan bulat"),
    (r"^a number", "bilangan"),
    (r"^true or false$", "benar atau salah (true/false)"),
    (r"^a date and time as (.+)$", r"tanggal dan waktu seperti \1"),
    (r"^a date as (.+)$", r"tanggal seperti \1"),
    (r"^a time as (.+)$", r"waktu seperti \1"),
    (
        r"^a GeoJSON geometry: an outline that does not cross itself, as it does at (.+)$",
        r"geometri GeoJSON: garis batas yang tidak memotong dirinya sendiri, seperti di \1",
    ),
    (
        r"^a GeoJSON geometry: (.+): \[longitude, latitude\], in this order: these look swapped$",
        r"geometri GeoJSON: \1: [bujur, lintang], dalam urutan ini: tampaknya tertukar",
    ),
    (r"^a GeoJSON geometry(: .+)?$", r"geometri GeoJSON\1"),
    (r"^not later than now$", "tidak setelah saat ini"),
    (r"^inside the boundary of the place$", "di dalam batas wilayah"),
)
_PARTS_ID: Final = (
    (r"; also in row (\d+)", r"; juga pada baris \1"),
    (r"\bcharacters$", "huruf"),
    (r"\brows\b", "baris"),
)


def title(rule: str, lang: str = "en") -> str:
    """A heading for findings of a rule; a custom rule's own name stands for itself."""
    words = _TITLES.get(rule)
    return words[_language(lang)] if words else rule.replace("-", " ").replace("_", " ").capitalize()


def advice(rule: str, lang: str = "en") -> str:
    """What a person can do next about findings of a rule."""
    kind = _ADVICE_OF.get(rule, rule)
    return _ADVICE.get(kind, _ADVICE["expression"])[_language(lang)]


def why(dimension: str, lang: str = "en") -> str:
    """Why a failure of this dimension matters, where the contract's author says nothing more precise."""
    words = _WHY.get(dimension)
    return words[_language(lang)] if words else ""


def expected(text: str, lang: str = "en") -> str:
    """A finding's ``expected`` in the reader's language; data terms and expressions stay as they are."""
    if _language(lang) == "en":
        return text
    for pattern, words in _EXPECTED_ID:
        if re.match(pattern, text, re.DOTALL):
            text = re.sub(pattern, words, text, count=1, flags=re.DOTALL)
            break
    for pattern, words in _PARTS_ID:
        text = re.sub(pattern, words, text)
    return text


def sentence(finding: Mapping[str, Any], lang: str = "en") -> str:
    """One finding as a sentence: what stands there, and what would be right.

    ``finding`` has the keys of :meth:`mahakam.quality.finding.Finding.as_dict`. The contract author's own
    words come first.
    """
    lang = _language(lang)
    rule, name, value = str(finding.get("rule", "")), str(finding.get("field") or ""), finding.get("value")
    right = expected(str(finding.get("expected") or ""), lang)
    said = str(finding.get("message") or "") or f"{title(rule, lang)}"
    if rule == "column":
        return {"en": f"The file has no column {name}.", "id": f"Berkas tidak memiliki kolom {name}."}[lang]
    where = {"en": f"{name} is ", "id": f"{name} berisi "}[lang] if name else ""
    missing = {"en": "empty", "id": "kosong"}[lang]
    found = f"{where}{missing if value is None or value == '' else quoted(value)}"
    wanted = {"en": "expected", "id": "seharusnya"}[lang]
    said = said.rstrip(". ")
    return f"{said}: {found}, {wanted} {right}." if right else f"{said}: {found}."


def quoted(value: Any, most: int = 80) -> str:
    """A raw value between quotation marks, control characters shown, long text cut."""
    if not isinstance(value, str):
        return str(value)
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in value)
    return f"“{shown}”" if len(shown) <= most else f"“{shown[: most - 1]}…”"


def _language(lang: str) -> str:
    return lang if lang in LANGUAGES else "en"
