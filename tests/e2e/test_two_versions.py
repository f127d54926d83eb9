"""An upgrade without a pause: the version before, from this repository's history, and this one on one PostgreSQL."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import apsw
import httpx
import psycopg
import pytest

from mahakam.store.opening import open_store
from mahakam.store.postgres.schema import steps
from mahakam.store.sqlite import connection as sqlite
from support.node import ROOT, RunningNode
from support.notify import Receiver, until
from support.postgres import PostgresServer

BEFORE = "277f294"
"""The last version whose schema on PostgreSQL was 4."""


@pytest.fixture
def old(tmp_path: Path) -> str:
    """The program of the version before."""
    packed = subprocess.run(["git", "archive", BEFORE, "src"], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip("the repository's history is not here")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "old", filter="data")
    program = tmp_path / "old" / "mahakam"
    program.write_text(
        f"#!/bin/sh\nexport PYTHONPATH='{tmp_path}/old/src'\n"
        f"exec '{sys.executable}' -c 'from mahakam.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    return str(program)


def write(node: RunningNode, id: str, value: int, *, new: bool) -> None:
    attribute = {"type": "Property", "value": value}
    entities = f"{node.url}/ngsi-ld/v1/entities"
    if new:
        entity: dict[str, Any] = {"id": id, "type": "Counter", "n": attribute}
        answer = httpx.post(entities, json=entity)
    else:
        answer = httpx.patch(f"{entities}/{id}/attrs", json={"n": attribute})
    assert answer.status_code in (201, 204), answer.text


def test_two_versions_serve_one_database(tmp_path: Path, old: str, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    environment = {"MAHAKAM_STORE": url, "MAHAKAM_PRIVATE_ADDRESSES": "1"}
    owed: set[tuple[str, int]] = set()
    with Receiver() as receiver:
        with RunningNode(tmp_path / "one", open=True, program=old, environment=environment) as before:
            payload = {
                "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "Counter"}],
                "notification": {"format": "simplified", "endpoint": {"uri": receiver.uri}},
            }  # fmt: skip
            answer = httpx.post(f"{before.url}/ngsi-ld/v1/subscriptions", json=payload)
            assert answer.status_code == 201, answer.text
            for number in range(20):
                write(before, f"urn:x:{number}", number, new=True)
                owed.add((f"urn:x:{number}", number))
            with RunningNode(tmp_path / "two", open=True, environment=environment) as after:
                with psycopg.connect(url) as connection:
                    assert connection.execute("SELECT n FROM mahakam.version").fetchall() == [(max(steps()),)]
                for number in range(20, 60):
                    one, other = (before, after) if number % 2 else (after, before)
                    write(one, f"urn:x:{number}", number, new=True)
                    write(other, f"urn:x:{number}", 1000 + number, new=False)
                    write(one, f"urn:x:{number - 20}", 2000 + number, new=False)
                    owed |= {(f"urn:x:{number}", 1000 + number), (f"urn:x:{number - 20}", 2000 + number)}
                    read = httpx.get(f"{other.url}/ngsi-ld/v1/entities/urn:x:{number - 20}").json()
                    assert read["n"]["value"] == 2000 + number
                before.__exit__(None, None, None)
                write(after, "urn:x:last", 1, new=True)
                owed.add(("urn:x:last", 1))
                until(
                    lambda: (
                        owed <= {(one["data"][0]["id"], one["data"][0]["n"]) for one in list(receiver.got)}
                    )
                )
        with pytest.raises(RuntimeError, match="written by a newer Mahakam"):
            RunningNode(tmp_path / "one", open=True, program=old, environment=environment).__enter__()


@pytest.mark.parametrize("version", [number for number in sorted(steps()) if number < max(steps())])
def test_postgresql_is_brought_up_from_every_schema(postgres: PostgresServer, version: int) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA mahakam; SET search_path = mahakam, public")
        connection.execute("CREATE TABLE version (n integer NOT NULL)")
        connection.execute("INSERT INTO version VALUES (%s)", (version,))
        for number in range(1, version + 1):
            connection.execute(steps()[number])
        connection.execute("INSERT INTO record (kind, key, value) VALUES ('k', 'a', '{\"is\":1}')")
        connection.execute(
            "INSERT INTO outbox (subscription, entity, body, made, due) VALUES ('urn:s', 'urn:x', '{}', 1, 2)"
        )
    store = open_store(url, Path())
    _holds_what_it_held(store.tenant(), max(steps()))
    store.close()
    postgres.give_back(url)


_FILES = sorted((Path(sqlite.__file__).parent / "migrations").glob("*.sql"))


@pytest.mark.parametrize("version", range(1, len(_FILES)))
def test_sqlite_is_brought_up_from_every_schema(tmp_path: Path, version: int) -> None:
    connection = apsw.Connection(str(tmp_path / "mahakam.sqlite"))
    sqlite.register(connection)
    connection.execute("PRAGMA journal_mode=wal")
    for number, file in enumerate(_FILES[:version], 1):
        connection.execute(file.read_text())
        if number in sqlite._ALSO:
            sqlite._ALSO[number](connection)
    connection.execute("INSERT INTO record (kind, key, value) VALUES ('k', 'a', '{\"is\":1}')")
    connection.execute(
        "INSERT INTO outbox (subscription, entity, body, made, due) VALUES ('urn:s', 'urn:x', x'7b7d', 1, 2)"
    )
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    store = open_store("", tmp_path)
    _holds_what_it_held(store.tenant(), len(_FILES))
    store.close()


def _holds_what_it_held(store: Any, version: int) -> None:
    assert store.info()["version"] == version
    assert store.record("k", "a") == {"is": 1}
    (owed,) = store.owed("urn:s")
    assert (bytes(owed.body), owed.made, owed.trace) == (b"{}", 1, "")
    store.write(lambda transaction: transaction.owe("urn:s", "urn:y", b"{}"))
    assert len(store.owed("urn:s")) == 2
