"""What it costs the store to deliver: counted in statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.notifier import Notifier
from mahakam.store.opening import open_store
from mahakam.store.protocol import Transaction
from support.notify import QUICK, Receiver, subscription, until
from support.postgres import PostgresServer


def test_a_notification_more_costs_the_database_no_statement_more(
    postgres: PostgresServer, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process delivers for all: a round trip to PostgreSQL for each bounds how many it can."""
    url = postgres.new_database()
    opened = open_store(url, tmp_path)
    broker = Broker(opened, NoContracts(), {})
    broker.subscriptions.create(subscription(receiver.uri))

    def owe(transaction: Transaction) -> None:
        for number in range(60):
            transaction.owe("urn:s:1", f"urn:x:{number}", b'{"id":"urn:n:%d","data":[]}' % number)

    broker.store.write(owe)
    asked: list[str] = []
    execute = psycopg.Connection.execute

    def counted(self: Any, query: Any, parameters: Any = None, **more: Any) -> Any:
        asked.append(f"{query} {parameters}")
        return execute(self, query, parameters, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", counted)
    started = Notifier(broker.subscriptions, private_addresses=True, patience=QUICK)
    started.start()
    until(lambda: not broker.store.owing())
    started.stop()
    assert len(receiver.got) == 60
    settled = [one for one in asked if one.startswith("DELETE FROM outbox")]
    assert 0 < len(settled) < 10
    assert sum("webhook-secret" in one for one in asked) < 10
    opened.close()
    postgres.give_back(url)
