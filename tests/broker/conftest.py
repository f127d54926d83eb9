"""A fresh store and broker for each test, and receivers of notifications."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.notifier import Notifier
from mahakam.store.opening import open_store
from mahakam.store.protocol import Store
from support.notify import QUICK, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture
def store(tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MAHAKAM_STORE", store_url)  # for the commands that open the same node
    opened = open_store(store_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def broker(store: Store) -> Broker:
    return Broker(store, NoContracts(), {})


@pytest.fixture
def notifier(broker: Broker) -> Iterator[Notifier]:
    started = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    started.start()
    yield started
    started.stop()
