"""Many rows by few statements: the same rows as one by one, in the same order."""

from __future__ import annotations

import apsw
import pytest

from mahakam.store.sqlite.inserting import insert_many

PLAIN = "INSERT INTO t (a, b) VALUES (?, ?)"
IGNORING = "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO NOTHING"
REPLACING = "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT (a) DO UPDATE SET b = excluded.b"


@pytest.fixture
def connection() -> apsw.Connection:
    found = apsw.Connection(":memory:")
    found.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a INTEGER UNIQUE, b TEXT)")
    return found


@pytest.mark.parametrize("count", [0, 1, 3, 4, 20, 31, 33, 100])
@pytest.mark.parametrize("sql", [PLAIN, IGNORING, REPLACING])
def test_rows_are_those_of_executemany(connection: apsw.Connection, sql: str, count: int) -> None:
    spread = count if sql == PLAIN else max(count // 2, 1)  # else each comes twice
    rows = [(n % spread, f"text {n}") for n in range(count)]
    other = apsw.Connection(":memory:")
    other.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, a INTEGER UNIQUE, b TEXT)")
    other.executemany(sql, rows)
    insert_many(connection, sql, iter(rows))
    everything = "SELECT a, b FROM t ORDER BY n"
    assert connection.execute(everything).fetchall() == other.execute(everything).fetchall()
    assert connection.execute("SELECT count(*) FROM t").get == min(count, spread)


def test_rows_are_numbered_in_their_order(connection: apsw.Connection) -> None:
    insert_many(connection, PLAIN, [(n, "") for n in range(70)])
    assert connection.execute("SELECT n, a FROM t ORDER BY n").fetchall() == [(n + 1, n) for n in range(70)]


def test_what_inserts_no_values_is_run_row_by_row(connection: apsw.Connection) -> None:
    insert_many(connection, PLAIN, [(n, "") for n in range(40)])
    insert_many(connection, "DELETE FROM t WHERE a = ? AND b = ?", [(n, "") for n in range(20)])
    assert connection.execute("SELECT min(a), count(*) FROM t").fetchall() == [(20, 20)]
    insert_many(connection, "INSERT INTO t (a, b) SELECT ?, ?", [(n, "again") for n in range(20)])
    assert connection.execute("SELECT count(*) FROM t").get == 40


def test_a_refused_row_is_an_error(connection: apsw.Connection) -> None:
    with pytest.raises(apsw.ConstraintError):
        insert_many(connection, PLAIN, [(n % 10, "") for n in range(20)])
