"""SQL functions that SQLite lacks: the exact test of a query on a document, and what an index holds of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import apsw

from mahakam.store.sql.packing import unpack
from mahakam.store.sqlite.values import indexed_value

Predicate = Callable[[dict[str, Any]], bool]


def register(connection: apsw.Connection) -> None:
    """Offer ``document_matches(body, times, predicate)``; a Predicate is bound with ``apsw.pyobject``.

    And ``indexed_value(body, name)``: see :mod:`mahakam.store.sqlite.values`.
    """
    function: Any = _document_matches
    connection.create_scalar_function("document_matches", function, 3, deterministic=True)
    value: Any = indexed_value
    connection.create_scalar_function("indexed_value", value, 2, deterministic=True)


def _document_matches(body: Any, times: Any, predicate: Any) -> bool:
    """``predicate`` is a Predicate."""
    return bool(predicate(unpack(body, times)))
