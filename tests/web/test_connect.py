"""A file of a new kind: looked at, adjusted, tried, published; every real file goes through without code."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from mahakam.access import accounts
from mahakam.feeds.connecting.draft import wrong
from mahakam.feeds.connecting.look import look
from mahakam.feeds.connecting.publish import built, publish, taken
from mahakam.feeds.parts import Parts
from mahakam.web.preview import preview_of
from support.portal import Browser, Portal, two_cities, with_stops, words_of
from support.real_files import ROOT, real_files

PASSWORD = "correct horse battery"
LAMPS = """Kode Tiang;Nama Jalan;Tanggal Pasang;Daya (Watt);Kondisi;No HP;lintang;bujur
T001;Jl. Merdeka;03/01/2021;60;nyala;081234567890;-0,451;117,051
T002;Jl. Merdeka;04/01/2021;60;nyala;081234567891;-0,452;117,052
T003;Jl. Pahlawan;-;90;mati;081234567892;-0,453;117,053
T004;Jl. Pahlawan;06/01/2021;6000;nyala;081234567893;-0,454;117,054
T005;Jl. Kenanga;07/01/2021;60;nyala;081234567894;-0,455;117,055
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", with_stops(two_cities(tmp_path / "places"))) as made:
        store = made.node.store.tenant()
        for name, place in (("siti", "town"), ("rina", "town"), ("budi", "bay")):
            accounts.add_account(store, name, PASSWORD, ["officer"], [place])
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    answer = browser.fill("/signin?lang=en", {"name": name, "password": PASSWORD}, action="/signin")
    assert answer.status_code == 303
    return browser


def _send(browser: Browser, content: str | bytes = LAMPS, name: str = "Data PJU 2021.csv") -> httpx.Response:
    sent = content.encode() if isinstance(content, str) else content
    return browser.fill("/connect/town", {}, {"file": (name, sent, "application/octet-stream")})


def _form(page: str) -> dict[str, str]:
    """What the large form of the draft's page would send as it stands."""
    form = page[page.index("novalidate") : page.index("</form>", page.index("novalidate"))]
    found: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form):
        facts = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if facts.get("type") != "checkbox" or re.search(r"\schecked\b", tag):
            found[facts["name"]] = html.unescape(facts.get("value", ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]+)" selected', options)
        assert chosen
        found[name] = chosen.group(1)
    return found


def test_an_officer_goes_from_file_to_dataset(portal: Portal) -> None:
    siti = _as(portal, "siti")
    sent = _send(siti)
    assert sent.status_code == 303
    draft = sent.headers["location"]
    page = siti.get(draft).text
    words = words_of(page)
    assert "5 rows" in words.replace("rows 5", "5 rows")
    assert "telephone number" in words, "personal data is suspected"
    assert "Streetlight" in words, "the nearest Smart Data Model"
    assert "longitude and latitude" in words
    form = _form(page)
    field = {form[f"field-{n}"]: n for n in range(8)}
    form |= {"title": "Lampu jalan", "slug": "lamps", "entity": "Streetlight", "do": "try"}
    form.pop("rule-3-range", None)
    tried = siti.post(draft, form)
    assert tried.status_code == 303, words_of(tried.text)
    check = siti.get(tried.headers["location"])
    assert "Publish with 5 rows" in words_of(check.text), words_of(check.text)
    assert portal.node.store.tenant().runs("town", "lamps") == [], "trying stores nothing"
    done = siti.fill(tried.headers["location"], {}, action=f"{draft}/publish")
    assert done.status_code == 303, words_of(done.text)
    assert "stored 5" in words_of(siti.get(done.headers["location"]).text)
    (run,) = portal.node.store.tenant().runs("town", "lamps")
    assert (run.author, run.stored, run.held) == ("siti", 5, 0)
    place = portal.node.places["town"]
    contract = yaml.safe_load((place.folder / "contracts" / "lamps.yaml").read_text())
    kinds = {p["name"]: p for p in contract["schema"][0]["properties"]}
    assert [p["name"] for p in kinds.values() if p.get("classification") == "personal"] == [
        next(name for name, n in field.items() if n == 5)
    ]
    assert "location" in kinds
    lamp = portal.node.broker.get("urn:ngsi-ld:Streetlight:town:T001")
    assert lamp is not None
    assert lamp["location"]["value"]["coordinates"] == [117.051, -0.451]
    assert siti.get(draft).status_code == 404, "the draft is gone"


def test_rules_between_columns_are_shown_chosen_and_published(portal: Portal) -> None:
    rows = [f"K{n:03d};{n * 37 % 400};{n * 53 % 300};{n * 37 % 400 + n * 53 % 300}" for n in range(60)]
    rows[8] = "K008;1;2;4"
    siti = _as(portal, "siti")
    text = "Kode;Laki Laki;Perempuan;Jumlah\n" + "\n".join(rows)
    draft = _send(siti, text, "Penduduk.csv").headers["location"]
    page = siti.get(draft).text
    assert "Jumlah = Laki Laki + Perempuan 59 rows follow it, 1 does not" in words_of(page)
    form = _form(page)
    assert form["across-0"] == "1"
    form |= {"slug": "people", "entity": "Count", "field-1": "men", "field-2": "women", "field-3": "all"}
    siti.post(draft, {**form, "do": "save"})
    kept = _form(siti.get(draft).text)
    assert kept["across-0"] == "1"
    without = {name: value for name, value in kept.items() if name != "across-0"}
    siti.post(draft, {**without, "do": "save"})
    assert "across-0" not in _form(siti.get(draft).text), "what was switched off stays off"
    tried = siti.post(draft, {**form, "do": "try"})
    assert siti.fill(tried.headers["location"], {}, action=f"{draft}/publish").status_code == 303
    contract = yaml.safe_load((portal.node.places["town"].folder / "contracts" / "people.yaml").read_text())
    (rule,) = contract["schema"][0]["quality"]
    assert rule["implementation"] == '"all" = "men" + "women"'
    (run,) = portal.node.store.tenant().runs("town", "people")
    assert run.summary == {"warning: Jumlah-is-the-sum all": 1}


def test_what_was_typed_is_kept_and_said_to_be_wrong(portal: Portal) -> None:
    siti = _as(portal, "siti")
    draft = _send(siti).headers["location"]
    form = _form(siti.get(draft).text)
    form |= {"slug": "stops", "field-1": "type", "field-2": "A B", "owner": "Dishub & <b>", "do": "try"}
    answer = siti.post(draft, form)
    assert answer.status_code == 422
    words = words_of(answer.text)
    assert "a dataset named stops here already" in words
    assert "“type” is no name of a field" in words
    assert "Dishub & <b>" not in answer.text, "escaped"
    again = _form(siti.get(draft).text)
    assert (again["field-2"], again["owner"], again["slug"]) == ("A B", "Dishub & <b>", "stops")
    again |= {"do": "save", "slug": "lamps", "form": "old"}
    assert siti.post(draft, again).status_code == 403


def test_the_names_of_a_model_are_taken_and_given_back(portal: Portal) -> None:
    siti = _as(portal, "siti")
    draft = _send(siti).headers["location"]
    before = _form(siti.get(draft).text)
    siti.post(draft, before | {"do": "model:Streetlight"})
    named = _form(siti.get(draft).text)
    assert (named["entity"], named["field-0"], named["field-3"]) == (
        "Streetlight",
        "streetPoleNum",
        before["field-3"],
    )
    siti.post(draft, named | {"do": "model:"})
    assert _form(siti.get(draft).text)["field-0"] == "Kode_Tiang"


def test_an_archive_asks_which_file_and_is_read_again(portal: Portal) -> None:
    siti = _as(portal, "siti")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("stops.txt", "stop_id,stop_name\n1,Pasar\n2,Balai\n")
        archive.writestr("routes.txt", "route_id,route_name\n1,A\n")
    draft = _send(siti, packed.getvalue(), "gtfs.zip").headers["location"]
    page = siti.get(draft).text
    assert "stops.txt" in words_of(page)
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    siti.post(draft, {"form": token.group(1), "do": "read", "entry": "stops.txt"})
    assert "stop_id" in words_of(siti.get(draft).text)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "x.csv", "is empty"),
        (b"MZ\x90\x00", "virus.exe", "cannot be read here"),
        (b"PK\x03\x04 not a workbook", "x.xlsx", ""),
        (b"not json", "x.geojson", ""),
        (b"\x00" * 5000, "x.csv", ""),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(
    portal: Portal, content: bytes, name: str, says: str
) -> None:
    answer = _send(_as(portal, "siti"), content, name)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert says in words_of(answer.text)
    assert not list((portal.node.settings.data / "drafts").rglob("*.*"))


def test_a_draft_is_its_officers_own(portal: Portal) -> None:
    siti, rina, budi = (_as(portal, name) for name in ("siti", "rina", "budi"))
    draft = _send(siti).headers["location"]
    assert portal.browser().get(draft).headers["location"].startswith("/signin")
    assert rina.get(draft).status_code == 404
    assert budi.get(draft).status_code == 403
    assert siti.get("/connect/town/..%2f..%2fx").status_code == 404
    form = _form(siti.get(draft).text) | {"do": "try"}
    assert siti.post(draft, form, Origin="https://evil.example").status_code == 403


def test_two_taps_publish_once_and_nothing_is_overwritten(portal: Portal) -> None:
    siti = _as(portal, "siti")
    drafts = [_send(siti).headers["location"] for _ in range(2)]
    for draft in drafts:
        siti.post(draft, _form(siti.get(draft).text) | {"slug": "lamps", "do": "try"})
    token = re.search(r'name="form" value="([^"]+)"', siti.get(f"{drafts[0]}/try").text)
    assert token
    answers = [siti.post(f"{drafts[0]}/publish", {"form": token.group(1)}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 404]
    assert len(portal.node.store.tenant().runs("town", "lamps")) == 1
    written = (portal.node.places["town"].folder / "feeds" / "lamps.yaml").read_bytes()
    late = siti.post(f"{drafts[1]}/publish", {"form": token.group(1)})
    assert late.headers["location"] == drafts[1], "the name is taken: back to where it can be changed"
    assert (portal.node.places["town"].folder / "feeds" / "lamps.yaml").read_bytes() == written


@pytest.mark.parametrize("file", real_files(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_real_file_becomes_a_feed_without_code(portal: Portal, file: Path) -> None:
    place, parts = portal.node.places["town"], Parts.of(portal.node)
    entry = {"entry": "stops.txt"} if "gtfs" in file.name else {}
    draft = look(file, "town", "siti", entry)
    assert draft.problem == ""
    assert wrong(draft, taken(place)) == []
    tried = preview_of(parts, place, lambda: built(draft, place), file)
    assert tried.problem == ""
    for group in tried.groups:  # a column that holds every row is text, as the officer chooses on the page
        if group.severity == "error" and group.count == tried.rows:
            next(column for column in draft.columns if column.field == group.field).type = "string"
    run = publish(parts, place, draft, file, "siti")
    assert run.state in ("clean", "held"), run.message
    totals = run.source.get("left_out", {}).get("total", 0)
    assert run.read == draft.rows + run.left_out - totals
    assert run.stored + run.held == run.read - run.left_out, "each row is stored once or held once"
    assert run.stored > 0
