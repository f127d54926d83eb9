"""A real node with a real mail server: news reach the resident, also those that an agency's own system makes."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.mail import Mailbox, text_of
from support.node import MAHAKAM, RunningNode
from support.portal import TOWN, hidden, two_cities

SENDER = {"MAHAKAM_MAIL_FROM": "Town <no@example.id>", "MAHAKAM_URL": "https://kota.example.id"}


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as made:
        yield made


def _until(true: Callable[[], object], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def _report(node: RunningNode, email: str) -> str:
    with httpx.Client(base_url=node.url, headers={"origin": node.url}, timeout=120) as client:
        fields = hidden(client.get("/report?city=town&lang=en").text) | {
            "service": "pothole", "description": "Deep hole", "contact": email,
            "anyway": "1", "longitude": str(TOWN[0]), "latitude": str(TOWN[1]),
        }  # fmt: skip
        sent = client.post("/report", data=fields, files={"photo": ("", b"")})
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].split("/")[2].split("?")[0]


def test_news_come_by_mail_and_wait_for_a_server_that_is_away(tmp_path: Path, box: Mailbox) -> None:
    places, data = two_cities(tmp_path / "places"), tmp_path / "data"
    settings = SENDER | {"MAHAKAM_SMTP": box.url}
    with RunningNode(data, config=(places,), open=True, environment=settings) as node:
        number = _report(node, "warga@example.id")
        _until(lambda: len(box.letters) == 1)
        assert f"https://kota.example.id/requests/{number}?key=" in text_of(box.letters[0])

        # An agency's own system answers over NGSI-LD.
        entity = f"{node.url}/ngsi-ld/v1/entities/urn:ngsi-ld:ServiceRequest:{number}"
        steps = httpx.get(entity).json()["timeline"]["value"]
        steps.append(
            {"status": "answered", "at": "2099-01-01T00:00:00Z", "agency": "Dinas PU", "text": "Filled"}
        )
        patch = {
            "status": {"type": "Property", "value": "answered"},
            "updatedDatetime": {"type": "Property", "value": "2099-01-01T00:00:00Z"},
            "timeline": {"type": "Property", "value": steps},
        }
        assert httpx.patch(f"{entity}/attrs", json=patch).status_code == 204
        _until(lambda: len(box.letters) == 2)
        assert "Filled" in text_of(box.letters[1])
        _report(node, "kedua@example.id")
        _until(lambda: box.to("kedua@example.id"))  # that system's clock runs ahead, and hides nothing

    gone = Mailbox()
    with RunningNode(
        data, config=(places,), open=True, environment=SENDER | {"MAHAKAM_SMTP": gone.url}
    ) as node:
        _report(node, "lain@example.id")
        _until(lambda: _letters(data))
    (waiting,) = _letters(data)
    assert waiting["state"] == "waiting"
    assert waiting["to"] == "la…@example.id"


def _letters(data: Path) -> list[dict[str, str]]:
    done = subprocess.run(
        [MAHAKAM, "mail", "list", "--json", "--data", str(data)], capture_output=True, text=True, check=True
    )
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def test_a_mail_server_without_a_sender_is_said_at_the_start(tmp_path: Path) -> None:
    places = two_cities(tmp_path / "places")
    with (
        pytest.raises(RuntimeError, match="MAHAKAM_MAIL_FROM is an address"),
        RunningNode(tmp_path / "data", config=(places,), environment={"MAHAKAM_SMTP": "smtp://127.0.0.1:25"}),
    ):
        pass
