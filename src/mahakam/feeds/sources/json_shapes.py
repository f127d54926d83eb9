"""Shapes of JSON other than a list of objects: rows under a list of names, columns, objects by their key, envelopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

_DEEP = 6
"""So many names down a list of records is looked for."""
_ALIKE = 0.5
"""Share of the members that records must have in common."""
_NAMES = ("columns", "fields", "headers", "header", "kolom", "cols")
_ROWS = ("rows", "data", "values", "records", "baris", "items")

_ENVELOPE = frozenset(
    ("links", "link", "filters", "filter", "errors", "warnings", "messages", "facets", "sort", "notes")
)
"""Lists by which an interface tells of its answer: other pages, what was asked for."""
_LONGER = 5


def lists(document: Any, path: str = "") -> dict[str, list[Any]]:
    """Every list of objects inside a document, by its path (``result.items``, ``data.1``); none inside a record."""
    found: dict[str, list[Any]] = {}
    inside: Sequence[tuple[str, Any]] = ()
    if isinstance(document, dict):
        inside = [(str(key), value) for key, value in document.items()]
    elif isinstance(document, list):
        inside = [(str(number), value) for number, value in enumerate(document) if isinstance(value, list)]
    for key, value in inside:
        where = f"{path}.{key}" if path else key
        if _is_records(value):
            found[where] = value
        elif isinstance(value, dict | list) and where.count(".") < _DEEP:
            found |= lists(value, where)
    return found


def main_list(found: Mapping[str, Sequence[Any]]) -> str | None:
    """The path of the one list that the answer is about: what an interface tells of itself (links, filters) left aside,
    the only one, or one that is many times as long as every other; None if it could be several."""
    told = [path for path in found if path.rpartition(".")[2].casefold() not in _ENVELOPE] or list(found)
    if len(told) == 1:
        return told[0] if len(found) > 1 else None
    first, second, *_ = sorted((len(found[path]) for path in told), reverse=True) if told else (0, 0)
    longest = [path for path in told if len(found[path]) == first]
    return longest[0] if len(longest) == 1 and first >= _LONGER * second else None


def records_of(document: Any) -> tuple[list[Any], str] | None:
    """The records of a document in one of these shapes, and a note of it; None for any other."""
    if isinstance(document, list):
        return _under_names(document[0], document[1:]) if document else None
    if not isinstance(document, dict) or lists(document):
        return None
    for names in _NAMES:
        for rows in _ROWS:
            if isinstance(document.get(rows), list) and (
                found := _under_names(document.get(names), document[rows])
            ):
                return found
    values = list(document.values())
    if len(values) > 1 and all(isinstance(value, list) for value in values):
        return _columns({key: dict(enumerate(value)) for key, value in document.items()})
    if len(values) > 1 and all(isinstance(value, dict) and value for value in values):
        if all(list(value) == [str(number) for number in range(len(value))] for value in values):
            return _columns(document)
        return _by_key(document)
    return None


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _under_names(names: Any, rows: Sequence[Any]) -> tuple[list[Any], str] | None:
    """Lists of cells, whose names another list gives (CKAN: objects with an id)."""
    if not isinstance(names, list) or not rows or not all(isinstance(row, list) for row in rows):
        return None
    said = [
        next((name[k] for k in ("id", "name") if k in name), None) if isinstance(name, dict) else name
        for name in names
    ]
    if (
        len(said) < 2
        or not all(isinstance(name, str) and name for name in said)
        or len(set(said)) < len(said)
    ):
        return None
    if any(len(row) != len(said) for row in rows):
        return None
    return [dict(zip(said, row, strict=True)) for row in rows], "lists of cells: named by the list of names"


def _columns(document: Mapping[str, Mapping[Any, Any]]) -> tuple[list[Any], str] | None:
    columns = list(document.values())
    simple = all(not isinstance(cell, dict | list) for column in columns for cell in column.values())
    if not simple or len(columns[0]) < 2 or any(list(one) != list(two) for one, two in pairwise(columns)):
        return None
    rows = [{name: column[key] for name, column in document.items()} for key in columns[0]]
    return rows, "columns of cells: read row by row"


def _by_key(document: Mapping[str, Mapping[str, Any]]) -> tuple[list[Any], str] | None:
    """Objects that are alike, each under its key: the key is a column too."""
    values = list(document.values())
    common = set.intersection(*map(set, values))
    every = set.union(*map(set, values))
    if len(values) < 3 or len(common) < _ALIKE * len(every):
        return None
    name = "key" if "key" not in every else "key of the record"
    return [
        {name: key, **value} for key, value in document.items()
    ], f"objects by their key: it is the column {name!r}"


__all__: Sequence[str] = ("lists", "main_list", "records_of")
