"""People of a network and their browsers, in the process of the test."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node
from mahakam.network.offices import accept, appoint
from mahakam.store.protocol import EntityStore
from support.demo_part import CONFIG, node_over, part_of_demo
from support.node import RunningNode

PASSWORD = "correct horse battery"


def person(node: Node, name: str, role: str = "", seat: str = "") -> TestClient:
    """Somebody's browser, signed in; in an office if it is named."""
    store = node.store.tenant()
    account = add_account(store, name, PASSWORD, ["resident"], ["ascn"])
    if role:
        in_office(store, name, role, seat)
    client = TestClient(
        Application(node),
        base_url="http://localhost",
        headers={"accept-language": "en"},
        follow_redirects=False,
    )
    client.cookies.set(cookie_name(store), begin_session(store, account))
    return client


def in_office(
    store: EntityStore, account: str, role: str, seat: str, name: str = "", seats: Collection[str] = ()
) -> None:
    """Whoever has the account holds the office, for some days by now."""
    today = dt.date.today()
    since = (today - dt.timedelta(days=30)).isoformat()
    _office, secret = appoint(
        store, role=role, seat=seat, name=name or account.title(), since=since, by="a test", seats=seats,
        day=today,
    )  # fmt: skip
    accept(store, secret, account, today)


@contextmanager
def node_with_offices(data: Path, offices: Iterable[tuple[str, str, str]]) -> Iterator[RunningNode]:
    """A node over a copy of the part of the demo, with an account (:data:`PASSWORD`) in each office: account, role,
    seat."""
    shutil.copytree(part_of_demo(), data)
    inside = node_over(data)
    store = inside.store.tenant()
    for account, role, seat in offices:
        add_account(store, account, PASSWORD, ["resident"], ["ascn"])
        in_office(store, account, role, seat)
    inside.close()
    with RunningNode(data, config=CONFIG) as running:
        yield running


def post(
    client: TestClient,
    page: str,
    address: str,
    fields: dict[str, str],
    files: dict[str, tuple[str, bytes, str]] | None = None,
) -> tuple[int, str]:
    """Fill in a form of a page: the status, and the address or the page that comes of it."""
    found = re.search(r'name="form" value="([^"]+)"', client.get(page).text)
    token = {"form": found.group(1)} if found else {}
    answer = client.post(address, data=token | fields, files=files)
    return answer.status_code, answer.headers.get("location", answer.text)
