"""What documents a service may ask for, and which files are taken as one: by content, never by name."""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from mahakam.config import ConfigError
from mahakam.services.asked_documents import AskedDocument, read_documents
from mahakam.services.document_check import DocumentError, checked
from support.papers import pdf, photo

ASKED = AskedDocument("identity", {"en": "Identity card"})


def _changed(change: Callable[[PdfWriter], object]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _launch(writer: PdfWriter) -> None:
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")}
    )
    link = DictionaryObject({NameObject("/Subtype"): NameObject("/Link"), NameObject("/A"): action})
    writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])


def _script(writer: PdfWriter) -> None:
    action = {
        NameObject("/S"): NameObject("/JavaScript"),
        NameObject("/JS"): TextStringObject("app.alert(1)"),
    }
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("evil.js", "alert(1)")
    return out.getvalue()


def test_a_pdf_stays_as_it_is_to_the_last_byte() -> None:
    assert checked(pdf(), ASKED) == ("pdf", pdf())


def test_a_photo_is_drawn_anew_without_what_hangs_on_it() -> None:
    raw = photo() + b"<script>alert(1)</script>" + _zip()
    kind, kept = checked(raw, ASKED)
    assert kind == "photo"
    assert b"script" not in kept
    assert Image.open(io.BytesIO(kept)).size == (60, 40)


BAD = {
    "nothing": (b"", "empty"),
    "a script that is called PDF": (b"<script>alert(1)</script>", "kind"),
    "a program": (b"\x7fELF" + bytes(200), "kind"),
    "a web page with a PDF in it": (b"<html>" + pdf(), "kind"),
    "a zip": (_zip(), "kind"),
    "a picture that is none of the kinds": (b"GIF89a" + bytes(50), "kind"),
    "a PDF that is also a zip": (pdf() + _zip(), "polyglot"),
    "a PDF with a web page behind it": (pdf() + b"<script>alert(1)</script>", "polyglot"),
    "a head without a PDF": (b"%PDF-1.7\n<script>alert(1)</script>\n%%EOF", "damaged"),
    "half a PDF": (pdf()[: len(pdf()) // 2], "damaged"),
    "a PDF with a script": (_changed(_script), "active"),
    "a PDF that starts a program": (_changed(_launch), "active"),
    "a PDF with a file in it": (_changed(lambda w: w.add_attachment("evil.exe", b"MZ")), "active"),
    "a PDF with a password": (_changed(lambda w: w.encrypt("secret")), "locked"),
    "a large one": (pdf() + b" " * (5 * 2**20), "size"),
}


@pytest.mark.parametrize("name", BAD)
def test_anything_else_is_refused(name: str) -> None:
    raw, reason = BAD[name]
    with pytest.raises(DocumentError) as error:
        checked(raw, ASKED)
    assert error.value.reason == reason


def test_only_the_kinds_that_were_asked_for_are_taken() -> None:
    with pytest.raises(DocumentError, match="kind"):
        checked(pdf(), AskedDocument("front", {"en": "Front"}, ("photo",)))
    with pytest.raises(DocumentError, match="kind"):
        checked(photo(), AskedDocument("deed", {"en": "Deed"}, ("pdf",)))


def test_a_pdf_that_unpacks_to_gigabytes_is_refused_soon() -> None:
    """An object stream (ISO 32000-2, 7.5.7) of a few hundred kilobytes that would fill the memory."""
    packed = zlib.compress(b"1 0 << /A 1 >> " + b" " * 400_000_000, 9)
    parts = [b"%PDF-1.7\n"]
    offsets = []

    def add(body: bytes) -> None:
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n" % len(offsets) + body + b"\nendobj\n")

    add(b"<< /Type /Catalog /Pages 2 0 R >>")
    add(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
    add(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Annots 5 0 R >>")
    head = b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n" % len(packed)
    add(head + packed + b"\nendstream")
    at = sum(map(len, parts))
    rows = b"".join(bytes([1]) + one.to_bytes(4, "big") + b"\0\0" for one in offsets)
    rows = bytes(7) + rows + bytes([2]) + (4).to_bytes(4, "big") + b"\0\0"
    parts.append(
        b"6 0 obj\n<< /Type /XRef /Size 6 /W [1 4 2] /Root 1 0 R /Length %d >>\nstream\n" % len(rows) + rows
        + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % at
    )  # fmt: skip
    before = time.monotonic()
    with pytest.raises(DocumentError, match="damaged"):
        checked(b"".join(parts), ASKED)
    assert time.monotonic() - before < 20


def test_a_decompression_bomb_is_refused() -> None:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    with pytest.raises(DocumentError, match="pixels"):
        checked(out.getvalue(), ASKED)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 2000), junk=st.binary(min_size=1, max_size=40))
def test_a_spoilt_pdf_is_taken_or_refused_but_never_breaks(at: int, junk: bytes) -> None:
    raw = bytearray(pdf())
    raw[at % len(raw) : at % len(raw)] = junk
    with contextlib.suppress(DocumentError):
        assert checked(bytes(raw), ASKED)[1] == bytes(raw)


def test_a_service_says_what_it_asks_for(tmp_path: Path) -> None:
    raw = {
        "identity": {"name": {"en": "Identity card", "id": "KTP"}},
        "front": {"name": "Front", "kinds": "photo", "megabytes": 2.5, "required": False, "hint": "By day"},
    }
    identity, front = read_documents(tmp_path, raw)
    assert (identity.kinds, identity.largest, identity.required) == (("pdf", "photo"), 5 * 2**20, True)
    assert (front.kinds, front.largest, front.required) == (("photo",), 2621440, False)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "documents maps 1 to 10 codes to documents, e.g. documents: {identity:"),
        ({"Identity": {"name": "x"}}, "documents.Identity: a code is small letters"),
        ({"identity": "KTP"}, "documents.identity needs a name"),
        (
            {"identity": {"name": "x", "kind": "pdf"}},
            "documents.identity: unknown 'kind'; it has name, hint, kinds",
        ),
        ({"identity": {"name": "x", "kinds": ["docx"]}}, "kinds lists some of pdf, photo, not \\['docx'\\]"),
        (
            {"identity": {"name": "x", "megabytes": 11}},
            "megabytes is a number above 0 and at most 10, not 11",
        ),
        ({"identity": {"name": "x", "required": "no"}}, "required is true or false, not 'no'"),
    ],
)
def test_what_is_wrong_with_the_list_is_said(tmp_path: Path, raw: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_documents(tmp_path, raw)
