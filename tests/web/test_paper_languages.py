"""Papers in every language: the glyphs are those of the language's font, the words can be read out again."""

from __future__ import annotations

import io
import unicodedata

import pdfplumber
import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from mahakam.web.documents import Section, pdf
from mahakam.web.language import _, reading
from mahakam.web.languages import languages
from mahakam.web.paper_fonts import families

FONTS = {
    "th": "NotoSansThai",
    "km": "NotoSansKhmer",
    "lo": "NotoSansLao",
    "my": "NotoSansMyanmar",
    "zh": "NotoSansSC",
    "ta": "NotoSansTamil",
}
LONG = (
    "There is no connection now. Put the pin, choose what it is about and write a few words: "
    "then the report can wait on this phone."
)
MARGIN = 20 / 25.4 * 72
"""Points at the sides of a document."""


def fonts_of(paper: PdfReader) -> set[str]:
    """The fonts that lie in a paper, without the six letters of a subset."""
    return {
        str(font.get_object()["/BaseFont"]).partition("+")[2]
        for page in paper.pages
        for font in page["/Resources"]["/Font"].values()
    }


def signs(text: str) -> set[str]:
    """The letters of a text that are not Latin."""
    return {one for one in text if unicodedata.category(one) == "Lo" and "LATIN" not in unicodedata.name(one)}


def test_the_fonts_are_there() -> None:
    assert {name.replace(" ", "") for name in families()} == set(FONTS.values())


@pytest.mark.parametrize("code", languages())
def test_a_paper_has_the_font_of_its_language(code: str) -> None:
    with reading(code):
        title, text = _("Report a problem"), " ".join([_(LONG)] * 6)
        made = pdf(title, _("Services"), [Section(_("Data"), [text])], _("Network"))
    paper = PdfReader(io.BytesIO(bytes(made.body)))
    found = {name.partition("-")[0] for name in fonts_of(paper)}
    assert found <= {FONTS.get(code, "LibertinusSerif"), "LibertinusSerif"}
    assert FONTS.get(code, "LibertinusSerif") in found
    assert paper.trailer["/Root"]["/Lang"] == code
    said = "".join(page.extract_text() for page in paper.pages)
    # A sign that is drawn only as a part of others cannot be read out alone: a few of Tamil's.
    assert len(signs(title + text) & signs(said)) >= 0.9 * len(signs(title + text))
    assert bool(signs(title)) == (code in FONTS)


@pytest.mark.parametrize("code", ["th", "km", "my", "zh"])
def test_lines_stay_on_the_paper(code: str) -> None:
    with reading(code):
        made = pdf(_("Data"), "", [Section(_("Data"), [" ".join([_(LONG)] * 6)])], "")
    with pdfplumber.open(io.BytesIO(bytes(made.body))) as file:
        page = file.pages[0]
        assert len({round(one["top"]) for one in page.chars}) >= 6, "the text takes more than one line"
        assert max(one["x1"] for one in page.chars) <= page.width - MARGIN * 0.9, "but for a mark that hangs"


@pytest.mark.parametrize("code", ["th", "my", "zh"])
def test_a_profile_is_two_pages_in_a_script_with_tall_lines(demo: TestClient, code: str) -> None:
    made = demo.get(f"/cities/samarinda.pdf?lang={code}")
    assert made.status_code == 200
    paper = PdfReader(io.BytesIO(made.content))
    assert len(paper.pages) == 2
    assert FONTS[code] in {name.partition("-")[0] for name in fonts_of(paper)}
