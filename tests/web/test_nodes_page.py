"""The page on which a hub invites nodes: by HTTP, or by NATS where the hub reads a NATS server."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node, open_node
from mahakam.config import Settings
from mahakam.nodes import invitation
from support.demo_part import EXAMPLES
from support.html import Page
from support.people import PASSWORD, post

PATH = "/network/nodes"
SERVER = "nats://samarinda:a-password@127.0.0.1:4222"


def opened(folder: Path, nats: str) -> Node:
    config = (EXAMPLES / "ascn" / "network.yaml",)
    return open_node(Settings(folder, config, private_addresses=True, nats=nats))


def administrator(node: Node) -> TestClient:
    store = node.store.tenant()
    account = add_account(store, "ani", PASSWORD, ["admin"], ["*"])
    client = TestClient(Application(node), base_url="http://localhost", headers={"accept-language": "en"})
    client.cookies.set(cookie_name(store), begin_session(store, account))
    return client


def kept(node: Node) -> list[dict[str, object]]:
    return list(node.store.tenant().records(invitation.KIND).values())


def invite(admin: TestClient, **more: str) -> tuple[int, str]:
    return post(admin, PATH, PATH, {"name": "samarinda", "place": "", "days": "14", **more})


def test_an_invitation_names_the_server_that_the_administrator_wrote(tmp_path: Path) -> None:
    node = opened(tmp_path, "nats://hub:another@127.0.0.1:4222")
    admin = administrator(node)
    assert "NATS server for its copies" in Page(admin.get(PATH).text).text
    status, text = invite(admin, nats="https://nats.example")
    assert status == 422
    assert "tls://samarinda:PASSWORD" in html.unescape(text)
    assert kept(node) == []
    assert invite(admin, nats=SERVER)[0] == 200
    (made,) = kept(node)
    assert made["nats"] == f"{SERVER}/mahakam.nodes.samarinda"
    assert "a-password" not in admin.get(PATH).text
    assert invite(admin)[0] == 200
    assert sorted("nats" in one for one in kept(node)) == [False, True], "left empty: over HTTP"
    node.close()


@pytest.mark.parametrize("nats", ["", SERVER])
def test_a_hub_without_a_server_asks_for_none(tmp_path: Path, nats: str) -> None:
    node = opened(tmp_path, "")
    admin = administrator(node)
    assert not re.search(r'name="nats"', admin.get(PATH).text)
    assert "MAHAKAM_NATS" in admin.get(PATH).text
    assert invite(admin, nats=nats)[0] == 200
    assert ["nats" in one for one in kept(node)] == [False]
    node.close()
