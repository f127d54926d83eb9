"""Feeds whose data comes from a server or a database: each against a real one that the test starts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest

from mahakam.feeds.parts import Parts
from support.agency import Portal
from support.feeds import STOPS, Town, from_origin
from support.node import RunningNode, free_port
from support.postgres import PASSWORD, PostgresServer


@pytest.fixture
def portal() -> Iterator[Portal]:
    made = Portal()
    yield made
    made.close()


def test_a_file_on_the_web_is_fetched_once(town: Town, portal: Portal) -> None:
    from_origin(town, http={"url": f"{portal.url}/stops.csv"})
    first = town.run()
    assert (first.state, first.stored, first.source["file"]) == ("clean", 7, "stops.csv")
    assert town.run().state == "unchanged"
    assert portal.seen[1][1]["if-none-match"] == '"v1"'
    assert town.run(force=True).unchanged == 7


@pytest.mark.parametrize(
    ("path", "paging", "records", "requests"),
    [
        ("/offset?x=1", {"parameter": "offset"}, "result.items", 4),
        ("/linked", {}, None, 3),
    ],
)
def test_pages(
    town: Town, portal: Portal, path: str, paging: dict[str, Any], records: str | None, requests: int
) -> None:
    pins = {"records": records} if records else {}
    from_origin(town, http={"url": portal.url + path, "paging": paging}, **pins)
    assert town.run().stored == 7
    assert len(portal.seen) == requests


def test_ckan(town: Town, portal: Portal) -> None:
    from_origin(town, ckan={"url": portal.url, "resource": "halte", "page": 3})
    assert town.run().stored == 7
    assert [parse_qs(urlsplit(path).query)["limit"] for path, _ in portal.seen] == [["3"]] * 4


def test_a_secret_comes_from_the_environment(
    town: Town, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_origin(
        town, http={"url": f"{portal.url}/secret", "headers": {"Authorization": "Bearer ${TOWN_KEY}"}}
    )
    assert "needs the secret TOWN_KEY" in town.failed()
    monkeypatch.setenv("TOWN_KEY", "the-key-of-the-town")
    assert town.run().stored == 7
    kept = "".join(path.read_text() for path in (town.data / "origins").iterdir())
    assert "the-key-of-the-town" not in kept


def test_a_busy_server_is_asked_again(town: Town, portal: Portal) -> None:
    portal.failures = 2
    from_origin(town, http={"url": f"{portal.url}/stops.csv", "wait": 0.01})
    assert town.run().stored == 7
    assert len(portal.seen) == 3


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("/none", {}, "/none answered 404"),
        ("/loop", {"paging": {"next": "next"}}, "a page is no list of records"),
        ("/stops.csv", {"paging": {}}, "answers no JSON"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_stored(
    town: Town, portal: Portal, path: str, options: dict[str, Any], said: str
) -> None:
    from_origin(town, http={"url": portal.url + path, "wait": 0.01, **options})
    assert said in town.failed()
    assert town.ids() == []


def test_pages_in_a_circle(town: Town, portal: Portal) -> None:
    from_origin(town, http={"url": f"{portal.url}/loop", "paging": {"next": "next"}}, records="items")
    assert "read before" in town.failed()


def test_an_address_of_this_machine_is_refused_unless_allowed(town: Town, portal: Portal) -> None:
    from_origin(town, http={"url": f"{portal.url}/stops.csv"})
    town.parts = Parts(town.parts.broker, town.parts.places, town.parts.data, False)
    assert "private address 127.0.0.1" in town.failed()
    assert portal.seen == []


def test_another_broker(town: Town, tmp_path: Path) -> None:
    with RunningNode(tmp_path / "other", open=True) as other:
        entities = [
            {"id": f"urn:ngsi-ld:Stop:{stop['kode']}", "type": "Stop"}
            | {name: {"type": "Property", "value": value} for name, value in stop.items()}
            for stop in STOPS
        ]
        made = httpx.post(f"{other.url}/ngsi-ld/v1/entityOperations/create", json=entities)
        assert made.status_code == 201, made.text
        from_origin(town, ngsild={"url": other.url, "type": "Stop", "q": 'kode!="A7"', "page": 2})
        assert town.run().stored == 6


def database(town: Town) -> None:
    with sqlite3.connect(town.folder / "data/halte.db") as made:
        made.execute("CREATE TABLE halte (kode, nama, kelas, kursi, lon, lat)")
        made.executemany("INSERT INTO halte VALUES (:kode, :nama, :kelas, :kursi, :lon, :lat)", STOPS)
    made.close()


def test_a_query_in_sqlite(town: Town) -> None:
    database(town)
    query = "SELECT * FROM halte WHERE kode <> :without"
    from_origin(
        town, sql={"url": "sqlite:data/halte.db", "query": query, "parameters": {"without": "A1' OR 1"}}
    )
    assert town.run().stored == 7


@pytest.mark.parametrize(
    ("url", "query", "said"),
    [
        ("sqlite:data/halte.db", "DELETE FROM halte", "attempt to write a readonly database"),
        ("sqlite:data/halte.db", "SELECT * FROM nowhere", "no such table"),
        ("sqlite:data/none.db", "SELECT 1", "there is no database"),
        ("sqlite:../../x.db", "SELECT 1", "leads out of the place's folder"),
        (
            "oracle://x",
            "SELECT 1",
            "must begin with sqlite: or postgresql: or postgres: or mysql: or mariadb:",
        ),
    ],
)
def test_a_query_that_cannot_be_asked(town: Town, url: str, query: str, said: str) -> None:
    database(town)
    from_origin(town, sql={"url": url, "query": query})
    assert said in town.failed()


@pytest.fixture
def agency(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An agency's own database on a real server; the password is in the environment, not in the feed."""
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE halte (kode text, nama text, kelas text, kursi numeric(6, 1), lon float8, lat float8,"
            " dibuat date DEFAULT '2026-01-31', jam timestamptz DEFAULT '2026-01-31 08:00+08', isi bytea DEFAULT 'x')"
        )
        for stop in STOPS:
            row = {key: None if value == "" else value for key, value in stop.items()}
            connection.execute(
                "INSERT INTO halte (kode, nama, kelas, kursi, lon, lat)"
                " VALUES (%(kode)s, %(nama)s, %(kelas)s, %(kursi)s, %(lon)s, %(lat)s)",
                row,
            )
    monkeypatch.setenv("AGENCY_PASSWORD", PASSWORD)
    yield url.replace(PASSWORD, "${AGENCY_PASSWORD}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS halte")
    postgres.give_back(url)


def test_a_query_in_postgresql(town: Town, agency: str) -> None:
    query = "SELECT * FROM halte WHERE kode <> %(without)s ORDER BY kode"
    from_origin(town, sql={"url": agency, "query": query, "parameters": {"without": "A1' OR 1"}})
    assert town.run().stored == 7
    assert town.run().stored == 0, "nothing has changed"


def test_only_what_is_new_is_asked_for(town: Town) -> None:
    """A run that fails asks again for all that it asked for; a row that came meanwhile is not left out."""
    database(town)
    with sqlite3.connect(town.folder / "data/halte.db") as made:
        made.execute("ALTER TABLE halte ADD changed TEXT DEFAULT '2026-01-01'")
    query = "SELECT * FROM halte WHERE changed >= coalesce(:since, '')"
    from_origin(town, sql={"url": "sqlite:data/halte.db", "query": query, "rises": "changed"})
    assert town.run().read == 7
    with sqlite3.connect(town.folder / "data/halte.db") as made:
        made.execute("UPDATE halte SET changed = '2026-02-01', nama = 'Baru' WHERE kode = 'A7'")
    from_origin(
        town, sql={"url": "sqlite:data/halte.db", "query": query + " AND nowhere", "rises": "changed"}
    )
    assert "no such column" in town.failed()
    from_origin(town, sql={"url": "sqlite:data/halte.db", "query": query, "rises": "changed"})
    again = town.run()
    assert (again.read, again.stored) == (1, 1), "the others were brought before"
    assert town.run().message == "nothing is newer than changed 2026-02-01"
    from_origin(town, sql={"url": "sqlite:data/halte.db", "query": query, "rises": "chnaged"})
    assert "no column 'chnaged'" in town.failed()


def test_a_time_of_postgresql_rises(town: Town, agency: str) -> None:
    query = "SELECT * FROM halte WHERE jam >= coalesce(%(since)s::timestamptz, '-infinity')"
    from_origin(town, sql={"url": agency, "query": query, "rises": "jam"})
    assert town.run().read == 7
    with psycopg.connect(agency.replace("${AGENCY_PASSWORD}", PASSWORD), autocommit=True) as connection:
        connection.execute("UPDATE halte SET jam = '2026-03-01 00:00+08' WHERE kode = 'A7'")
    assert town.run().read == 1
    assert town.run().state == "unchanged"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM halte", "the database says"),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "the database says"),
        ("SELECT 1 / 0 AS kode", "division by zero"),
    ],
)
def test_what_postgresql_refuses_is_said(town: Town, agency: str, query: str, said: str) -> None:
    from_origin(town, sql={"url": agency, "query": query})
    failed = town.failed()
    assert said in failed
    assert PASSWORD not in failed


def test_a_database_that_is_not_there(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENCY_PASSWORD", PASSWORD)
    url = f"postgresql://mahakam:${{AGENCY_PASSWORD}}@127.0.0.1:{free_port()}/x"
    from_origin(town, sql={"url": url, "query": "SELECT 1"})
    failed = town.failed()
    assert "the database says" in failed
    assert PASSWORD not in failed


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"http": {}}, "needs url"),
        ({"http": {"url": "http://x", "heders": {}}}, "heders: unknown key"),
        ({"http": {"url": "http://x"}, "file": "a.csv"}, "name one of file"),
        ({"sql": "SELECT 1"}, "must be a mapping"),
    ],
)
def test_a_wrong_origin_is_a_clear_error(town: Town, source: dict[str, Any], said: str) -> None:
    from mahakam.config import ConfigError

    from_origin(town, **source)
    with pytest.raises(ConfigError, match=said):
        town.run()


def test_a_run_that_fails_after_it_fetched_does_not_move_the_mark(town: Town) -> None:
    database(town)
    query = "SELECT * FROM halte WHERE kode > coalesce(:since, '')"
    from_origin(town, sql={"url": "sqlite:data/halte.db", "query": query, "rises": "kode"})

    def full() -> None:
        raise OSError(28, "No space left on device")

    assert town.run(progress=town.at("check", full)).state == "failed"
    assert town.run().stored == 7
