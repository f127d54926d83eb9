"""What is owed, divided among the processes that deliver: who has which share, and when another one gets it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mahakam.store import division
from mahakam.store.division import SHARES, divided
from mahakam.store.opening import open_store
from mahakam.store.postgres.division import PostgresDivision
from mahakam.store.postgres.leading import LEADING
from mahakam.store.postgres.store import PostgresStore
from mahakam.store.protocol import Transaction
from support.postgres import PostgresServer

ALL = frozenset(range(SHARES))


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.new_database()
    yield url
    postgres.give_back(url)


@pytest.fixture
def store(url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(url)
    yield store
    store.close()


def member(store: PostgresStore) -> PostgresDivision:
    return store.division()


@given(st.integers(1, 70), st.data())
def test_who_gives_up_and_takes_ends_with_a_fair_part(members: int, data: st.DataObject) -> None:
    """From any owners whatever, living or dead: after all have given up, and then taken, each share has one owner."""
    living = list(range(members))
    owners = data.draw(st.dictionaries(st.integers(0, SHARES - 1), st.integers(0, 80)))
    for _ in range(2):
        for me in living:
            taken, wanted = divided(me, living, owners)
            assert all(owners.get(share) not in living for share in taken)
            owners = {**{s: o for s, o in owners.items() if s not in wanted}, **dict.fromkeys(taken, me)}
    for me in living:
        owners |= dict.fromkeys(divided(me, living, owners)[0], me)
    assert owners.keys() == ALL
    counts = [sum(owner == me for owner in owners.values()) for me in living]
    assert sum(counts) == SHARES
    assert max(counts) <= -(-SHARES // members)


def test_one_has_all_until_another_one_comes(store: PostgresStore) -> None:
    one, other = member(store), member(store)
    assert one.turn().shares == ALL
    assert other.turn().shares == frozenset()  # nothing is taken from who has it
    wanted = one.turn().wanted
    assert len(wanted) == SHARES // 2
    assert one.turn().shares == ALL  # it has not given them back yet
    assert one.turn(wanted).shares == ALL - wanted
    there = other.turn()
    assert there.shares == wanted
    assert there.slot == 1
    other.leave()
    assert one.turn().shares == ALL
    one.leave()


def test_what_a_dead_one_had_is_taken_and_it_comes_back_as_a_new_one(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mahakam.store.postgres.division.LEASE", 0.5)
    one, other = member(store), member(store)
    one.turn()
    other.turn()
    until = time.monotonic() + 120
    while other.turn().shares != ALL:
        assert time.monotonic() < until
        time.sleep(0.1)
    back = one.turn()  # it was only slow
    assert back.shares == frozenset()
    assert {back.slot, other.turn().slot} == {0, 1}
    one.leave()
    other.leave()


def test_a_session_that_is_cut_costs_nobody_a_share(store: PostgresStore, url: str) -> None:
    one = member(store)
    one.turn()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(Exception, match="PostgreSQL does not answer"):
        one.turn()
    assert one.turn().shares == ALL
    one.leave()


def test_nobody_delivers_beside_an_older_version_that_leads(store: PostgresStore, url: str) -> None:
    """Its session leads under the name that all had before notifications were divided; it delivers all."""
    one = member(store)
    mine = one.turn().shares
    with psycopg.connect(url, autocommit=True, application_name="mahakam") as older:
        older.execute("SELECT pg_advisory_lock(%s)", (LEADING,))
        assert one.turn().wanted == mine
        assert one.turn(mine).shares == frozenset()
    assert store.lead()
    assert one.turn().shares == ALL
    one.leave()


def test_each_row_of_the_outbox_is_in_one_share_and_an_entity_s_in_the_same(store: PostgresStore) -> None:
    def owe(transaction: Transaction) -> None:
        for number in range(400):
            transaction.owe("urn:s:1", f"urn:x:{number % 100}", b"%d" % number)

    tenant = store.tenant()
    tenant.write(owe)
    seen: dict[str, set[int]] = {}
    for share in range(SHARES):
        rows = tenant.owed("urn:s:1", 1000, {share})
        assert tenant.owing({share}) == (["urn:s:1"] if rows else [])
        for row in rows:
            seen.setdefault(row.entity, set()).add(share)
    assert len(seen) == 100
    assert all(len(shares) == 1 for shares in seen.values())
    assert len({min(shares) for shares in seen.values()}) > SHARES / 2
    odd = {share for share in range(SHARES) if share % 2}
    both = tenant.owed("urn:s:1", 1000, odd) + tenant.owed("urn:s:1", 1000, ALL - odd)
    assert len(both) == 400
    assert tenant.owing(frozenset()) == []


def test_on_sqlite_the_one_that_leads_delivers_all(tmp_path: Path) -> None:
    store = open_store("", tmp_path)
    assert store.division() is None
    store.close()
    assert division.LEASE > 3 * division.BEAT
