"""Two of our servers as processes exchange requests through Open311: each is there once, and its news come back."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from mahakam.access.keys import add_key
from mahakam.services.request import Draft
from support.node import MAHAKAM, RunningNode
from support.routed import NORTH, ROAD, opened, routed_town

EXCHANGE = """
servers:
  - name: other
    url: {url}/open311
    jurisdiction: town
    key: OTHER_KEY
    push: {{team: province, services: {{pothole: pothole}}}}
    pull: {{services: {{street-light: street-light}}}}
"""


@dataclass
class Two:
    here: RunningNode
    data: Path
    places: Path
    there: RunningNode
    key: str

    def exchange(self) -> str:
        """A round by the command, beside the running server, which may be at it itself."""
        while True:
            told = subprocess.run(
                [MAHAKAM, "exchange", "--data", str(self.data), "--config", str(self.places)],
                env=os.environ | {"OTHER_KEY": self.key},
                capture_output=True,
                text=True,
                check=False,
            )
            if "another round is under way" not in told.stderr:
                return told.stdout + told.stderr
            time.sleep(0.2)

    def listed(self, node: RunningNode) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(
            f"{node.url}/open311/requests.json?jurisdiction_id=town"
        ).json()
        return found


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    theirs = routed_town(tmp_path / "their-places")
    inside, desk, _hands = opened(tmp_path / "their-data", theirs)
    key = add_key(inside.store.tenant(), "town", ["write", "work"], ["town"])[0]
    desk.send(Draft("town", "street-light", "A lamp reported there", NORTH))
    desk.send(Draft("town", "pothole", "A hole reported there", NORTH))
    inside.close()
    ours = routed_town(tmp_path / "our-places")
    inside, desk, _hands = opened(tmp_path / "our-data", ours)
    for at in range(3):
        desk.send(Draft("town", "pothole", f"Hole {at} on the main road", ROAD))
    desk.send(Draft("town", "pothole", "A hole of the town's own", NORTH))
    inside.close()
    with RunningNode(tmp_path / "their-data", config=(theirs,)) as there:
        (ours / "prov" / "town" / "exchange.yaml").write_text(EXCHANGE.format(url=there.url))
        with RunningNode(tmp_path / "our-data", config=(ours,)) as here:
            yield Two(here, tmp_path / "our-data", ours, there, key)


def test_requests_are_on_the_other_side_once_and_news_come_back(two: Two) -> None:
    two.exchange()
    for _again in range(2):
        assert "0 pushed, 0 with news, 0 pulled" in two.exchange()
    pushed = [row for row in two.listed(two.there) if "main road" in row["description"]]
    assert sorted(row["description"].splitlines()[0] for row in pushed) == [
        f"Hole {at} on the main road" for at in range(3)
    ]
    assert [row["description"] for row in two.listed(two.here)].count("A lamp reported there") == 1
    assert "A hole reported there" not in [row["description"] for row in two.listed(two.here)]

    done = httpx.post(
        f"{two.there.url}/queue/{pushed[0]['service_request_id']}.json",
        json={"revision": 2, "state": "answered", "text": "The province has filled it"},
        headers={"Authorization": f"Bearer {two.key}"},
    )
    assert done.status_code == 200
    assert "1 with news" in two.exchange()
    assert "0 pushed, 0 with news" in two.exchange()
    number = pushed[0]["description"].splitlines()[-1]
    row = httpx.get(f"{two.here.url}/open311/requests/{number}.json?jurisdiction_id=town").json()[0]
    assert (row["status"], row["status_notes"]) == ("closed", "The province has filled it")


def test_a_round_that_broke_off_sends_nothing_twice(two: Two) -> None:
    two.exchange()
    inside, _desk, _hands = opened(two.data, two.places)

    def forget(transaction: Any) -> None:
        """As if the answer had never come: sent, but not known to be there."""
        for number in inside.store.tenant().record_keys("exchange-pushed other"):
            transaction.save_record("exchange-pushed other", number, None)
            transaction.save_record("exchange-state other", number, {"at": "2026-01-01T00:00:00Z"})

    inside.store.tenant().write(forget)
    inside.close()
    assert "3 pushed" in two.exchange(), "found there"
    assert len([row for row in two.listed(two.there) if "main road" in row["description"]]) == 3


def test_a_server_that_is_gone_is_said_and_nothing_is_lost(two: Two) -> None:
    two.there.__exit__(None, None, None)
    told = two.exchange()
    assert "other: " in told
    assert "Traceback" not in told
