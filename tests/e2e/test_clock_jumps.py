"""The clock of a node jumps while it writes and notifies: nothing is lost, nothing waits for the old time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.clock import Clock
from support.node import RunningNode
from support.notify import Receiver, until

ROUND = 25


@pytest.mark.parametrize("jumps", [("+2d", "+0"), ("-2d", "+0", "-40d")], ids=["ahead", "back"])
@pytest.mark.fault(
    "the clock jumps by days, a receiver failing too", "no acknowledged write, no notification", times=3
)
def test_a_clock_that_jumps_loses_nothing(tmp_path: Path, store_url: str, jumps: tuple[str, ...]) -> None:
    clock = Clock(tmp_path)
    environment = {**clock.environment, "MAHAKAM_PRIVATE_ADDRESSES": "1", "MAHAKAM_STORE": store_url}
    with (
        Receiver() as receiver,
        RunningNode(tmp_path / "data", open=True, environment=environment) as node,
        httpx.Client(base_url=f"{node.url}/ngsi-ld/v1", timeout=120) as client,
    ):
        for id, more in (("urn:s:all", {}), ("urn:s:throttled", {"throttling": 2})):
            payload: dict[str, Any] = {
                "id": id, "type": "Subscription", "entities": [{"type": "Counter"}], **more,
                "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
            }  # fmt: skip
            answer = client.post("/subscriptions", json=payload)
            assert answer.status_code == 201, answer.text
        acknowledged: dict[str, int] = {}
        number = 0

        def write() -> None:
            nonlocal number
            for _ in range(ROUND):
                number += 1
                id = f"urn:x:{number}"
                body = {"id": id, "type": "Counter", "n": {"type": "Property", "value": number}}
                answer = client.post("/entities", json=body)
                assert answer.status_code == 201, answer.text
                acknowledged[id] = number

        write()
        for jump in jumps:
            receiver.refuse = 6  # so that there are tries whose time is noted before the jump
            write()
            until(lambda: receiver.refuse <= 4)
            clock.jump(jump)
            assert abs(_days_ahead(client) - int(jump.rstrip("d"))) < 0.5
            write()
        receiver.refuse = 0
        for id, value in acknowledged.items():
            found = client.get(f"/entities/{id}").json()
            assert found["n"]["value"] == value
        for subscription in ("urn:s:all", "urn:s:throttled"):
            until(lambda: acknowledged.keys() <= _heard(receiver, subscription))  # noqa: B023 - waited for here
        assert client.get("/subscriptions/urn:s:all/deadLetters").json() == []


def _days_ahead(client: httpx.Client) -> float:
    """How far the node's clock is ahead of the right one."""
    client.post("/entityOperations/upsert", json=[{"id": "urn:clock", "type": "Clock"}]).raise_for_status()
    noted = client.get("/entities/urn:clock", params={"options": "sysAttrs"}).json()["modifiedAt"]
    return (datetime.fromisoformat(noted) - datetime.now(UTC)).total_seconds() / 86_400


def _heard(receiver: Receiver, subscription: str) -> set[str]:
    return {
        entity["id"]
        for one in list(receiver.got)
        if one["subscriptionId"] == subscription
        for entity in one["data"]
    }
