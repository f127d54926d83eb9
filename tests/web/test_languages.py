"""Languages that are only begun: a catalogue makes one, what it lacks is in English and marked, formats are its own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape
from starlette.testclient import TestClient

from mahakam.config import LANGUAGES, ConfigError
from mahakam.web import foreign, language, languages, messages
from mahakam.web.foreign import Foreign
from mahakam.web.language import reading

BEGUN = [code for code in languages.languages() if code not in LANGUAGES]
FIRST = (
    "Report a problem",
    "Services",
    "Where is it?",
    "Send report",
    "In progress",
    "This page is not here",
)
_extract = messages.extract
ENGLISH = re.compile(r'<bdi lang="en">([^<]*)</bdi>')


def test_the_languages_of_the_network_are_there() -> None:
    assert set(BEGUN) == {"ms", "fil", "vi", "th", "km", "lo", "my", "zh", "ta", "pt", "tet"}
    names = [one.name for one in languages.languages().values()]
    assert len(set(names)) == len(names)
    assert {
        "Bahasa Melayu",
        "Tiếng Việt",
        "ไทย",
        "ខ្មែរ",
        "ລາວ",
        "မြန်မာ",
        "中文",
        "தமிழ்",
        "Português",
        "Tetun",
    } <= set(names)


@pytest.mark.parametrize("code", BEGUN)
def test_a_resident_first_meets_words_of_the_language(code: str) -> None:
    with reading(code):
        for message in FIRST:
            assert not isinstance(language._(message), Foreign), message
        assert isinstance(language._("Evidence"), Foreign)
    assert 0 < languages.share(code) < 1


@pytest.mark.parametrize("code", BEGUN)
def test_a_page_says_what_of_it_is_english(demo: TestClient, code: str) -> None:
    page = demo.get("/report?city=samarinda", headers={"accept-language": code}).text
    with reading(code):
        assert language.percent(languages.share(code)) in page
        heading = language._("What is it about?")
    assert heading in page
    assert ENGLISH.search(demo.get("/quality", headers={"accept-language": code}).text)
    assert not re.search(r"<(title|option|textarea)[^>]*>[^<]*<bdi", page)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_language_that_says_all_has_no_such_note(demo: TestClient, code: str) -> None:
    page = demo.get("/quality", headers={"accept-language": code}).text
    assert 'class="partial"' not in page
    assert languages.share(code) == 1


def test_every_page_offers_every_language_by_its_own_name(demo: TestClient) -> None:
    page = demo.get("/services").text
    for one in languages.languages().values():
        assert f'hreflang="{one.code}" lang="{one.code}"' in page
        assert f">{one.name}</a>" in page


@pytest.mark.parametrize(
    ("code", "day", "month", "number"),
    [
        ("ms", "24 November 2026", "November 2026", "1,234.5"),
        ("fil", "Nobyembre 24, 2026", "Nobyembre 2026", "1,234.5"),
        ("vi", "24 tháng 11, 2026", "tháng 11 năm 2026", "1.234,5"),
        ("th", "24 พฤศจิกายน ค.ศ. 2026", "พฤศจิกายน 2026", "1,234.5"),
        ("zh", "2026年11月24日", "2026年11月", "1,234.5"),
        ("ta", "24 நவம்பர், 2026", "நவம்பர் 2026", "1,234.5"),
        ("pt", "24 de novembro de 2026", "novembro de 2026", "1\u00a0234,5"),
        ("tet", "24 de novembro de 2026", "novembro de 2026", "1\u00a0234,5"),
    ],
)
def test_dates_and_numbers(code: str, day: str, month: str, number: str) -> None:
    with reading(code):
        assert language.date("2026-11-24") == day
        assert language.period("2026-11") == month
        assert language.number(1234.5) == number
        assert language.time("2026-11-24T20:30:00Z").endswith("20:30")
        assert len(set(language.weekday_names())) == 7


def test_a_text_of_the_data_in_another_language_is_marked() -> None:
    with reading("th"):
        assert escape(language.words({"en": "Rain", "id": "Hujan"})).count("Rain") == 1
        assert language.words({"en": "Rain", "id": "Hujan"}).language == "en"
        assert language.words({"id": "Hujan"}).language == "id"
        assert not isinstance(language.words("Samarinda"), Foreign)
        assert not isinstance(language.words({"en": "Rain", "th": "ฝน"}), Foreign)


def test_marks_become_elements_only_where_one_may_stand() -> None:
    text = Foreign("Rain & sun", "en")
    assert str(text) == "Rain & sun"
    assert (
        foreign.settled(f"<p>{escape(text)} <b title='>'>{escape(text)}</b></p>")
        == '<p><bdi lang="en">Rain &amp; sun</bdi> <b title=\'>\'><bdi lang="en">Rain &amp; sun</bdi></b></p>'
    )
    for around in (
        "<title>{}</title>",
        '<a title="{}">',
        "<option>{}</option>",
        "<svg><text>{}</text></svg>",
        "<!-- {} -->",
        "<textarea a>{}</textarea >",
    ):
        assert foreign.settled(around.format(escape(text))) == around.format("Rain &amp; sun")
    assert foreign.text_of(Markup("<b>{}</b>").format(text)) == "Rain & sun"


marked = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["<", ">", '"', "<title>", "</title>", "<p a='", "\u2063en\u2062", "\u2064"]),
)


@given(st.lists(marked, max_size=12).map("".join))
def test_no_mark_is_left_whatever_a_page_holds(page: str) -> None:
    settled = foreign.settled(page)
    assert foreign.unmarked(settled) == settled
    assert foreign.unmarked(page) == re.sub(r'<bdi lang="[a-z]+">([^<]*)</bdi>', r"\1", settled)


@cache
def _extracted() -> bytes:
    """What the program's own texts say, as a file, which no test changes: reading all of them takes seconds."""
    out = io.BytesIO()
    write_po(out, _extract())
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Catalogues of English and one begun language, to be changed."""
    (tmp_path / "languages.yaml").write_text("en: {name: English}\nxy: {name: Ixy, formats: pt_TL}\n")
    for module in (languages, messages):
        monkeypatch.setattr(module, "LOCALES", tmp_path)
    cached = (languages.languages, languages.catalogue, languages.share)
    for one in cached:
        one.cache_clear()
    monkeypatch.setattr(messages, "extract", lambda: read_po(io.BytesIO(_extracted())))
    messages.save("en", messages.load("en"))
    yield tmp_path
    for one in cached:
        one.cache_clear()


def test_a_catalogue_makes_a_language(folder: Path) -> None:
    assert messages.fill("jv", {"Services": "Layanan", "Nobody says this": "…"}) == ["Nobody says this"]
    assert messages.fill("xy", {"Services": "Sevis", "%(n)s service": ["%(n)s sevi", "%(n)s sevis"]}) == []
    messages.update()
    found = languages.languages()
    assert list(found) == ["en", "xy", "jv"]
    assert (found["jv"].name, found["jv"].formats) == ("Jawa", "jv")
    assert (found["xy"].name, found["xy"].formats) == ("Ixy", "pt_TL")
    with reading("xy"):
        assert language._("Services") == "Sevis"
        assert language.n_("%(n)s service", "%(n)s services", 1) == "1 sevi"
        assert language.n_("%(n)s service", "%(n)s services", 1200) == "1\u00a0200 sevis"
    assert [fault for fault in messages.faults() if not fault.startswith("id:")] == []


def test_what_is_missing_is_a_file_that_fills_it(folder: Path) -> None:
    messages.fill("xy", {"Services": "Sevis"})
    file = messages.missing("xy")
    assert 'msgid "Services"' not in file
    assert 'msgid_plural "%(n)s services"' in file
    filled = file.replace('msgid "Data"\nmsgstr ""', 'msgid "Data"\nmsgstr "Dat"')
    assert messages.given(filled) == {"Data": "Dat"}
    assert messages.fill("xy", messages.given(filled)) == []
    with reading("xy"):
        assert (language._("Services"), language._("Data")) == ("Sevis", "Dat")


@pytest.mark.parametrize("text", ["not a catalogue", '{"a": ', 'msgid "a"\nmsgid'])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        messages.given(text)


@pytest.mark.parametrize(
    ("message", "words", "said"),
    [
        ("%(n)s m away", "%(n)s m", ""),
        ("%(n)s m away", "%(m)s m", "other %(names)s"),
        ("Now it is the turn of %(agency)s.", "Agora.", "other %(names)s"),
        ("%(n)s service", ["%(n)s sevis"], "a plural form is missing"),
    ],
)
def test_a_wrong_translation_is_told(folder: Path, message: str, words: object, said: str) -> None:
    messages.fill("xy", {message: words})
    if isinstance(words, list):
        path = languages.path_of("xy")
        path.write_text(re.sub(r"^msgstr\[1\].*\n", "", path.read_text("utf-8"), flags=re.M))
    found = [fault for fault in messages.faults() if fault.startswith("xy:")]
    assert (len(found) == 1 and said in found[0]) if said else found == []


def test_an_unknown_key_of_a_language_is_told(folder: Path) -> None:
    (folder / "languages.yaml").write_text("en: {nme: English}\n")
    languages.languages.cache_clear()
    with pytest.raises(ConfigError, match="did you mean 'name'"):
        languages.languages()
