"""SQL of strangers: answered right, refused clearly, and unable to reach anything but the tables it names."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from mahakam.feeds.catalogue import asking
from mahakam.feeds.catalogue.asking import Answer, Refused, asked
from mahakam.feeds.catalogue.pace import Pace


class World:
    """A folder with a public table, and a secret beside it."""

    def __init__(self, root: Path) -> None:
        self.table = root / "public.parquet"
        parquet.write_table(pa.table({"day": [1, 2, 3], "rain": [0.5, None, 2.0]}), self.table)
        self.secret = root / "secret.parquet"
        parquet.write_table(pa.table({"password": ["hunter2"]}), self.secret)
        (root / "secret.csv").write_text("password\nhunter2\n")
        (root / "store.sqlite").write_bytes(b"SQLite format 3\0")
        self.root = root

    def ask(self, sql: str, **more: Any) -> AbstractContextManager[Answer]:
        return asked(sql, lambda name: self.table if name == "town.rain" else None, ["town.rain"], **more)

    def rows(self, sql: str, **more: Any) -> list[dict[str, Any]]:
        with self.ask(sql, **more) as answer:
            return answer.batches.read_all().to_pylist()  # type: ignore[no-any-return]

    def refused(self, sql: str, **more: Any) -> Refused:
        with pytest.raises(Refused) as caught:
            self.rows(sql, **more)
        return caught.value

    def listing(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in self.root.iterdir()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_question_is_answered(world: World) -> None:
    assert world.rows("SELECT sum(rain) AS all_rain, count(*) AS days FROM town.rain") == [
        {"all_rain": 2.5, "days": 3}
    ]
    assert world.rows('WITH wet AS (SELECT * FROM "Town"."RAIN" r WHERE rain > 1) SELECT day FROM wet') == [
        {"day": 3}
    ]
    assert [row["column_name"] for row in world.rows("DESCRIBE town.rain")] == ["day", "rain"]
    assert world.rows("SELECT 1 AS one") == [{"one": 1}]
    assert world.rows("SELECT * FROM town.rain WHERE false") == []


def test_rows_beyond_the_limit_are_refused_or_cut_and_said_to_be(world: World) -> None:
    said = world.refused("SELECT * FROM range(11)", rows=10)
    assert (said.kind, "more than 10 rows" in said.message) == ("TooManyRows", True)
    with world.ask("SELECT * FROM range(11)", rows=10, cut=True) as answer:
        assert answer.cut
        assert answer.batches.read_all().num_rows == 10
    with world.ask("SELECT * FROM range(10)", rows=10, cut=True) as answer:
        assert not answer.cut


@pytest.mark.parametrize(
    ("sql", "kind", "line", "column"),
    [
        ("SELEC 1", "Parser", 1, 1),
        ("SELECT day\nFROM town.rain\nWHERE dey = 1", "Binder", 3, 7),
        ("SELECT day,\n  nope(rain)\nFROM town.rain", "Catalog", 2, 3),
        ("SELECT " + "1 + " * 60 + "nope FROM town.rain", "Binder", 1, 248),
        ("SELECT * FROM\n town.rian", "Catalog", 2, 2),
        ("", "Parser", 0, 0),
        ("SELECT '" + "x" * 20_000 + "'", "Parser", 0, 0),
        ("SELECT 1; SELECT 2", "Parser", 0, 0),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    world: World, sql: str, kind: str, line: int, column: int
) -> None:
    said = world.refused(sql)
    assert (said.kind, said.line, said.column) == (kind, line, column), said.message
    if "rian" in sql:
        assert "did you mean town.rain?" in said.message


HOSTILE = [
    "SELECT * FROM read_csv('{root}/secret.csv')",
    "SELECT * FROM '{root}/secret.csv'",
    "SELECT * FROM '{root}/secret.parquet'",
    "SELECT * FROM read_parquet('{root}/secret.parquet')",
    "SELECT * FROM read_text('{root}/secret.csv')",
    "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_json('/proc/self/environ')",
    "SELECT * FROM read_text('/proc/self/maps')",
    "SELECT * FROM glob('{root}/*')",
    "SELECT * FROM sniff_csv('{root}/secret.csv')",
    "SELECT * FROM parquet_schema('{root}/secret.parquet')",
    "SELECT * FROM query('SELECT * FROM read_text(''{root}/secret.csv'')')",
    "SELECT * FROM query_table('{root}/secret.csv')",
    "SELECT * FROM sqlite_scan('{root}/store.sqlite', 'entity')",
    "SELECT * FROM read_csv('../../../../../../../../{root}/secret.csv')",
    "SELECT * FROM duckdb_secrets()",
    "SELECT getenv('PATH')",
    "COPY (SELECT 1) TO '{root}/written.csv'",
    "COPY town.rain FROM '{root}/secret.csv'",
    "EXPORT DATABASE '{root}/written'",
    "ATTACH '{root}/written.db' AS stolen",
    "ATTACH '{root}/store.sqlite' AS stolen (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FORCE INSTALL httpfs FROM 'http://127.0.0.1:{port}/'",
    "SELECT * FROM read_csv('http://127.0.0.1:{port}/')",
    "SELECT * FROM 'http://127.0.0.1:{port}/x.parquet'",
    "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "SET enable_external_access = true",
    "SET allowed_paths = ['/etc/passwd']",
    "SET memory_limit = '100GB'",
    "SET lock_configuration = false",
    "RESET enable_external_access",
    "PRAGMA enable_profiling; SELECT 1",
    "CREATE TABLE x AS SELECT 1",
    "CREATE MACRO f() AS TABLE SELECT * FROM read_text('/etc/passwd')",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "DROP VIEW town.rain",
    "INSERT INTO town.rain VALUES (4, 4)",
    "UPDATE town.rain SET day = 0",
    "DELETE FROM town.rain",
    "CALL pragma_version()",
    "CHECKPOINT",
    "VACUUM",
    "PREPARE p AS SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{root}/written.csv'",
    "SELECT * FROM python_map_function()",
    "SELECT * FROM world",
]


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[int, list[str]]]:
    """A web server that notes every request."""
    heard: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], heard
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_hostile_question_reaches_nothing(world: World, listener: tuple[int, list[str]], sql: str) -> None:
    port, heard = listener
    before = world.listing()
    said = world.refused(sql.format(root=world.root, port=port))
    assert said.kind in ("Permission", "Parser", "Catalog", "Binder", "InvalidInput"), said.message
    assert "hunter2" not in said.message
    assert world.listing() == before
    assert heard == []


def test_the_tables_stay_as_they_are_and_their_folders_unknown(world: World) -> None:
    with world.ask("SELECT * FROM duckdb_views()") as answer:
        assert str(world.root) not in str(answer.batches.read_all().to_pylist())
    with world.ask("SELECT * FROM duckdb_settings()") as answer:
        assert str(world.root) not in str(answer.batches.read_all().to_pylist())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('a', 2000000000)",
        "SELECT list(range) FROM range(300000000)",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 3",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    ],
)
def test_a_greedy_question_ends_and_the_next_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, sql: str
) -> None:
    monkeypatch.setattr(asking, "SECONDS", 3)
    said = world.refused(sql)
    assert said.kind in ("Timeout", "OutOfMemory", "Parser"), said.message
    assert world.rows("SELECT count(*) AS n FROM town.rain") == [{"n": 3}]


def test_an_answer_too_large_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "BYTES", 1_000_000)
    assert world.refused("SELECT repeat('a', 1000) FROM range(5000)").kind == "TooManyRows"


def test_who_finds_no_turn_is_told_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_turns", threading.BoundedSemaphore(1))
    monkeypatch.setattr(asking, "PATIENCE", 0.1)
    with asking._turns:
        assert world.refused("SELECT 1").kind == "Busy"
    with world.ask("SELECT 1 AS one"):
        assert world.rows("SELECT 2 AS two") == [{"two": 2}], "a slow reader keeps nobody from asking"
    assert world.rows("SELECT 1 AS one") == [{"one": 1}]


def test_an_address_that_asks_too_often_waits_and_others_do_not() -> None:
    pace = Pace(questions=3, seconds=3600)
    assert [pace.seconds_to_wait("a") for _ in range(3)] == [0, 0, 0]
    assert pace.seconds_to_wait("a") > 3000
    assert pace.seconds_to_wait("b") == 0
