"""What is odd about the dates of a column as a whole: two orders, two forms, years of two digits, day and month that a
spreadsheet took for each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mahakam.quality.typing_sql import full_match, identifier

if TYPE_CHECKING:
    from mahakam.quality.profile import ColumnProfile

_PARTS = r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4}|[0-9]{2})([ T].*)?"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T].*)?"
_MOST = 12
"""Above it a number is no month."""


def remarks(connection: Any, relation: str, column: ColumnProfile) -> Iterator[str]:
    """Sentences about a column of dates; none about any other."""
    if column.kind.logical not in ("date", "timestamp"):
        return
    text = identifier(column.name)
    first, second = (f"TRY_CAST(regexp_extract({text}, '{_PARTS}', {n}) AS INTEGER)" for n in (1, 2))
    is_parts, is_iso = full_match(text, _PARTS), full_match(text, _ISO)
    day = f"TRY_CAST(substr({text}, 9, 2) AS INTEGER)"
    asked = [
        f"count(*) FILTER ({is_parts} AND {first} > {_MOST} AND {second} <= {_MOST})",
        f"count(*) FILTER ({is_parts} AND {second} > {_MOST} AND {first} <= {_MOST})",
        f"count(*) FILTER ({is_parts} AND {first} <= {_MOST} AND {second} <= {_MOST} AND {first} <> {second})",
        f"count(*) FILTER ({is_parts} AND length(regexp_extract({text}, '{_PARTS}', 3)) = 2)",
        f"count(*) FILTER ({is_parts})",
        f"count(*) FILTER ({is_iso})",
        f"count(*) FILTER ({is_iso} AND {day} <= {_MOST})",
    ]
    sql = f"SELECT {', '.join(asked)} FROM {identifier(relation)}"  # noqa: S608 - names are quoted
    days, months, either, short, parts, iso, low = connection.execute(sql).fetchall()[0]
    name = f"column {column.name!r}"
    if days and months:
        yield (
            f"{name}: dates in two orders: {days} can only be day before month, {months} only month before day, "
            f"{either} either: ask its owner which"
        )
    if short:
        read = "00 to 68 are read as 2000 to 2068, 69 to 99 as 1969 to 1999"
        yield f"{name}: years of two digits, in {short} rows: {read}"
    if parts and iso:
        yield f"{name}: dates in two forms: {iso} as 2025-02-28, {parts} as 28/02/2025"
        if days == parts and low == iso and min(parts, iso) > _FEW:
            yield (
                f"{name}: every date with a day above 12 is text, and none of the others has one: the spreadsheet took "
                "day and month of those for each other"
            )


_FEW = 3
"""So many of each, and it is no chance."""
