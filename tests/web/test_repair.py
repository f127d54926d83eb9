"""The workbench: held rows narrowed, edited in a grid, as a workbook and back, and repaired by an agency's link."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from mahakam.access import accounts, secrets
from mahakam.feeds import repair_links
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.feeds.sources.formats.xlsx import cells_of
from mahakam.store.model import Held
from mahakam.web.pages import repair
from support.portal import Browser, Portal, hidden, two_cities, with_stops, words_of

PASSWORD = "correct horse battery"
PAGE = "/quarantine/town/stops"
GRID = PAGE + "/grid"
ROWS = """kode;nama;kecamatan;kursi;lon;lat;opd;telepon
A1;Pasar;Kebon Jeruk;4;117.01;-0.41;Dishub;0811000001
A2;Balai;Kebun Jeruk;2;117.02;-0.42;Dishub;0811000002
A3;Dermaga;Tebet;tiga;117.03;-0.43;Dinkes;0811000003
A4;Terminal;Palmerah;6;117.04;-0.44;Dinkes;0811000004
A5;<b>Jauh</b>;Atlantis;banyak;117.05;-0.45;Dishub;0811000005
"""


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = with_stops(two_cities(tmp_path / "places"), ROWS)
    town = places / "prov" / "town"
    feed = town / "feeds" / "stops.yaml"
    feed.write_text(
        feed.read_text().replace("seats: kursi", "seats: kursi\n  phone: telepon") + "agency: opd\n"
    )
    contract = town / "contracts" / "stop.yaml"
    contract.write_text(
        contract.read_text() + "      - {name: phone, logicalType: string, classification: personal}\n"
    )
    with Portal(tmp_path / "data", places) as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "wati", PASSWORD, ["steward"], ["town"])
        accounts.add_account(store, "siti", PASSWORD, ["officer"], ["town"])
        run = run_feed(Parts.of(made.node), "town", "stops")
        assert (run.read, run.stored, run.held) == (5, 1, 4), run.message
        yield made


def signed_in(portal: Portal, name: str = "wati") -> Browser:
    browser = portal.browser()
    fields = {"name": name, "password": PASSWORD}
    assert browser.fill("/signin?lang=en", fields, action="/signin").status_code == 303
    return browser


def agency(portal: Portal) -> Browser:
    """Somebody at the agency: no account, English."""
    browser = portal.browser("10.0.0.7")
    browser.get("/?lang=en")
    return browser


def held(portal: Portal, code: str) -> Held:
    rows = portal.node.store.tenant().held("town", "stops", None)
    return next(row for row in rows if row.raw["kode"] == code)


def grid_of(page: str) -> dict[str, Any]:
    """The fields of a grid's form, as a browser sends them."""
    rows = re.findall(r'<input type="hidden" name="row" value="(\d+)"', page)
    named = re.findall(r'<input (?:type="hidden" )?name="([cv]-[\d-]+\w*)" value="([^"]*)"', page)
    return {"form": hidden(page)["form"], "row": rows} | {name: html.unescape(value) for name, value in named}


def cell(row: Held, column: str) -> str:
    return f"c-{row.id}-{list(row.raw).index(column)}"


def codes(page: str) -> list[str]:
    return re.findall(r'value="(A\d)" aria-label="kode', page)


def stored(portal: Portal) -> list[str]:
    documents = portal.node.store.tenant().documents(_all(), 100)
    return sorted(one["id"].rpartition(":")[2] for one in documents)


def _all() -> Any:
    from mahakam.ngsild.selection import Selection

    return Selection()


def link_for(portal: Portal, who: str = "Dishub", days: str = "14") -> str:
    wati = signed_in(portal)
    answer = wati.fill(GRID, {"agency": who, "days": days}, action=PAGE + "/links")
    assert answer.status_code == 303, words_of(answer.text)
    page = wati.get(answer.headers["location"].partition("#")[0]).text
    found = re.search(r'fresh.*?value="http://127\.0\.0\.1:8000(/repair/[^"]+)"', page, re.S)
    assert found
    return found.group(1)


def corrected(content: bytes, path: Path, changes: dict[tuple[str, str], Any]) -> bytes:
    """The workbook with cells changed: (code of the row, column) → value."""
    path.write_bytes(content)
    grid: list[list[Any]] = [list(row) for row in cells_of(path, path.name)]
    for row in grid[1:]:
        for (code, column), value in changes.items():
            if row[3] == code:
                row[grid[0].index(column)] = value
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    sheet = book.add_worksheet()
    for n, row in enumerate(grid):
        for m, value in enumerate(row):
            if value is not None:
                sheet.write(n, m, value)
    book.close()
    return path.read_bytes()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["A2", "A3", "A4", "A5"]),
        ("?reason=type|seats", ["A3", "A5"]),
        ("?rule=foreignKey&field=district", ["A2", "A4", "A5"]),
        ("?agency=Dinkes", ["A3", "A4"]),
        ("?agency=Dinkes&reason=type|seats", ["A3"]),
        ("?run=1", ["A2", "A3", "A4", "A5"]),
        ("?run=99", []),
        ("?run=x&reason=||&page=-3", ["A2", "A3", "A4", "A5"]),
    ],
)
def test_rows_are_narrowed_by_reason_agency_and_run(portal: Portal, query: str, wanted: list[str]) -> None:
    answer = signed_in(portal).get(GRID + query)
    assert answer.status_code == 200
    assert codes(answer.text) == wanted


def test_many_rows_are_narrowed_and_paged_by_the_database(portal: Portal) -> None:
    store = portal.node.store.tenant()
    reasons = [{"rule": "type", "field": "seats", "value": "x", "expected": "a number"}]
    other = [{"rule": "required", "field": "name"}]
    rows = [
        Held(
            "town",
            "stops",
            1,
            "old.csv",
            "",
            n,
            n + 1,
            {"kode": f"B{n}", "kursi": "x"},
            reasons if n % 2 else other,
        )
        for n in range(1, 20_001)
    ]
    portal.node.broker.transact(lambda transaction: transaction.hold(rows))
    wati = signed_in(portal)
    read: list[int] = []
    asked = type(store).held

    def spy(self: Any, *args: Any, **more: Any) -> list[Held]:
        found = asked(self, *args, **more)
        read.append(len(found))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(store), "held", spy)
        page = wati.get(GRID + "?reason=required|name&page=400").text
    assert re.findall(r'value="(B\d+)" aria-label="kode', page) == [f"B{n}" for n in range(19_952, 20_001, 2)]
    assert "10,000 rows" in words_of(page)
    assert sum(read) == 25, "the database narrows, not Python"


def test_feeds_are_narrowed_by_agency_and_finding(portal: Portal) -> None:
    wati = signed_in(portal)
    for query, wanted in (("agency=Dishub", 1), ("agency=Dinkes", 0), ("rule=type", 1), ("rule=unique", 0)):
        assert len(wati.get(f"/quarantine.json?{query}").json()) == wanted, query
    assert "Dishub" in words_of(wati.get("/quarantine?rule=type").text)


def test_cells_of_several_rows_are_put_right_in_one_go(portal: Portal) -> None:
    wati = signed_in(portal)
    page = wati.get(GRID).text
    assert "&lt;b&gt;Jauh" in page
    two, three = held(portal, "A2"), held(portal, "A3")
    fields = grid_of(page) | {cell(two, "kecamatan"): "Kebon Jeruk", cell(three, "kursi"): "3"}
    answer = wati.post(GRID + "?agency=Dishub", fields | {"do": "replay", "reason": "asked"})
    assert answer.status_code == 303, words_of(answer.text)
    assert "agency=Dishub" in answer.headers["location"], "the filter stays"
    shown = words_of(wati.get(answer.headers["location"].partition("#")[0]).text)
    assert "2 rows went in, 2 are held" in shown
    assert stored(portal) == ["A1", "A2", "A3"]
    changes = portal.node.store.tenant().changes(two.id)
    assert next((one.author, one.column, one.new, one.reason) for one in changes) == (
        "wati",
        "kecamatan",
        "Kebon Jeruk",
        "asked",
    )


def test_a_proposal_is_taken_for_one_for_all_alike_or_for_always(portal: Portal) -> None:
    wati, store = signed_in(portal), portal.node.store.tenant()
    page = wati.get(GRID).text
    two = held(portal, "A2")
    assert f'value="{cell(two, "kecamatan")}=Kebon Jeruk"' in page
    taken = wati.post(GRID, grid_of(page) | {"take": f"{cell(two, 'kecamatan')}=Kebon Jeruk"})
    assert taken.status_code == 303
    assert held(portal, "A2").fixed == {"kecamatan": "Kebon Jeruk"}
    assert held(portal, "A4").fixed == {}

    offer = {"take": "1", "column-1": "kecamatan", "old-1": "Palmerah", "new-1": "Pal Merah"}
    token = {"form": hidden(wati.get(PAGE).text)["form"]}
    assert wati.post(PAGE + "/accept", token | offer | {"scope": "alike"}).status_code == 303
    assert store.corrections("town", "stops") == [], "no rule for the files to come"
    assert held(portal, "A4").fixed == {"kecamatan": "Pal Merah"}
    assert stored(portal) == ["A1", "A2", "A4"]

    always = {"take": "1", "column-1": "kursi", "old-1": "tiga", "new-1": "3", "scope": "always"}
    assert wati.post(PAGE + "/accept", token | always).status_code == 303
    assert [(one.old, one.new) for one in store.corrections("town", "stops")] == [("tiga", "3")]
    assert stored(portal) == ["A1", "A2", "A3", "A4"]


def test_two_who_change_one_cell_are_both_heard(portal: Portal) -> None:
    wati = signed_in(portal)
    page, five = wati.get(GRID).text, held(portal, "A5")
    first = grid_of(page) | {cell(five, "kecamatan"): "Tebet", "do": "save"}
    assert wati.post(GRID, first).status_code == 303
    late = wati.post(
        GRID, grid_of(page) | {cell(five, "kecamatan"): "Pal Merah", cell(five, "kursi"): "9", "do": "save"}
    )
    assert late.status_code == 409
    assert "Somebody else wrote meanwhile: Tebet" in words_of(late.text)
    assert 'value="Pal Merah"' in late.text, "what was typed is still there"
    assert held(portal, "A5").fixed == {"kecamatan": "Tebet", "kursi": "9"}
    again = grid_of(late.text) | {"do": "save"}
    assert wati.post(GRID, again).status_code == 303
    assert held(portal, "A5").fixed == {"kecamatan": "Pal Merah", "kursi": "9"}


def test_a_row_stands_beside_its_neighbours_and_on_a_map(portal: Portal) -> None:
    wati, three = signed_in(portal), held(portal, "A3")
    page = wati.get(f"{PAGE}/{three.id}").text
    table = page[page.index('class="near"') :]
    assert re.findall(r"<td>(A\d)</td>", table) == ["A1", "A2", "A3", "A4", "A5"]
    assert "near.geojson?what=here" in html.unescape(page)
    near = f"{PAGE}/{three.id}/near.geojson?what="
    here = wati.get(near + "here").json()["features"]
    assert [one["geometry"]["coordinates"] for one in here] == [[117.03, -0.43]]
    assert len(wati.get(near + "held").json()["features"]) == 3
    assert len(wati.get(near + "stored").json()["features"]) == 1
    assert "Dermaga" in wati.get(f"{PAGE}/{three.id}/popup?id=row-3").text
    assert wati.get(f"{PAGE}/{three.id}/popup?id=row-99").status_code == 404
    assert portal.browser().get(near + "here").status_code in (303, 401)


def test_the_agency_repairs_its_own_rows_without_an_account(portal: Portal) -> None:
    link, dishub = link_for(portal), agency(portal)
    answer = dishub.get(link)
    page = answer.text
    assert codes(page) == ["A2", "A5"], "its own rows, no others"
    assert "0811" not in page, "personal data that is not wrong is not shown"
    assert "Dinkes" not in page
    assert (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == (
        "no-store",
        "noindex, nofollow",
    )
    two, five, other = held(portal, "A2"), held(portal, "A5"), held(portal, "A4")
    assert cell(two, "opd") not in page, "whose row it is cannot be changed"
    forged = {"row": [str(two.id), str(five.id), str(other.id)], cell(other, "kecamatan"): "Pal Merah"}
    forged |= {f"v-{other.id}": "x", cell(two, "opd"): "Dinkes"}
    done = dishub.post(
        link, grid_of(page) | forged | {cell(two, "kecamatan"): "Kebon Jeruk", cell(five, "kursi"): "7"}
    )
    assert done.status_code == 200
    assert "1 row went in, 1 are still held" in words_of(done.text)
    assert codes(done.text) == ["A5"]
    assert stored(portal) == ["A1", "A2"]
    assert (held(portal, "A4").fixed, held(portal, "A2").fixed) == ({}, {"kecamatan": "Kebon Jeruk"})
    author = portal.node.store.tenant().changes(two.id)[0].author
    assert author.startswith("Dishub (")
    last = dishub.post(link, grid_of(done.text) | {cell(five, "kecamatan"): "Tebet"})
    assert "Nothing is left to correct" in words_of(last.text)


def test_the_workbook_goes_down_is_corrected_and_comes_up(portal: Portal, tmp_path: Path) -> None:
    link, dishub = link_for(portal), agency(portal)
    book = dishub.get(link + "/rows.xlsx")
    assert book.headers["content-type"].startswith("application/vnd.openxmlformats")
    path = tmp_path / "rows.xlsx"
    path.write_bytes(book.content)
    grid = cells_of(path, "rows.xlsx")
    assert [row[3] for row in grid] == ["kode", "A2", "A5"]
    assert "seats is “banyak”" in str(grid[2][2])
    assert grid[2][4] == "<b>Jauh</b>"
    assert "0811" not in str(grid)
    changes = {("A2", "kecamatan"): "Kebon Jeruk", ("A5", "kursi"): 7.0, ("A5", "opd"): "Dinkes"}
    sent = corrected(book.content, path, changes)
    token = {"form": hidden(dishub.get(link).text)["form"]}
    done = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", sent)})
    text = words_of(done.text)
    assert done.status_code == 200, text
    assert "1 row went in, 1 are still held" in text
    assert "Atlantis" in text[text.index("What became of the rows") :]
    assert (stored(portal), held(portal, "A5").fixed) == (["A1", "A2"], {"kursi": "7"})
    again = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", sent)})
    assert "1 row went in, 1 are still held" in words_of(again.text), "sent twice, stored once"
    phones = [one.raw["telepon"] for one in portal.node.store.tenant().held("town", "stops", None)]
    assert phones == [f"081100000{n}" for n in (2, 3, 4, 5)]

    wati = signed_in(portal)
    whole = wati.get(PAGE + "/rows.xlsx?agency=Dinkes")
    path.write_bytes(whole.content)
    assert [row[3] for row in cells_of(path, "x")] == ["kode", "A3", "A4"]
    sent = corrected(whole.content, path, {("A3", "kursi"): "3", ("A4", "kecamatan"): "Pal Merah"})
    other = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", sent)})
    assert "not a row of this sheet" in words_of(other.text), "rows of another agency"
    mine = wati.post(
        PAGE + "/sheet", {"form": hidden(wati.get(GRID).text)["form"]}, {"file": ("rows.xlsx", sent)}
    )
    assert "2 rows went in" in words_of(mine.text)


def test_a_link_and_a_workbook_outlive_a_change_of_the_secret_as_long_as_is_said(
    portal: Portal, tmp_path: Path
) -> None:
    store, link, dishub = portal.node.store.tenant(), link_for(portal), agency(portal)
    path = tmp_path / "rows.xlsx"
    book = dishub.get(link + "/rows.xlsx").content
    secrets.change(store, 30)
    token = {"form": hidden(dishub.get(link).text)["form"]}
    sent = corrected(book, path, {("A2", "kecamatan"): "Kebon Jeruk"})
    done = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", sent)})
    assert "1 row went in" in words_of(done.text)
    secrets.change(store, 0)
    time.sleep(secrets.FRESH + 0.1)
    assert dishub.get(link).status_code == 404
    link = link_for(portal)
    token = {"form": hidden(dishub.get(link).text)["form"]}
    sent = corrected(book, path, {("A5", "kursi"): 7.0})
    refused = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", sent)})
    assert "not a row of this sheet" in words_of(refused.text)


@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04"])
def test_a_file_that_is_no_workbook_says_so(portal: Portal, content: bytes) -> None:
    link, dishub = link_for(portal), agency(portal)
    token = {"form": hidden(dishub.get(link).text)["form"]}
    answer = dishub.post(link + "/sheet", token, {"file": ("rows.xlsx", content)})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "Traceback" not in answer.text


def test_a_link_that_is_forged_taken_back_or_too_long_opens_nothing(portal: Portal) -> None:
    link, dishub = link_for(portal), agency(portal)
    assert dishub.get(link[:-1]).status_code == 404
    assert dishub.get("/repair/" + "A" * 40).status_code == 404
    wati = signed_in(portal)
    id = link.rpartition("/")[2].partition(".")[0]
    siti = signed_in(portal, "siti")
    token = {"form": hidden(wati.get(GRID).text)["form"]}
    assert siti.post(f"{PAGE}/links/{id}/revoke", token).status_code == 403
    assert siti.post(f"{PAGE}/links", token | {"agency": "Dishub", "days": "1"}).status_code == 403
    assert siti.get(GRID).status_code == siti.get(PAGE + "/rows.xlsx").status_code == 403
    assert wati.post(f"{PAGE}/links", token | {"agency": "Dishub", "days": "999"}).status_code == 422
    assert wati.post(f"{PAGE}/links", token | {"agency": "", "days": "9"}).status_code == 422
    assert dishub.get(link).status_code == 200
    assert wati.post(f"{PAGE}/links/{id}/revoke", token).status_code == 303
    assert dishub.get(link).status_code == dishub.get(link + "/rows.xlsx").status_code == 410
    assert dishub.post(link, {"row": "1"}).status_code == 410
    kept = portal.node.store.tenant().record(repair_links.KIND, id)
    assert kept is not None
    assert kept["revoked"] == "wati"


def test_an_address_may_not_try_for_ever(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(repair.LIMITS, "repair-guess", 3)
    monkeypatch.setitem(repair.LIMITS, "repair-write", 2)
    link, dishub, stranger = link_for(portal), agency(portal), portal.browser("10.0.0.9")
    codes = [stranger.get("/repair/" + "A" * 40).status_code for _ in range(4)]
    assert codes == [404, 404, 404, 429]
    fields = grid_of(dishub.get(link).text)
    assert [dishub.post(link, fields).status_code for _ in range(3)] == [200, 200, 429]
    assert dishub.get(link).status_code == 200
    assert dishub.post(link, {"row": "1"}, Origin="https://evil.example").status_code == 403
