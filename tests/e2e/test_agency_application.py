"""An agency's own application takes over its queue: signed webhooks, tried again, and answers with a key."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx
import pytest

from mahakam.access.keys import add_key
from mahakam.broker.signing import holds
from mahakam.services.request import Draft
from support.node import MAHAKAM, RunningNode
from support.notify import Receiver
from support.routed import NORTH, opened, routed_town


def _until(condition: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def test_an_application_hears_of_its_queue_and_answers_it(tmp_path: Path) -> None:
    places, receiver = routed_town(tmp_path / "places"), Receiver()
    inside, desk, _hands = opened(tmp_path / "data", places)
    store = inside.store.tenant()
    work = add_key(store, "works application", ["work"], ["town"])[0]
    read = add_key(store, "reader", ["read", "write"], ["town"])[0]
    elsewhere = add_key(store, "bay application", ["work"], ["bay"])[0]
    number = desk.send(Draft("town", "street-light", "A lamp", NORTH, contact="warga@example.id")).number
    inside.close()
    command = [MAHAKAM, "subscription", "webhook", receiver.uri, "--place", "town", "--team", "transport"]
    made = subprocess.run(
        [*command, "--data", str(tmp_path / "data"), "--config", str(places)],
        capture_output=True,
        text=True,
        check=True,
    )
    secret = made.stdout.strip()
    receiver.refuse = 2
    with RunningNode(tmp_path / "data", config=(places,), private_addresses=True) as node:
        address = f"{node.url}/queue/{number}.json"

        def ask(key: str, **body: object) -> httpx.Response:
            return httpx.post(address, json=body, headers={"Authorization": f"Bearer {key}"})

        seen = httpx.get(address, headers={"Authorization": f"Bearer {work}"}).json()
        assert (seen["state"], seen["contact"]) == ("received", "warga@example.id")
        for key, status in ((read, 403), (elsewhere, 403), ("mhk_wrong", 401)):
            assert (
                ask(key, revision=seen["revision"], state="answered", text="Not mine").status_code == status
            )
        moved = ask(work, revision=seen["revision"], transfer="transport", text="A lamp is transport's")
        assert moved.json()["routedTo"] == ["transport"]
        _until(lambda: receiver.got)
        headers = {name.lower(): value for name, value in receiver.headers[0].items()}
        assert holds(secret, headers, receiver.raw[0])
        assert not holds(secret, headers, receiver.raw[0].replace(b"transport", b"transporx"))
        assert not holds(secret, headers | {"webhook-timestamp": "1"}, receiver.raw[0])
        assert receiver.got[0]["data"][0]["serviceRequestId"]["value"] == number
        assert b"warga@example.id" not in receiver.raw[0]
        stale = ask(work, revision=seen["revision"], state="answered", text="Too late")
        assert stale.status_code == 409
        assert stale.json()["revision"] == seen["revision"] + 1
        done = ask(work, revision=seen["revision"] + 1, state="answered", text="The lamp is lit")
        assert done.json()["state"] == "answered"
        assert ask(work, revision=done.json()["revision"], state="received", text="Back").status_code == 422
        assert ask(work, note="Cost: 40,000").json()["notes"][-1]["text"] == "Cost: 40,000"
        _until(lambda: len(receiver.got) >= 2)
        assert "The lamp is lit" in httpx.get(f"{node.url}/requests/{number}?lang=en").text
        assert "Cost: 40,000" not in httpx.get(f"{node.url}/ngsi-ld/v1/entities?type=ServiceRequest").text
    receiver.server.shutdown()


@pytest.mark.parametrize("wrong", [["--place", "nowhere"], ["--place", "town", "--team", "A team"]])
def test_a_wrong_webhook_says_what_is_wrong(tmp_path: Path, wrong: list[str]) -> None:
    places = routed_town(tmp_path / "places")
    told = subprocess.run(
        [MAHAKAM, "subscription", "webhook", "https://x.example", *wrong, "--data", str(tmp_path / "data"),
         "--config", str(places)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "there is no place" in told.stderr or "routing.yaml" in told.stderr
