"""Databases that a feed's query is asked of, each read only: rows with the names of their columns."""

from __future__ import annotations

import sqlite3
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from mahakam.addresses import SETTING, allowed, host_problem
from mahakam.feeds.origins import Ask
from mahakam.feeds.sources.model import SourceError

SECONDS = 300
_CONNECT = 15
_BATCH = 5_000
Rows = Iterator[tuple[Sequence[str], Sequence[Any]]]


def rows_of(ask: Ask, url: str, query: str, parameters: dict[str, Any]) -> Rows:
    """The rows of a query. Raises SourceError for an unknown kind of database, and for all that it refuses."""
    kind = url.partition(":")[0].lower()
    if kind not in _KINDS:
        raise SourceError(ask.name, f"url must begin with {': or '.join(_KINDS)}:")
    return _KINDS[kind](ask, url, query, parameters)


def _sqlite(ask: Ask, url: str, query: str, parameters: dict[str, Any]) -> Rows:
    name = url.partition(":")[2]
    path = (ask.place / name).resolve()
    if not path.is_relative_to(ask.place.resolve()):
        raise SourceError(ask.name, f"{name!r} leads out of the place's folder; name a file inside it")
    if not path.is_file():
        raise SourceError(ask.name, f"there is no database {name!r} in {ask.place}")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=30)) as connection:
            connection.execute("PRAGMA query_only = on")
            cursor = connection.execute(query, parameters)
            names = _names(ask, cursor.description)
            while rows := cursor.fetchmany(_BATCH):
                for row in rows:
                    yield names, row
    except sqlite3.Error as error:
        raise SourceError(ask.name, f"{name}: {error}") from error


def _postgresql(ask: Ask, url: str, query: str, parameters: dict[str, Any]) -> Rows:
    import psycopg

    _require_listed(ask, _postgresql_hosts(ask, url))
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT, application_name="mahakam") as connection:
            connection.read_only = True
            connection.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
            with connection.cursor(name="mahakam") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(query.encode(), parameters or None)
                names = _names(ask, cursor.description)
                for row in cursor:
                    yield names, row
    except psycopg.Error as error:
        said = str(error).strip().splitlines()
        raise _refused(ask, said[0] if said else type(error).__name__) from error


def _postgresql_hosts(ask: Ask, url: str) -> list[str]:
    """The hosts that a URL leads to; a folder of sockets on this machine is none."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        said = conninfo_to_dict(url)
    except ProgrammingError as error:
        raise SourceError(ask.name, "url must be as postgresql://reader:${PASSWORD}@host/database") from error
    if said.get("service") and allowed():
        raise SourceError(
            ask.name, f"url must name the host, not a service: {SETTING} says which hosts are asked"
        )
    named = [str(said.get(key) or "").split(",") for key in ("host", "hostaddr")]
    return [host for hosts in named for host in hosts if host and not host.startswith(("/", "@"))]


def _require_listed(ask: Ask, hosts: Sequence[str]) -> None:
    for host in hosts:
        if problem := host_problem(host):
            raise SourceError(ask.name, problem)


def _mysql(ask: Ask, url: str, query: str, parameters: dict[str, Any]) -> Rows:
    """MySQL and MariaDB. Rows are streamed; the session may only read, which also keeps it from DDL."""
    import pymysql
    from pymysql.cursors import SSCursor

    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname or not parts.path.strip("/"):
        raise SourceError(ask.name, "url must be as mysql://reader:${PASSWORD}@host/database")
    _require_listed(ask, [parts.hostname])
    secure = parse_qs(parts.query).get("tls", ["false"])[-1] == "true"
    try:
        connection = pymysql.connect(
            host=parts.hostname,
            port=port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.strip("/")),
            charset="utf8mb4",
            cursorclass=SSCursor,
            connect_timeout=_CONNECT,
            read_timeout=SECONDS + 10,
            ssl=ssl.create_default_context() if secure else None,
            program_name="mahakam",
        )
    except (pymysql.MySQLError, OSError, ValueError) as error:
        raise _refused(ask, _mysql_said(error)) from error
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            if "mariadb" in connection.get_server_info().lower():
                cursor.execute(f"SET SESSION max_statement_time = {SECONDS}")
            else:
                cursor.execute(f"SET SESSION max_execution_time = {SECONDS * 1000}")
            cursor.execute("START TRANSACTION READ ONLY")
            cursor.execute(query, parameters or None)
            names = _names(ask, cursor.description)
            while rows := cursor.fetchmany(_BATCH):
                for row in rows:
                    yield names, row
    except (pymysql.MySQLError, OSError, ValueError, TypeError, KeyError) as error:
        raise _refused(ask, _mysql_said(error)) from error
    finally:
        connection._force_close()  # a query that is given up is not read to its end


def _mysql_said(error: Exception) -> str:
    """The server's words; of a parameter that is not given the driver says only its name."""
    if isinstance(error, KeyError):
        return f"the query names the parameter {error}, which parameters has not"
    return str(error.args[-1] if error.args else error).strip().partition("\n")[0] or type(error).__name__


def _refused(ask: Ask, said: str) -> SourceError:
    return SourceError(ask.name, f"the database says: {said}")


def _names(ask: Ask, description: Any) -> list[str]:
    if description is None:
        raise SourceError(ask.name, "the query gives no rows; write one that begins with SELECT")
    return [str(column[0]) for column in description]


_KINDS: dict[str, Callable[[Ask, str, str, dict[str, Any]], Rows]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
}
