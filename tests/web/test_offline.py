"""What the phone keeps of the report form, as the server gives it. How it works is tested in a browser (e2e)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.portal import TOWN, Portal, two_cities

GOOD = {"city": "town", "service": "pothole", "description": "Deep hole", "longitude": str(TOWN[0]),
        "latitude": str(TOWN[1]), "idempotency": "from-the-phone", "anyway": "1"}  # fmt: skip


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        yield made


def test_the_service_worker_names_files_that_are_there(portal: Portal) -> None:
    browser = portal.browser()
    answer = browser.get("/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache", "a new build is seen at once"
    match = re.match(r"self\.MAHAKAM=(\{.*?\});", answer.text)
    assert match
    kept = json.loads(match[1])
    assert kept["stamp"]
    assert len(kept["files"]) > 8
    for path in kept["files"]:
        assert browser.get(path).status_code == 200, path


def test_a_report_that_waited_is_taken_once_with_a_fresh_token(portal: Portal) -> None:
    browser = portal.browser()
    fresh = browser.get("/report/token.json")
    assert fresh.headers["cache-control"] == "no-store"
    fields = GOOD | fresh.json()
    first, second = (browser.post("/report", fields, accept="application/json") for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert first.json()["page"].startswith(f"/requests/{first.json()['number']}?sent=1&key=")
    assert len(browser.get("/requests.json").json()) == 1


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"latitude": "10"}, 422, "location"),
        ({"service": "zzz"}, 422, "service"),
        ({"form": "0.0"}, 403, "form"),
    ],
)
def test_what_cannot_be_taken_is_said_to_the_script(
    portal: Portal, changes: dict[str, str], status: int, field: str
) -> None:
    browser = portal.browser()
    fields = GOOD | browser.get("/report/token.json").json() | changes
    answer = browser.post("/report", fields, accept="application/json")
    assert answer.status_code == status
    assert list(answer.json()["errors"]) == [field]


def test_a_phone_can_put_the_site_on_its_screen(portal: Portal) -> None:
    document = portal.browser().get("/manifest.webmanifest").json()
    assert document["start_url"] == "/"
    assert portal.browser().get(document["icons"][0]["src"]).status_code == 200
