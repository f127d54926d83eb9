"""Numbers of requests: human, counted within a year, never given twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mahakam.config import ConfigError, Place
from mahakam.services.numbers import PATTERN, give_number, normal_number, prefix_of
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store

NOW = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)


def _place(id: str = "samarinda", **facts: object) -> Place:
    return Place(id, "city", Path("/nowhere"), {"name": id, "timezone": "Asia/Makassar", **facts})


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("", tmp_path)
    yield opened
    opened.close()


def test_numbers_are_counted_by_place_and_year(store: Store) -> None:
    tenant = store.tenant()
    smd = _place(request_prefix="SMD")
    assert give_number(tenant, smd, NOW) == ("SMD-2026-000001", True)
    assert give_number(tenant, smd, NOW) == ("SMD-2026-000002", True)
    assert give_number(tenant, _place("bontang"), NOW) == ("BON-2026-000001", True)
    assert give_number(tenant, _place("bonto"), NOW) == ("BON-2026-000002", True), "one prefix, one count"
    new_year_there = dt.datetime(2026, 12, 31, 16, 30, tzinfo=dt.UTC)
    assert give_number(tenant, smd, new_year_there) == ("SMD-2027-000001", True)


def test_a_form_sent_twice_gets_one_number(store: Store) -> None:
    tenant = store.tenant()
    assert give_number(tenant, _place(), NOW, "key") == ("SAM-2026-000001", True)
    assert give_number(tenant, _place(), NOW, "key") == ("SAM-2026-000001", False)
    assert give_number(tenant, _place("bontang"), NOW, "key") == ("BON-2026-000001", True)
    assert give_number(tenant, _place(), NOW, "other") == ("SAM-2026-000002", True)


def test_two_workers_never_give_the_same_number(tmp_path: Path) -> None:
    """Two connections to one file, as two server processes have, each with several threads."""
    workers = [open_store("", tmp_path), open_store("", tmp_path)]
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda i: give_number(workers[i % 2].tenant(), _place(), NOW)[0], range(60)))
    for worker in workers:
        worker.close()
    assert sorted(given) == [f"SAM-2026-{count:06d}" for count in range(1, 61)]


def test_the_prefix_comes_from_the_place() -> None:
    assert prefix_of(_place(request_prefix="SMD")) == "SMD"
    assert prefix_of(_place("kuala-lumpur")) == "KUA"
    assert prefix_of(_place("42")) == "REQ"
    for bad in ("smd", "S", "SMD-X", "TOOLONGPREFIX", 12):
        with pytest.raises(ConfigError, match="request_prefix"):
            prefix_of(_place(request_prefix=bad))


def test_a_number_is_recognised_as_typed() -> None:
    assert normal_number(" smd-2026-000123 ") == "SMD-2026-000123"
    for other in ("", "SMD-2026-12", "../etc/passwd", "SMD-2026-000123<b>", "urn:ngsi-ld:x"):
        assert normal_number(other) is None
    assert PATTERN.fullmatch("SMD-2026-1234567"), "the millionth request has a number too"
