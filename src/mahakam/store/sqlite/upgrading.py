"""What SQL alone cannot do to bring a file up to date, because numbers must be read from text as writes read them."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import orjson

from mahakam.store.sqlite.indexing import ADD_POINT, LEARN, NEW_NAME, TAIL_BEGINS
from mahakam.store.sqlite.places import PointRow, point_row

_PREFIX = "values of "


def upgrade_to_4(connection: apsw.Connection) -> None:
    """Points leave the R*Tree; indexes of values, one for each attribute, become rows of one table."""
    connection.executemany(ADD_POINT, sorted(_points(connection)))
    connection.execute("DELETE FROM location WHERE entity IN (SELECT entity FROM point)")
    indexes = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE ? || '%'", (_PREFIX,)
    )
    for (index,) in indexes.fetchall():
        quoted = str(index).replace('"', '""')
        connection.execute(f'DROP INDEX "{quoted}"')
        name = str(index)[len(_PREFIX) :]
        number = connection.execute(NEW_NAME, (name,)).get
        connection.execute(LEARN, (number, name))


def _points(connection: apsw.Connection) -> Iterator[PointRow]:
    tail = connection.execute(TAIL_BEGINS).get
    for number, keys in connection.execute("SELECT n, keys FROM entity"):
        box = orjson.loads(keys)[2]
        point = point_row(number, box, tail) if box else None
        if point is not None:
            yield point
