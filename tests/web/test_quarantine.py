"""Held rows through the pages: findings with their cure, corrections, replay, history."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access import accounts
from mahakam.feeds.parts import Parts
from mahakam.feeds.repairing import Repaired
from mahakam.feeds.run import run_feed
from mahakam.feeds.turn import turn
from mahakam.store.model import Run
from mahakam.web.held_grid import said
from mahakam.web.site import build
from support.portal import Browser, Portal, hidden, two_cities, with_stops, words_of

PASSWORD = "correct horse battery"
PAGE = "/quarantine/town/stops"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", with_stops(two_cities(tmp_path / "places"))) as made:
        store = made.node.store.tenant()
        accounts.add_account(store, "wati", PASSWORD, ["steward"], ["town"])
        accounts.add_account(store, "budi", PASSWORD, ["steward"], ["bay"])
        accounts.add_account(store, "siti", PASSWORD, ["officer"], ["town"])
        run = run_feed(Parts.of(made.node), "town", "stops")
        assert (run.read, run.stored, run.held) == (5, 1, 4), run.message
        yield made


def _as(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    fields = {"name": name, "password": PASSWORD}
    assert browser.fill("/signin?lang=en", fields, action="/signin").status_code == 303
    return browser


def _stop(portal: Portal, code: str) -> dict[str, object] | None:
    document = portal.node.broker.get(f"urn:ngsi-ld:BusStop:town:{code}")
    return (
        {name: part["value"] for name, part in document.items() if isinstance(part, dict)}
        if document
        else None
    )


def _row(portal: Portal, line: int) -> str:
    """The page of the held row that a person sees as this line of the file."""
    (row,) = (one for one in portal.node.store.tenant().held("town", "stops", None) if one.line == line)
    return f"{PAGE}/{row.id}"


def test_each_finding_is_a_card_with_its_cure(portal: Portal) -> None:
    wati = _as(portal, "wati")
    page = wati.get(PAGE).text
    words = words_of(page)
    assert "Bus stops" in words
    assert "4 rows held" in words
    assert "District is not in the code list 4" in words
    assert "Seats cannot be read 1" in words
    assert "Nearest found for 3:" in words
    for old, new in (("Kebun Jeruk", "Kebon Jeruk"), ("Palmerah", "Pal Merah")):
        assert f"{old} → {new}" in words
    assert "1 letter differs" in words
    assert "only blanks, case or marks differ" in words
    assert "Atlantis" in words
    narrowed = words_of(wati.get(PAGE + "?rule=type&field=seats").text)
    assert "banyak" in narrowed
    assert "1 row" in narrowed


def test_all_alike_are_accepted_at_once_and_go_in(portal: Portal) -> None:
    wati = _as(portal, "wati")
    page = wati.get(PAGE).text
    taken = re.findall(r'name="take" value="([^"]+)"', page)
    assert len(taken) == 3
    shown = dict(re.findall(r'name="((?:old|column|new)-[^"]+)" value="([^"]*)"', page))
    shown |= dict(re.findall(r'id="new-[^"]+" name="(new-[^"]+)" value="([^"]*)"', page))
    fields = {"form": hidden(page)["form"]} | shown | {"take": taken}  # type: ignore[dict-item]
    answer = wati.post(PAGE + "/accept", fields)
    assert answer.status_code == 303, answer.text
    after = words_of(wati.get(answer.headers["location"]).text)
    assert "Sent through again: 3 rows went in, 1 are held." in after
    assert _stop(portal, "A2") is not None
    assert (_stop(portal, "A2") or {})["district"] == "Kebon Jeruk"
    assert (_stop(portal, "A4") or {})["district"] == "Pal Merah"
    corrections = portal.node.store.tenant().corrections("town", "stops")
    assert {(one.column, one.old, one.new, one.author) for one in corrections} == {
        ("kecamatan", "Kebun Jeruk", "Kebon Jeruk", "wati"),
        ("kecamatan", "KEBUN JERUK", "Kebon Jeruk", "wati"),
        ("kecamatan", "Palmerah", "Pal Merah", "wati"),
    }
    assert "Corrections of this dataset" in after


def test_one_row_is_put_right_and_the_original_stays(portal: Portal) -> None:
    wati = _as(portal, "wati")
    page = _row(portal, 6)
    shown = wati.get(page)
    words = words_of(shown.text)
    assert "Atlantis" in shown.text
    assert "<b>Jauh" not in shown.text
    assert "Nobody has changed this row." in words
    cells = _cells(shown.text)
    fixed = cells | {_cell(shown.text, "kecamatan"): "Tebet", _cell(shown.text, "kursi"): "12"}
    answer = wati.post(page, hidden(shown.text) | fixed | {"do": "replay", "reason": "asked the agency"})
    assert answer.status_code == 303, words_of(answer.text)
    after = wati.get(answer.headers["location"]).text
    assert "The row passed every rule." in words_of(after)
    assert "/trace/entity/urn:ngsi-ld:BusStop:town:A5" in after
    stop = _stop(portal, "A5")
    assert stop is not None
    assert (stop["district"], stop["seats"], stop["name"]) == ("Tebet", 12, "<b>Jauh</b>")
    row = portal.node.store.tenant().held_row(int(page.rpartition("/")[2]))
    assert row is not None
    assert (row.state, row.raw["kecamatan"], row.entity) == (
        "released",
        "Atlantis",
        "urn:ngsi-ld:BusStop:town:A5",
    )
    history = words_of(after)
    assert "Atlantis → Tebet" in history
    assert "asked the agency" in history
    assert "wati" in history
    assert "4 rows held" not in words_of(wati.get(PAGE).text)


def test_a_correction_that_is_still_wrong_stays_held_and_says_why(portal: Portal) -> None:
    wati = _as(portal, "wati")
    page = _row(portal, 6)
    shown = wati.get(page).text
    fields = hidden(shown) | _cells(shown) | {_cell(shown, "kursi"): "-3", "do": "replay"}
    after = wati.get(wati.post(page, fields).headers["location"]).text
    assert "It is still held: see below." in words_of(after)
    assert 'value="-3"' in after, "what was typed is kept"
    assert "Atlantis" in after
    assert _stop(portal, "A5") is None


def test_a_row_is_left_out_with_a_reason_only(portal: Portal) -> None:
    wati = _as(portal, "wati")
    page = _row(portal, 6)
    shown = wati.get(page).text
    fields = hidden(shown) | _cells(shown) | {"do": "dismiss"}
    refused = wati.post(page, fields)
    assert refused.status_code == 422
    assert "Say why the row is left out" in words_of(refused.text)
    assert wati.post(page, fields | {"reason": "No such district"}).status_code == 303
    assert len(wati.get(PAGE + ".json").json()) == 3
    assert "No such district" in words_of(wati.get(page).text)
    run_feed(Parts.of(portal.node), "town", "stops", force=True)
    assert len(wati.get(PAGE + ".json").json()) == 3, "it does not come back with the next run"


def test_two_stewards_do_not_undo_each_other(portal: Portal) -> None:
    first, second = _as(portal, "wati"), _as(portal, "wati")
    page = _row(portal, 6)
    seen = second.get(page).text
    shown = first.get(page).text
    first.post(page, hidden(shown) | _cells(shown) | {"do": "dismiss", "reason": "No such district"})
    late = second.post(page, hidden(seen) | _cells(seen) | {_cell(seen, "kecamatan"): "Tebet", "do": "save"})
    assert late.status_code == 422
    assert "This row is held no longer" in words_of(late.text)


def test_the_table_is_a_file_for_the_agency(portal: Portal) -> None:
    wati = _as(portal, "wati")
    rows = wati.get(PAGE + ".json").json()
    assert [row["line"] for row in rows] == [3, 4, 5, 6]
    assert (rows[0]["field"], rows[0]["value"], rows[0]["proposed"]) == (
        "kecamatan",
        "Kebun Jeruk",
        "Kebon Jeruk",
    )
    assert rows[0]["raw"]["nama"] == "Balai"
    assert "Kebun Jeruk" in wati.get(PAGE + ".csv").text
    assert [row["feed"] for row in wati.get("/quarantine.json").json()] == ["stops"]
    assert [row["held"] for row in wati.get("/quarantine.json").json()] == [4]


def test_only_the_places_stewards_see_and_change(portal: Portal) -> None:
    page = _row(portal, 6)
    wati = _as(portal, "wati")
    shown = wati.get(page).text
    forged = hidden(shown) | _cells(shown) | {"do": "dismiss", "reason": "x"}
    for name in ("budi", "siti"):
        other = _as(portal, name)
        assert other.get(PAGE).status_code == 403, name
        assert other.get(PAGE + ".csv").status_code == 403, name
        assert other.get(page).status_code == 403, name
        assert other.post(page, forged).status_code == 403, name
        assert other.post(PAGE + "/replay", forged).status_code == 403, name
        assert other.post(PAGE + "/accept", forged).status_code == 403, name
    assert _as(portal, "budi").get("/quarantine.json").json() == []
    stranger = portal.browser()
    assert stranger.get(PAGE).headers["location"].startswith("/signin?next=")
    assert stranger.get(PAGE + ".csv").status_code == 401
    assert wati.post(page, forged, Origin="https://evil.example").status_code == 403
    assert wati.post(PAGE + "/replay", {"form": "x"}).status_code == 403
    assert len(wati.get(PAGE + ".json").json()) == 4


@pytest.mark.parametrize(
    "path",
    ["/quarantine/nowhere/stops", "/quarantine/town/nothing", PAGE + "/999999", "/quarantine/bay/stops"],
)
def test_what_is_not_there_is_not_there(portal: Portal, path: str) -> None:
    accounts.add_account(portal.node.store.tenant(), "rudi", PASSWORD, ["admin"])
    assert _as(portal, "rudi").get(path).status_code == 404


def _cells(page: str) -> dict[str, str]:
    import html

    found = re.findall(r'<input id="(cell-\d+)" name="cell-\d+" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def _cell(page: str, column: str) -> str:
    found = re.search(rf'<label for="(cell-\d+)">{column}</label>', page)
    assert found
    return found.group(1)


def test_a_file_that_was_handed_in_is_replayed_from_the_archive(portal: Portal) -> None:
    """Its upload folder is gone by then, and the place's own folder has another file."""
    newer = Path(portal.node.settings.data).parent / "newer.csv"
    newer.write_text(
        "kode;nama;kecamatan;kursi;lon;lat\nB1;Baru;Palmerah;4;117.01;-0.41\nB2;Lagi;Tebet;1;117.02;-0.42\n"
    )
    run = run_feed(Parts.of(portal.node), "town", "stops", file=newer)
    assert (run.stored, run.held) == (1, 1), run.message
    newer.unlink()
    wati = _as(portal, "wati")
    held = [row for row in wati.get(PAGE + ".json").json() if row["file"] == "newer.csv"]
    assert [row["proposed"] for row in held] == ["Pal Merah"]
    shown = wati.get(held[0]["page"]).text
    fields = hidden(shown) | _cells(shown) | {_cell(shown, "kecamatan"): "Pal Merah", "do": "replay"}
    after = wati.get(wati.post(held[0]["page"], fields).headers["location"]).text
    assert "The row passed every rule." in words_of(after)
    assert (_stop(portal, "B1") or {})["district"] == "Pal Merah"


def test_one_run_of_a_feed_at_a_time(portal: Portal) -> None:
    wati = _as(portal, "wati")
    cut_off = Run(0, "town", "stops", dt.datetime.now(dt.UTC).isoformat())
    portal.node.broker.transact(lambda transaction: transaction.save_run(cut_off))
    page = wati.get(PAGE).text
    with turn(portal.node.settings.data, "town", "stops"):
        answer = wati.post(PAGE + "/replay", {"form": hidden(page)["form"]})
        assert "A run of this dataset is under way." in words_of(wati.get(answer.headers["location"]).text)
    answer = wati.post(PAGE + "/replay", {"form": hidden(page)["form"]})
    assert "Sent through again" in words_of(wati.get(answer.headers["location"]).text), (
        "a run that was cut off is no obstacle"
    )


def test_where_files_lie_on_the_machine_is_nobodys_concern(portal: Portal, tmp_path: Path) -> None:
    place, data = portal.node.places["town"], Path(portal.node.settings.data)
    contract = place.folder / "contracts/stop.yaml"
    why = f"{contract}: broken; {data}/uploads/x1/halte.csv: line 3; /tmp/mahakam-replay-1/halte.csv: line 4"
    failed = Run(0, "town", "stops", dt.datetime.now(dt.UTC).isoformat(), "failed", message=why)
    portal.node.broker.transact(lambda transaction: transaction.save_run(failed))
    shown = words_of(_as(portal, "wati").get(f"{PAGE}?said=run-{failed.id}").text)
    sent = said(build(portal.node).state.site, place, Repaired([], failed))
    for words in (shown, sent):
        assert "contracts/stop.yaml: broken; halte.csv: line 3; halte.csv: line 4" in words
        assert str(tmp_path) not in words
