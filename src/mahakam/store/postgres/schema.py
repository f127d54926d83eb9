"""Schemas of tenants: made, brought up to date, found."""

from __future__ import annotations

from importlib import resources

from mahakam.store.errors import StoreError
from mahakam.store.postgres.connection import Connection, Database

OLDEST_SERVER = 150000
DEFAULT = "mahakam"
_PREFIX = DEFAULT + "_"
MIGRATING = 7_304_110_001
"""The advisory lock that one process holds while it migrates."""


def schema_of(tenant: str) -> str:
    return _PREFIX + tenant if tenant else DEFAULT


def tenants_in(connection: Connection) -> list[str]:
    """The tenants that there are, but for the default one, by name."""
    found = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE starts_with(nspname::text, %s) ORDER BY nspname", (_PREFIX,)
    )
    return sorted(str(name).removeprefix(_PREFIX) for (name,) in found)


def steps() -> dict[int, str]:
    """The migrations: number → SQL."""
    return {
        int(file.name[:4]): file.read_text("utf-8")
        for file in (resources.files(__package__) / "migrations").iterdir()
        if file.name.endswith(".sql")
    }


def prepare(database: Database) -> None:
    """Make the tenant's schema when missing, and bring it up to date; sets where PostGIS is.

    Raises StoreError for a server that is too old, without PostGIS, or that a newer Mahakam wrote to.
    """
    with database.connect() as connection, database.clear_errors():
        if connection.info.server_version < OLDEST_SERVER:
            raise StoreError(f"{database.shown}: PostgreSQL 15 or newer is needed")
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATING,))
            database.postgis = _postgis(database, connection)
            _migrate(database, connection)


def version_in(connection: Connection, schema: str) -> int:
    """The version of a tenant's schema; 0 for one that is not there."""
    table = f'"{schema}".version'
    if connection.execute("SELECT to_regclass(%s)", (table,)).fetchall()[0][0] is None:
        return 0
    return int(connection.execute(f"SELECT n FROM {table}").fetchall()[0][0])


def _postgis(database: Database, connection: Connection) -> str:
    found = connection.execute(
        "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'postgis'"
    ).fetchall()
    if found:
        return str(found[0][0])
    available = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchall()
    if not available:
        raise StoreError(
            f"{database.shown}: PostGIS is not installed on the server (Debian: postgresql-15-postgis-3)"
        )
    allowed = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchall()
    if not allowed[0][0]:
        raise StoreError(
            f"{database.shown}: PostGIS is missing in this database; as its superuser: CREATE EXTENSION postgis"
        )
    connection.execute("CREATE EXTENSION postgis SCHEMA public")
    return "public"


def _migrate(database: Database, connection: Connection) -> None:
    known = steps()
    version = version_in(connection, database.schema)
    if version > max(known):
        raise StoreError(
            f"{database.shown}: schema {database.schema} was written by a newer Mahakam (schema version {version});"
            f" this one knows {max(known)}: use that version, or a backup from before"
        )
    if version == max(known):
        return
    path = ",".join(f'"{name}"' for name in (database.schema, database.postgis))
    if version == 0:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{database.schema}"')
        connection.execute(f"SET LOCAL search_path = {path}")
        connection.execute("CREATE TABLE version (n integer NOT NULL)")
        connection.execute("INSERT INTO version VALUES (0)")
    connection.execute(f"SET LOCAL search_path = {path}")
    for number in sorted(known):
        if number > version:
            connection.execute(known[number])
            connection.execute("UPDATE version SET n = %s", (number,))
