"""Pages and Open311 are held to the same policy of writing as NGSI-LD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access.keys import add_key
from support.portal import TOWN, Portal, two_cities

REPORT = {
    "jurisdiction_id": "town", "service_code": "pothole", "lat": str(TOWN[1]), "long": str(TOWN[0]),
    "description": "A hole",
}  # fmt: skip


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    places = two_cities(tmp_path / "places")
    (places / "rights.yaml").write_text('write: {ServiceRequest: {create: ["key:own"]}}\n')
    with Portal(tmp_path / "data", places) as found:
        yield found


def requests_in(portal: Portal) -> int:
    return int(portal.node.broker.types().get("ServiceRequest", 0))


def test_an_application_that_is_not_named_sends_no_request(portal: Portal) -> None:
    store = portal.node.store.tenant()
    for name, status in (("other", 403), ("own", 201)):
        key = add_key(store, name, ("write",), ("town",))[0]
        answer = portal.browser().post("/open311/requests.json", REPORT | {"api_key": key})
        assert answer.status_code == status, answer.text
    assert requests_in(portal) == 1


def test_a_page_says_that_it_may_not_be_written(portal: Portal) -> None:
    browser = portal.browser()
    fields = {"description": "A hole", "lat": str(TOWN[1]), "lon": str(TOWN[0])}
    answer = browser.fill("/report?place=town&service=pothole&lang=en", fields, action="/report")
    assert answer.status_code in (400, 401, 403, 422), answer.status_code
    assert requests_in(portal) == 0
