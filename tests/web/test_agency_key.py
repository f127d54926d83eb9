"""The key of an agency's own application opens that agency's requests, and nobody else's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mahakam.access.keys import add_key
from mahakam.services.request import Draft
from support.portal import Portal
from support.routed import MARKET, NORTH, opened, routed_town

WORKDAY = dt.datetime(2026, 11, 25, 2, tzinfo=dt.UTC)
"""Ten in the morning in the town, when nothing goes to the night crew."""
AGENCY_OF = {"works": NORTH, "transport": MARKET}


@pytest.fixture
def numbers(tmp_path: Path) -> dict[str, str]:
    """The request of each agency."""
    node, desk, _hands = opened(tmp_path / "data", routed_town(tmp_path / "places"))
    kept = {
        agency: desk.send(
            Draft("town", "pothole", f"Of {agency}", point, contact="warga@example.id"), WORKDAY
        ).number
        for agency, point in AGENCY_OF.items()
    }
    node.close()
    return kept


@pytest.fixture
def portal(tmp_path: Path, numbers: dict[str, str]) -> Iterator[Portal]:
    with Portal(tmp_path / "data", tmp_path / "places") as made:
        yield made


def asking(portal: Portal, agencies: tuple[str, ...] = ()) -> dict[str, str]:
    """The header of a key for these agencies; of the town as a whole if there are none."""
    store = portal.node.store.tenant()
    return {
        "Authorization": f"Bearer {add_key(store, 'application', ['work'], ['town'], agencies=agencies)[0]}"
    }


def listed(answer: httpx.Response) -> set[str]:
    return {row["number"] for row in answer.json()}


def test_a_key_opens_its_own_agencys_requests_alone(portal: Portal, numbers: dict[str, str]) -> None:
    own, browser = asking(portal, ("town/transport",)), portal.browser()
    mine, others = numbers["transport"], numbers["works"]
    shown = browser.get(f"/queue/{mine}.json", **own)
    assert shown.status_code == 200, shown.text
    assert shown.json()["contact"] == "warga@example.id"
    refused = browser.get(f"/queue/{others}.json", **own)
    assert refused.status_code == 403
    assert "warga@example.id" not in refused.text
    assert browser.get(f"/queue/{others}", **own).status_code == 403
    for path in ("/queue.json", "/queue.json?city=town", "/queue.json?team=transport&status=all"):
        assert listed(browser.get(path, **own)) == {mine}, path
    for path in ("/queue.json?team=works", "/queue.csv?city=town&team=works/roads", "/queue.json?city=bay"):
        assert browser.get(path, **own).status_code == 403, path


def test_a_key_of_the_city_opens_all(portal: Portal, numbers: dict[str, str]) -> None:
    whole, browser = asking(portal), portal.browser()
    assert listed(browser.get("/queue.json?city=town", **whole)) == set(numbers.values())
    assert all(browser.get(f"/queue/{one}.json", **whole).status_code == 200 for one in numbers.values())


def test_what_is_passed_on_is_theirs_no_longer(portal: Portal, numbers: dict[str, str]) -> None:
    own, mine = asking(portal, ("town/transport",)), numbers["transport"]
    browser = portal.browser()
    revision = browser.get(f"/queue/{mine}.json", **own).json()["revision"]
    body = {"revision": revision, "transfer": "works", "text": "A hole is public works'"}
    moved = browser.send(f"/queue/{mine}.json", body, **own)
    assert moved.status_code == 200
    assert moved.json() == {"number": mine, "routedTo": ["works"]}
    assert browser.get(f"/queue/{mine}.json", **own).status_code == 403
