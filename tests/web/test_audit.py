"""The page of the audit trail: for administrators alone, filtered, paged, and as files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.access.accounts import add_account
from mahakam.access.audit import head_text, heads_of
from support.portal import Browser, Portal, two_cities, words_of

PASSWORD = "correct horse battery"


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as made:
        store = made.node.store.tenant()
        add_account(store, "ani", PASSWORD, ["admin"])
        add_account(store, "siti", PASSWORD, ["steward", "officer", "head", "supervisor"], ["*"])
        for number in range(60):
            store.write(
                lambda work, n=number: work.save_record("data-plan", f"D-{n:03}", {"title": "<b>x</b>"})
            )  # type: ignore[misc]
        yield made


def signed_in(portal: Portal, name: str) -> Browser:
    browser = portal.browser()
    assert browser.fill("/signin", {"name": name, "password": PASSWORD}).status_code == 303
    return browser


def test_only_administrators_see_it(portal: Portal) -> None:
    for path in ("/audit", "/audit.csv", "/audit.json"):
        assert portal.browser().get(path).status_code in (303, 401, 403)
        assert signed_in(portal, "siti").get(path).status_code == 403
        assert signed_in(portal, "ani").get(path).status_code == 200


def test_who_did_what_can_be_found(portal: Portal) -> None:
    ani = signed_in(portal, "ani")
    page = words_of(ani.get("/audit?lang=en").text)
    assert "signed in" in page
    assert "account/ani" in page
    assert "Page 1 of 2" in page
    assert head_text(heads_of(portal.node.store.tenant())) in page
    for query, count in (
        ("action=sign-in&principal=", 1),
        ("action=data-plan", 60),
        ("object=data-plan/D-007", 1),
        ("principal=nobody", 0),
        ("since=2999-01-01", 0),
        ("until=1999-01-01", 0),
        ("since=not a day&action=account", 2),
    ):
        assert len(ani.get(f"/audit.json?{query}").json()) == count, query
        assert ani.get(f"/audit?{query}").status_code == 200
    assert "No entry is like that." in words_of(ani.get("/audit?principal=nobody&lang=en").text)
    rows = list(csv.DictReader(io.StringIO(ani.get("/audit.csv?action=data-plan").text)))
    assert [row["object"] for row in rows] == [f"data-plan/D-{number:03}" for number in reversed(range(60))]
    assert len(rows[0]["digest"]) == 64


def test_sign_ins_that_were_refused_are_there_without_what_was_typed(portal: Portal) -> None:
    portal.browser().fill("/signin", {"name": "siti", "password": "wrong battery"})
    portal.browser().fill("/signin", {"name": PASSWORD, "password": ""})
    signed_in(portal, "siti")
    store = portal.node.store.tenant()
    assert [(one.principal, one.action, one.object) for one in store.audit_entries(action="sign-in")] == [
        ("siti", "sign-in", "account/siti"),
        ("", "sign-in.refused", "account/?"),
        ("", "sign-in.refused", "account/siti"),
    ]
    assert "battery" not in str(list(store.audit_chain()))


def test_what_people_typed_does_no_harm(portal: Portal) -> None:
    portal.browser().get("/signin")
    ani = signed_in(portal, "ani")
    answer = ani.get("/audit?principal=<script>alert(1)</script>&object=%25&action='--&since=%00&page=9999")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert ani.get("/audit.json?object=%25").json() == []


def test_what_is_done_with_a_persons_data_is_said_in_words(portal: Portal) -> None:
    store = portal.node.store.tenant()
    for action in ("read.person", "export.person", "correct.person", "forget.again"):
        store.write(lambda transaction, a=action: transaction.audit(a, "urn:ngsi-ld:ServiceRequest:1"))  # type: ignore[misc]
    for language, said in (("en", "looked up a person's data"), ("id", "melihat data seseorang")):
        page = words_of(signed_in(portal, "ani").get(f"/audit?lang={language}").text)
        assert said in page
        assert ".person" not in page
        assert "forget.again" not in page
