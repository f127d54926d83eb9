"""The newest requests, looked for from the end of the store, are the last ones of all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk, Wanted
from mahakam.services.request import Draft
from support.portal import BAY, TOWN, two_cities


@pytest.mark.parametrize(("spare", "near"), [(0, 5000), (1, 3), (100, 5000), (0, 0)])
def test_the_newest_are_the_last_however_they_are_looked_for(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch, spare: int, near: int
) -> None:
    """Among entities of other kinds, few of many, with and without conditions; after some were deleted."""
    monkeypatch.setattr("mahakam.services.desk._SPARE", spare)
    monkeypatch.setattr("mahakam.services.desk._NEAR", near)
    node = Node(Settings(data=tmp_path / "data", config=(two_cities(tmp_path / "places"),), store=store_url))

    def scopes(body: bytes) -> list[str]:
        found = json.loads(body)["scope"]
        return [found] if isinstance(found, str) else list(found)

    desk = Desk(node.broker, node.places, tmp_path / "data")
    assert desk.newest(Wanted("/prov/town"), 5) == []
    for at in range(18):
        for other in range(at % 7 * 3):
            node.broker.create(
                {"id": f"urn:ngsi-ld:Thing:{at}-{other}", "type": "Thing", "scope": ["/prov/town"]}
            )
        service = "pothole" if at % 3 else "street-light"
        number = desk.send(Draft("town" if at % 5 else "bay", service, "Out", TOWN if at % 5 else BAY)).number
        if at % 4 == 0:
            desk.step(number, 1, "answered", "Done", "Dinas PU", "siti")
    node.broker.delete("urn:ngsi-ld:Thing:6-0")
    for wanted in (
        Wanted("/prov/town"), Wanted("/prov"), Wanted("/prov/town", ("street-light",)),
        Wanted("/prov/town", states=("answered",)), Wanted("/prov/bay", ("pothole",), ("received",)),
    ):  # fmt: skip
        every = [one.number for one in desk.scan(wanted)][::-1]
        for limit, offset in ((1, 0), (3, 0), (3, 2), (4, 14), (50, 0), (2, 50)):
            found = [one.number for one in desk.newest(wanted, limit, offset)]
            assert found == every[offset : offset + limit], (wanted, limit, offset)
            assert len(desk.newest_bodies(wanted, limit, offset, scopes)) == len(found)
    node.close()
