"""People of a network and their browsers, in the process of the test."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection

from starlette.testclient import TestClient

from mahakam.access.accounts import add_account
from mahakam.access.sessions import begin_session, cookie_name
from mahakam.app import Application, Node
from mahakam.network.offices import accept, appoint
from mahakam.store.protocol import EntityStore


def person(node: Node, name: str, role: str = "", seat: str = "") -> TestClient:
    """Somebody's browser, signed in; in an office if it is named."""
    store = node.store.tenant()
    account = add_account(store, name, "correct horse battery", ["resident"], ["ascn"])
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
