"""The newest requests, looked for from the end of the store, are the last ones of all."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.dated import entries
from mahakam.services.desk import Desk, Wanted
from mahakam.services.queue import build_lists
from mahakam.services.request import Draft, entity_id
from mahakam.services.states import OPEN
from support.portal import BAY, TOWN, two_cities


@pytest.mark.parametrize("lists", [True, False], ids=["lists", "none"])
@pytest.mark.parametrize(("spare", "near"), [(0, 5000), (1, 3), (100, 5000), (0, 0)])
def test_the_newest_are_the_last_however_they_are_looked_for(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, spare: int, near: int, lists: bool
) -> None:
    """Among entities of other kinds, few of many, with and without conditions; after some were deleted; also by a store
    of an older version, whose lists by date are not made yet."""
    monkeypatch.setattr("mahakam.services.desk._SPARE", spare)
    monkeypatch.setattr("mahakam.services.desk._NEAR", near)
    node = Node(Settings(data=tmp_path / "data", config=(two_cities(tmp_path / "places"),), store=store_url))

    def scopes(body: bytes) -> list[str]:
        found = json.loads(body)["scope"]
        return [found] if isinstance(found, str) else list(found)

    desk = Desk(node.broker, node.places, tmp_path / "data")
    assert desk.newest(Wanted("/prov/town"), 5) == []
    if lists:
        build_lists(node.broker)
    start = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
    for at in range(18):
        for other in range(at % 7 * 3):
            node.broker.create(
                {"id": f"urn:ngsi-ld:Thing:{at}-{other}", "type": "Thing", "scope": ["/prov/town"]}
            )
        service = "pothole" if at % 3 else "street-light"
        draft = Draft("town" if at % 5 else "bay", service, "Out", TOWN if at % 5 else BAY)
        number = desk.send(draft, start + dt.timedelta(seconds=at)).number
        if at % 4 == 0:
            desk.step(number, 1, "answered", "Done", "Dinas PU", "siti")
    node.broker.delete("urn:ngsi-ld:Thing:6-0")
    early, late = "2026-11-24T04:00:05Z", "2026-11-24T04:00:11Z"
    for wanted in (
        Wanted("/prov/town", since=early, until=late), Wanted("/prov", states=OPEN, until=late),
        Wanted("", services=("pothole", "street-light"), since=early), Wanted("/nowhere", until=late),
        Wanted("/prov", ("street-light",), ("answered", "closed"), early, late),
        Wanted("/prov/town"), Wanted("/prov"), Wanted("/prov/town", ("street-light",)),
        Wanted("/prov/town", states=("answered",)), Wanted("/prov/bay", ("pothole",), ("received",)),
    ):  # fmt: skip
        every = [one.number for one in desk.scan(wanted)][::-1]
        assert desk.count(wanted) == len(every)
        for limit, offset in ((1, 0), (3, 0), (3, 2), (4, 14), (50, 0), (2, 50)):
            found = [one.number for one in desk.newest(wanted, limit, offset)]
            assert found == every[offset : offset + limit], (wanted, limit, offset)
            assert len(desk.newest_bodies(wanted, limit, offset, scopes)) == len(found)
    node.close()


def test_the_lists_by_date_follow_what_becomes_of_a_request(tmp_path: Path, store_url: str) -> None:
    """A page of old requests is read from the lists alone, so each change must move its request in them."""
    node = Node(Settings(data=tmp_path / "data", config=(two_cities(tmp_path / "places"),), store=store_url))
    desk = Desk(node.broker, node.places, tmp_path / "data")
    build_lists(node.broker)
    first, second = (
        desk.send(
            Draft("town", "pothole", words, TOWN), dt.datetime(2026, 11, day, 4, 0, tzinfo=dt.UTC)
        ).number
        for day, words in ((24, "Out"), (25, "Out again"))
    )
    assert [one.number for one in desk.newest(Wanted("/prov/town", states=("received",)), 9)] == [
        second,
        first,
    ]
    desk.step(first, 1, "answered", "Done", "Dinas PU", "siti")
    assert [one.number for one in desk.newest(Wanted("/prov/town", states=("received",)), 9)] == [second]
    assert [one.number for one in desk.newest(Wanted("/prov/town", states=("answered",)), 9)] == [first]
    node.broker.delete(entity_id(second))
    assert desk.count(Wanted("/prov/town", states=OPEN)) == 0
    assert [one.number for one in desk.newest(Wanted("", until="2026-11-30T00:00:00Z"), 9)] == [first]
    node.close()


@pytest.mark.parametrize(
    ("written", "second"),
    [
        ("2026-11-24T04:00:00Z", "2026-11-24T04:00:00Z"),
        ("2026-11-24T12:00:00+08:00", "2026-11-24T04:00:00Z"),
        ("2026-11-24T04:00:00.75Z", "2026-11-24T04:00:00Z"),
        ("2026-11-24", "2026-11-24T00:00:00Z"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_what_another_system_wrote_as_its_date(written: str, second: str) -> None:
    listed = entries("/prov/town", {"requestedDatetime": written, "status": "closed"}, "urn:x:1")
    assert set(listed.values()) == ({f"{second} urn:x:1"} if second else set())
