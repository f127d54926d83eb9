"""What ends is known from its write on, whoever looks while the write is still under way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mahakam.broker.transient import KIND, Transients
from mahakam.store.opening import open_store
from mahakam.store.protocol import EntityStore, Transaction

ONE, TWO = "urn:ngsi-ld:Weather:1", "urn:ngsi-ld:Weather:2"
PAST, LATER = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture
def store(tmp_path: Path, store_url: str) -> Iterator[EntityStore]:
    store = open_store(store_url, tmp_path / "data")
    yield store.tenant()
    store.close()


def _look(found: Transients) -> list[str]:
    """What another thread is told, which does not see a transaction under way here."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(found.due).result(20)


@pytest.mark.parametrize("looked_before", [False, True])
def test_a_look_before_the_commit_forgets_nothing(store: EntityStore, looked_before: bool) -> None:
    found = Transients(store)
    if looked_before:
        found.due()

    def work(transaction: Transaction) -> None:
        found.keep(transaction, ONE, (((), PAST),))
        found.keep(transaction, TWO, (((), LATER),))
        _look(found)

    store.write(work)
    assert found.any
    assert found.marked({"id": TWO}) == {"id": TWO, "expiresAt": LATER}
    assert found.due() == [ONE]


def test_what_is_due_is_due_for_all_until_it_is_ended(store: EntityStore) -> None:
    found = Transients(store)
    store.write(lambda transaction: found.keep(transaction, ONE, (((), PAST),)))
    assert found.due() == [ONE]
    assert found.look == 0.0, "a read beside the one that ends it must not see it either"

    def end(transaction: Transaction) -> None:
        found.keep(transaction, ONE, ())
        assert _look(found) == [ONE], "it is ended when that is committed"

    store.write(end)
    assert found.due() == []
    assert found.look > 0.0


def test_what_was_rolled_back_is_forgotten_with_the_next_write(store: EntityStore) -> None:
    found = Transients(store)

    def fail(transaction: Transaction) -> None:
        found.keep(transaction, ONE, (((), PAST),))
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.write(fail)
    assert store.records(KIND) == {}
    store.write(lambda transaction: found.keep(transaction, TWO, (((), LATER),)))
    assert found.due() == []
    assert found.any


def test_what_another_process_wrote_is_seen(store: EntityStore) -> None:
    here, there = Transients(store), Transients(store)
    assert here.due() == []
    store.write(lambda transaction: there.keep(transaction, ONE, (((), PAST),)))
    assert here.due() == [ONE]
    store.write(lambda transaction: there.keep(transaction, ONE, ()))
    assert here.due() == []
