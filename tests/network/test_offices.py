"""Offices: rights come and go with the term; invitations are used once; a hand-over leaves no gap and no double."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mahakam.access.policy import Principal
from mahakam.faults import Changed, Refused
from mahakam.network.offices import Office, accept, appoint, end, invited, offices, represented, standing
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore

TODAY = dt.date(2026, 7, 20)
COUNTRIES = ("ID", "TH")


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    opened = open_store(store_url, tmp_path / "data")
    yield opened.tenant()
    opened.close()


def person(name: str) -> Principal:
    return Principal(name, ("resident",), ("ascn",))


def appointed(store: EntityStore, account: str = "", **more: Any) -> tuple[Office, str]:
    facts = {
        "role": "representative",
        "seat": "ID",
        "name": "Siti Rahma",
        "since": "2026-01-01",
        "by": "admin",
    }
    office, secret = appoint(store, seats=COUNTRIES, day=TODAY, **facts | more)
    if account:
        accept(store, secret, account, TODAY)
    return office, secret


def test_an_office_gives_its_rights_for_its_seat_and_term(store: EntityStore) -> None:
    appointed(store, "siti", until="2026-12-31")
    on = standing(store, person("siti"), TODAY)
    assert on.may("recommendation.decide", "ID")
    assert not on.may("recommendation.decide", "TH")
    assert not on.may("network.manage")
    for day in (dt.date(2025, 12, 31), dt.date(2026, 12, 31)):
        assert not standing(store, person("siti"), day).may("network.discuss")
    assert not standing(store, person("budi"), TODAY).may("network.discuss")
    key = Principal("siti", ("writer",), ("*",), "key")
    assert not standing(store, key, TODAY).may("network.discuss"), "a key holds no office"


def test_an_invitation_is_used_once_and_in_time(store: EntityStore) -> None:
    _office, secret = appointed(store)
    assert not represented(offices(store), TODAY), "not taken up yet"
    assert invited(store, secret, TODAY + dt.timedelta(days=31)) is None
    with pytest.raises(Refused):
        accept(store, secret, "siti", TODAY + dt.timedelta(days=31))
    accept(store, secret, "siti", TODAY)
    assert represented(offices(store), TODAY) == {"ID"}
    with pytest.raises(Refused):
        accept(store, secret, "thief", TODAY)
    assert secret not in str(store.records("network-office")), "the link's secret is kept nowhere"


def test_a_hand_over_ends_the_one_term_as_the_other_begins(store: EntityStore) -> None:
    before, _ = appointed(store, "siti")
    _after, secret = appointed(store, name="Budi", since=TODAY.isoformat(), replaces=before.key)
    assert standing(store, person("siti"), TODAY).may("recommendation.decide", "ID"), "until it is taken up"
    accept(store, secret, "budi", TODAY)
    assert not standing(store, person("siti"), TODAY).may("recommendation.decide", "ID")
    assert standing(store, person("budi"), TODAY).may("recommendation.decide", "ID")
    assert [one.until for one in offices(store)] == [TODAY.isoformat(), ""], "the first term is kept, ended"


def test_a_hand_over_to_another_seat_is_refused(store: EntityStore) -> None:
    before, _ = appointed(store, "siti")
    with pytest.raises(Refused):
        appointed(store, seat="TH", replaces=before.key)


def test_an_ended_term_is_over_at_once_and_its_invitation_too(store: EntityStore) -> None:
    office, secret = appointed(store)
    end(store, office.key, TODAY)
    assert invited(store, secret, TODAY) is None
    with pytest.raises(Changed):
        end(store, office.key, TODAY)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"role": "king"}, "role"),
        ({"seat": "XX"}, "seat"),
        ({"name": " "}, "name"),
        ({"since": "soon"}, "since"),
        ({"until": "2025-01-01"}, "until"),
    ],
)
def test_what_is_no_office(store: EntityStore, wrong: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refused:
        appointed(store, **wrong)
    assert refused.value.faults[0].field == field
    assert offices(store) == []
