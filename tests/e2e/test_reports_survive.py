"""The server is killed (-9) while reports with photos come in: what was acknowledged is there, once."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from pathlib import Path

import httpx
import pytest
from PIL import Image

from support.node import RunningNode
from support.portal import TOWN, hidden, two_cities


def _photo(n: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((400, 300), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue() + str(n).encode()


def _send(node: RunningNode, sender: int, taken: dict[str, str], stop: threading.Event) -> None:
    """Reports one after the other until the server is gone; ``taken``: words → number."""
    with httpx.Client(base_url=node.url, headers={"origin": node.url}, timeout=120) as client:
        token = hidden(client.get("/report?city=town").text)
        n = 0
        while not stop.is_set():
            n += 1
            words = f"Report {sender} {n}"
            fields = token | {"service": "pothole", "description": words, "anyway": "1", "idempotency": words,
                              "longitude": str(TOWN[0]), "latitude": str(TOWN[1])}  # fmt: skip
            try:
                answer = client.post("/report", data=fields, files={"photo": ("p.jpg", _photo(n))})
            except httpx.TransportError:
                return
            assert answer.status_code == 303
            taken[words] = answer.headers["location"].split("/")[2].split("?")[0]


@pytest.mark.fault(
    "a server that takes reports with photos, kill -9", "no report, no photo, no number twice", times=2
)
def test_no_acknowledged_report_is_lost(tmp_path: Path) -> None:
    places, data = two_cities(tmp_path / "places"), tmp_path / "data"
    taken: dict[str, str] = {}
    stop = threading.Event()
    for _round in range(2):
        with RunningNode(data, config=(places,), open=True) as node:
            senders = [
                threading.Thread(target=_send, args=(node, _round * 10 + k, taken, stop)) for k in range(3)
            ]
            for sender in senders:
                sender.start()
            wanted = len(taken) + 25
            until = time.monotonic() + 120
            while len(taken) < wanted and time.monotonic() < until:
                time.sleep(0.01)
            os.killpg(node.pid, signal.SIGKILL)
            for sender in senders:
                sender.join()
    assert len(taken) >= 50
    with (
        RunningNode(data, config=(places,), open=True) as node,
        httpx.Client(base_url=node.url, timeout=60) as client,
    ):
        rows = {row["description"]: row for row in client.get("/requests.json").json()}
        for words, number in taken.items():
            assert rows[words]["number"] == number, "lost, or with another number"
            photo = client.get(rows[words]["photo"])
            assert photo.status_code == 200
            with Image.open(io.BytesIO(photo.content)) as picture:
                assert picture.size == (400, 300)
        assert len({row["number"] for row in rows.values()}) == len(rows), "no number twice"
