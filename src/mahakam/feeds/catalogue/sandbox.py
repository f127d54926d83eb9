"""One SQL question of a stranger, answered in a process of its own that can do nothing but answer it.

Started as ``python -m mahakam.feeds.catalogue.sandbox`` in an empty folder, without environment, by
:mod:`mahakam.feeds.catalogue.asking`. On standard input comes a line ``{"sql", "rows", "cut", "memory", "seconds"}``;
a line goes out with the tables that the question names; a line comes in with their files; then the answer goes out
as an Arrow stream, or what is wrong as JSON on standard error. The limits are the operating system's where DuckDB's
own do not reach: ``repeat('a', 2_000_000_000)`` takes gigabytes past its ``memory_limit``.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from io import IOBase
from typing import Any, NoReturn, cast

_BESIDE = 1536
"""MB of address space that the interpreter, its libraries and an allocation under way may take beside DuckDB's own."""
_END = re.compile(r"\n\n(?:LINE \d|Possible solutions)")
_UNKNOWN = re.compile(r"[Nn]ame \"?(\w+)\"? does not exist")
_ALIAS = re.compile(r" as .*", re.I | re.S)
_POSITION = re.compile(r"^LINE (\d+): (.*?)\n( *)\^", re.M | re.S)


def main() -> None:
    """Answer the question that standard input asks; ends with 0, or 1 after saying why not."""
    asked = json.loads(sys.stdin.readline())
    _limit(asked["memory"], asked["seconds"])
    import duckdb

    sql: str = asked["sql"]
    try:
        print(json.dumps(sorted(_tables(sql))), flush=True)
        files: dict[str, str] = json.loads(sys.stdin.readline())
        connection = _connection(asked["memory"], list(files.values()))
        for name, file in files.items():
            place, _, table = name.partition(".")
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{place}"')
            rows = f"SELECT * FROM read_parquet('{file}')"  # noqa: S608 - a name that asking gave
            connection.execute(f'CREATE VIEW "{place}"."{table}" AS {rows}')
        connection.execute("SET lock_configuration = true")
        _answer(connection, sql, asked["rows"], asked["cut"])
    except duckdb.Error as error:
        _refuse(type(error).__name__.removesuffix("Exception"), str(error), sql)
    except MemoryError:
        _refuse("OutOfMemory", "the question needs more memory than it may have", sql)


def _limit(memory: int, seconds: int) -> None:
    """Bounds that the kernel keeps: address space, processor time, files written."""
    space = (memory + _BESIDE) << 20
    resource.setrlimit(resource.RLIMIT_AS, (space, space))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + 1, seconds + 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (memory << 20, memory << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _connection(memory: int, files: list[str]) -> Any:
    """A database in memory that reaches these files, and nothing else: no network, no extension, no setting."""
    import duckdb

    connection = duckdb.connect(
        config={
            "memory_limit": f"{memory}MB",
            "threads": 1,
            "python_enable_replacements": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "temp_directory": "spill",
            "max_temp_directory_size": f"{memory}MB",
        }
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET allowed_paths = ?", [files])
    connection.execute("SET enable_external_access = false")
    return connection


def _tables(sql: str) -> set[str]:
    """The tables that the question names, ``place.feed`` in lower case; it must be one SELECT."""
    import duckdb

    connection = _connection(64, [])
    connection.execute("SET lock_configuration = true")
    statements = connection.extract_statements(sql)
    if len(statements) != 1:
        raise duckdb.ParserException(f"Parser Error: one question at a time, not {len(statements)}")
    if statements[0].type != duckdb.StatementType.SELECT:
        kind = statements[0].type.name
        raise duckdb.ParserException(f"Parser Error: only SELECT is answered here, not {kind}")
    named = connection.get_table_names(sql, qualified=True)
    return {_ALIAS.sub("", name).replace('"', "").lower() for name in named}


def _answer(connection: Any, sql: str, rows: int, cut: bool) -> None:
    """The rows as an Arrow stream; its last message says whether some were cut off."""
    import pyarrow as pa

    reader = connection.execute(sql).to_arrow_reader(10_000)
    left = rows
    with pa.ipc.new_stream(cast(IOBase, sys.stdout.buffer), reader.schema) as out:
        for batch in reader:
            if batch.num_rows > left:
                if not cut:
                    _refuse(
                        "TooManyRows", f"the answer has more than {rows:,} rows; aggregate, or add LIMIT", sql
                    )
                out.write_batch(batch.slice(0, left))
                print(json.dumps({"cut": True}), file=sys.stderr)
                return
            left -= batch.num_rows
            out.write_batch(batch)


def place_of(sql: str, name: str) -> dict[str, int]:
    """Where a name first stands in a question, ``line`` and ``column`` from 1; empty if it does not."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.I)
    if found is None:
        return {}
    before = sql[: found.start()]
    return {"line": before.count("\n") + 1, "column": len(before) - before.rfind("\n")}


def _refuse(kind: str, message: str, sql: str) -> NoReturn:
    said: dict[str, Any] = {"kind": kind, "message": _END.split(message)[0]}
    if found := _POSITION.search(message):
        said |= _pointed(sql, int(found[1]), found[2], len(found[3]))
    elif unknown := _UNKNOWN.search(message):
        said |= place_of(sql, unknown[1])
    print(json.dumps(said), file=sys.stderr, flush=True)
    raise SystemExit(1)


def _pointed(sql: str, line: int, excerpt: str, indent: int) -> dict[str, int]:
    """The place under DuckDB's mark, which stands under an excerpt of the line that may begin and end with dots."""
    text = sql.split("\n")[line - 1] if line <= sql.count("\n") + 1 else ""
    inside = indent - len(f"LINE {line}: ")
    if excerpt.startswith("..."):
        excerpt, inside = excerpt.removeprefix("..."), inside - 3
    return {"line": line, "column": max(0, text.find(excerpt.removesuffix("..."))) + max(0, inside) + 1}


if __name__ == "__main__":
    main()
