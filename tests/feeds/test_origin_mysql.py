"""Feeds from an agency's MariaDB: a real server, what it gives, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.feeds import STOPS, Town, from_origin
from support.mariadb import PASSWORD, MariadbServer

COLUMNS = ("kode", "nama", "kelas", "kursi", "lon", "lat")


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariadbServer]:
    server = MariadbServer()
    yield server
    server.close()


@pytest.fixture
def agency(mariadb: MariadbServer, monkeypatch: pytest.MonkeyPatch) -> MariadbServer:
    """The agency's table, as it was; the password is in the environment, not in the feed."""
    values = ", ".join(
        f"('{s['kode']}', '{s['nama']}', '{s['kelas']}', {s['kursi']}, {s['lon']}, {s['lat']})" for s in STOPS
    )
    mariadb.run(
        "DROP TABLE IF EXISTS halte",
        "CREATE TABLE halte (kode varchar(9), nama text, kelas enum('kota','air'), kursi decimal(6,1), lon double,"
        " lat double, jam time DEFAULT '08:05:00', ubah datetime DEFAULT '2026-01-31 08:00:00', isi blob DEFAULT 'x')",
        f"INSERT INTO halte ({', '.join(COLUMNS)}) VALUES {values}",
    )
    monkeypatch.setenv("AGENCY_PASSWORD", PASSWORD)
    return mariadb


def ask(town: Town, url: str, query: str, **more: Any) -> None:
    from_origin(town, sql={"url": url, "query": query, **more})


def test_a_query_in_mariadb(town: Town, agency: MariadbServer) -> None:
    agency.run("UPDATE halte SET nama = 'Pasar Pagi – “Ünal” 🚌' WHERE kode = 'A2'")
    query = "SELECT * FROM halte WHERE kode <> %(without)s ORDER BY kode"
    ask(town, agency.url, query, parameters={"without": "A1' OR '1"})
    assert town.run().stored == 7
    names = {each["id"].rpartition(":")[2]: each["name"]["value"] for each in town.documents()}
    assert names["A2"] == "Pasar Pagi – “Ünal” 🚌"
    lineage = town.parts.store.lineage("urn:ngsi-ld:BusStop:town:A1")
    assert lineage is not None
    assert (lineage.raw["jam"], lineage.raw["ubah"], lineage.raw["isi"]) == (
        "08:05:00",
        "2026-01-31 08:00:00",
        "78",
    )
    assert town.run().stored == 0, "nothing has changed"


def test_a_percent_sign_in_a_query_without_parameters(town: Town, agency: MariadbServer) -> None:
    ask(town, agency.url.replace("mysql:", "mariadb:"), "SELECT * FROM halte WHERE nama LIKE 'Halte %'")
    assert town.run().stored == 7


def test_only_what_is_new_is_brought(town: Town, agency: MariadbServer) -> None:
    query = "SELECT * FROM halte WHERE ubah >= coalesce(%(since)s, '1000-01-01') ORDER BY ubah"
    ask(town, agency.url, query, rises="ubah")
    assert town.run().read == 7
    assert town.run().message == "nothing is newer than ubah 2026-01-31 08:00:00"
    agency.run("UPDATE halte SET ubah = '2026-03-01 00:00:00', kelas = NULL WHERE kode = 'A7'")
    agency.run(f"INSERT INTO halte ({', '.join(COLUMNS)}) VALUES ('A9', 'Baru', 'air', 1, 117.01, -0.41)")
    run = town.run()
    assert (run.read, run.stored) == (2, 2), "one changed, one of the same moment came later"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DELETE FROM halte", "READ ONLY transaction"),
        ("DROP TABLE halte", "READ ONLY transaction"),
        ("SELECT * FROM nowhere", "doesn't exist"),
        ("SELECT 1; DELETE FROM halte", "SQL syntax"),
        ("SELECT * FROM halte INTO OUTFILE '/tmp/halte.txt'", "Access denied"),
        ("SET @a = 1", "the query gives no rows"),
        ("SELECT * FROM halte WHERE kode = %(kode)s", "%(kode)s"),
    ],
)
def test_what_cannot_be_asked_is_said(town: Town, agency: MariadbServer, query: str, said: str) -> None:
    ask(town, agency.url, query)
    failed = town.failed()
    assert said in failed
    assert PASSWORD not in failed
    assert agency.count("halte") == 7


def test_a_parameter_that_is_not_given(town: Town, agency: MariadbServer) -> None:
    ask(town, agency.url, "SELECT * FROM halte WHERE kode = %(kode)s", parameters={"code": "A1"})
    assert "names the parameter 'kode'" in town.failed()


def test_a_wrong_password_is_refused_and_not_told(
    town: Town, agency: MariadbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENCY_PASSWORD", "salah/rahasia")
    ask(town, agency.url, "SELECT 1")
    failed = town.failed()
    assert "Access denied" in failed
    assert "salah" not in failed
    kept = json.dumps(
        [run.as_dict() if hasattr(run, "as_dict") else str(run) for run in town.parts.store.runs("town")]
    )
    assert "salah" not in kept


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://pembaca:${AGENCY_PASSWORD}@127.0.0.1:1/dinas", "Can't connect to MySQL server"),
        ("mysql://pembaca:${AGENCY_PASSWORD}@127.0.0.1:port/dinas", "url must be as mysql://"),
        ("mysql://pembaca:${AGENCY_PASSWORD}@127.0.0.1/", "url must be as mysql://"),
    ],
)
def test_a_server_that_is_not_there(town: Town, agency: MariadbServer, url: str, said: str) -> None:
    ask(town, url, "SELECT 1")
    failed = town.failed()
    assert said in failed
    assert PASSWORD not in failed


def test_a_row_that_is_held_is_held_once(town: Town, agency: MariadbServer) -> None:
    """Later batches neither release nor repeat what an earlier one held."""
    agency.run("UPDATE halte SET kelas = NULL, kursi = 400 WHERE kode = 'A1'")
    query = "SELECT * FROM halte WHERE ubah >= coalesce(%(since)s, '1000-01-01') ORDER BY kode"
    ask(town, agency.url, query, rises="ubah")
    assert town.run().held == 1
    town.run()
    agency.run("UPDATE halte SET ubah = '2026-04-01' WHERE kode = 'A5'")
    assert town.run().read == 1
    assert [held.raw["kode"] for held in town.held()] == ["A1"]
