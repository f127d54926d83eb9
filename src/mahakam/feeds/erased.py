"""Persons who were erased from a feed and stand in its next file: their cells are left empty, and a steward sees it.

What is known of them is a keyed hash (``access.known_as``) beside the feeds they were erased from, for the duty to keep
erased what was erased (Law 27/2022 art. 8, 43 and 44): who reads the store learns nobody's number from it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mahakam.access.known_as import Marker
from mahakam.feeds.definition import Feed
from mahakam.feeds.sources.model import ROW, Table, identifier, literal
from mahakam.quality.finding import Finding
from mahakam.store.protocol import EntityStore

if TYPE_CHECKING:
    import duckdb

KIND = "person-erased"
"""Records of what was erased (``operations.erasing.Erased``), with the hashes."""
RULE = "erased"
_TABLE = "feed_erased_from"


@dataclass(frozen=True, slots=True)
class Marks:
    """The hashes of whoever was erased from one feed."""

    marker: Marker
    of_feed: frozenset[str]

    def has(self, text: str) -> bool:
        """Whether an address or number is theirs."""
        return bool(self.of_feed) and self.marker.of(text) in self.of_feed


def marks_of(store: EntityStore, place: str, feed: str) -> Marks | None:
    """None if nobody was erased from the feed."""
    name = f"{place}/{feed}"
    found = {str(one.get("mark", "")) for one in store.records(KIND).values() if name in one.get("feeds", ())}
    return Marks(Marker(store), frozenset(found - {""})) if found - {""} else None


def feeds_that_know(store: EntityStore, who: str) -> list[str]:
    """The feeds (``place/feed``) in which somebody's cells are left empty. Raises ValueError as ``known_as``."""
    mark = Marker(store).of(who)
    found = (one for one in store.records(KIND).values() if mark and one.get("mark") == mark)
    return sorted({str(feed) for one in found for feed in one.get("feeds", ())})


def folded(name: str) -> str:
    """SQL of a column's values in the form in which they are compared: folded; of what is all number, the digits."""
    text = f"lower(trim(CAST({identifier(name)} AS VARCHAR)))"
    return (
        f"CASE WHEN regexp_full_match({text}, '[\\d\\s()+./-]+') "
        f"THEN regexp_replace({text}, '\\D', '', 'g') ELSE {text} END"
    )


def withhold(
    connection: duckdb.DuckDBPyConnection, table: Table, marks: Marks, number: int
) -> dict[int, tuple[str, ...]]:
    """Leave the cells of whoever was erased empty in a file's table, before anything is made of it; row → columns.

    ``number``: which of the run's files it is.
    """
    name = f"{_TABLE}_{number}"
    table.relation.create_view(f"{name}_file", replace=True)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {name}_file")  # noqa: S608 - our own
    theirs = {
        column: values for column in table.columns if (values := _theirs(connection, name, column, marks))
    }
    cells = {column: f"{folded(column)} IN ({', '.join(map(literal, theirs[column]))})" for column in theirs}
    found: dict[int, tuple[str, ...]] = {}
    if cells:
        asked = ", ".join(f"coalesce({is_theirs}, false)" for is_theirs in cells.values())
        rows = connection.execute(
            f"SELECT {ROW}, {asked} FROM {name} WHERE {' OR '.join(cells.values())}"  # noqa: S608 - quoted
        ).fetchall()
        found = {row: tuple(c for c, here in zip(cells, hits, strict=True) if here) for row, *hits in rows}
    emptied = ", ".join(
        f"CASE WHEN {is_theirs} THEN NULL ELSE {identifier(c)} END AS {identifier(c)}"
        for c, is_theirs in cells.items()
    )
    shown = f"* REPLACE ({emptied})" if emptied else "*"
    table.relation = connection.sql(f"SELECT {shown} FROM {name}")  # noqa: S608 - quoted names, literals
    table.faults = [replace(one, value="") if marks.has(one.value) else one for one in table.faults]
    return found


def findings(feed: Feed, withheld: Mapping[int, Collection[str]]) -> Iterator[Finding]:
    """A warning for each field that stays empty; whose it is is not said."""
    fields = {column: made.name for made in feed.fields for column in made.columns}
    for row, columns in withheld.items():
        for column in columns:
            field = fields.get(column, "" if feed.fields else column)
            yield Finding(row, field, RULE, None, f"nobody who was erased, in {column}", "warning")


def _theirs(connection: duckdb.DuckDBPyConnection, table: str, column: str, marks: Marks) -> list[str]:
    value = folded(column)
    candidates = connection.execute(
        f"SELECT DISTINCT {value} AS v FROM {table} "  # noqa: S608 - quoted
        r"WHERE contains(v, '@') OR regexp_full_match(v, '\d{8,}')"
    )
    found: list[str] = []
    while some := candidates.fetchmany(10_000):
        found += [str(text) for (text,) in some if marks.has(str(text))]
    return found
