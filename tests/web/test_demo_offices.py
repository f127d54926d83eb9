"""In the demo each office of the network is taken up by one click, and what its holder may do is that office's."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from support.demo_part import CONFIG, part_of_demo

ROLES = ("representative", "city_officer", "secretariat", "partner")


@pytest.fixture
def node(tmp_path: Path) -> Node:
    shutil.copytree(part_of_demo(), tmp_path / "data")
    return open_node(Settings(data=tmp_path / "data", config=CONFIG, demo=True))


def browser(node: Node, host: str = "127.0.0.1") -> TestClient:
    return TestClient(
        Application(node),
        base_url=f"http://{host}",
        client=("127.0.0.1", 50000),
        headers={"accept-language": "en"},
        follow_redirects=False,
    )


def click(client: TestClient, role: str) -> tuple[int, str]:
    page = client.get("/signin").text
    token = re.search(r'name="form" value="([^"]+)"', page)
    assert token
    answer = client.post("/signin/demo", data={"form": token[1], "role": role, "next": "/network/people"})
    return answer.status_code, page


def test_each_office_is_offered_by_its_name_and_opens_what_it_may(node: Node) -> None:
    allowed = {}
    for role in ROLES:
        client = browser(node)
        status, page = click(client, role)
        assert (status, f'value="{role}"' in page) == (303, True)
        if role == "representative":
            assert "National Representative, Indonesia" in page
        allowed[role] = {
            path: client.get(path).status_code for path in ("/network/recommendations/new", "/network/people")
        }
    drafts = {role: found["/network/recommendations/new"] for role, found in allowed.items()}
    assert drafts == {"representative": 200, "city_officer": 200, "secretariat": 200, "partner": 403}
    assert click(browser(node), "representative")[0] == 303  # a second click takes up the same term
    from mahakam.network.offices import offices

    held = [one.account for one in offices(node.store.tenant())]
    assert sorted(held) == sorted(f"demo-{role}" for role in ROLES)


def test_nobody_takes_one_from_elsewhere(node: Node) -> None:
    client = browser(node, "kota.example")
    status, page = click(client, "secretariat")
    assert (status, 'name="role"' in page) == (403, False)


def test_who_is_signed_in_is_not_told_to_sign_in(node: Node) -> None:
    client = browser(node)
    click(client, "partner")
    assert "In office:" in client.get("/signin").text
    answer = client.get("/evaluation/samarinda/new?framework=u4ssc")
    assert (answer.status_code, "You may not do this here" in answer.text) == (403, True)
    assert "Sign in first" not in answer.text
