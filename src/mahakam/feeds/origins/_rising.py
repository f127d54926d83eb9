"""What an earlier run saw of a source that can be asked for what is new: the greatest value of a column that rises.

A source is asked from that value on and not beyond it, for a record of the same moment may have come later; records
of that value that were seen before are told apart by their digests, so that each is brought once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mahakam.feeds.origins import Ask, NothingNew
from mahakam.feeds.sources.model import SourceError

_MOST_SEEN = 100_000
"""Digests that are kept: beyond it the records of the last value come again, and nothing changes by them."""


class Rising:
    """``column`` names the value of a record, a path with dots; ``since`` is None until a run has ended well."""

    def __init__(self, ask: Ask, column: str) -> None:
        self._ask = ask
        self._column = column
        self.since: Any = ask.state.get("since")
        self._before = set(ask.state.get("seen", ()))
        self._highest = self.since
        self._seen = set(self._before)
        self.brought = 0

    def is_new(self, record: Mapping[str, Any]) -> bool:
        """Whether no earlier run brought this record. Raises SourceError where it lacks the column, or mixes kinds."""
        value = _plain(self._value(record))
        if value is None:
            self.brought += 1
            return True
        digest = hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()[:16]
        if value == self.since and digest in self._before:
            return False
        if self._highest is None or self._is_higher(value):
            self._highest, self._seen = value, set()
        if value == self._highest:
            self._seen.add(digest)
        self.brought += 1
        return True

    def name(self) -> str:
        """A batch's file name, the same for a run that is cut off and the one that makes up for it."""
        feed = self._ask.name.rpartition("/")[2]
        if self.since is None:
            return f"{feed}.jsonl"
        mark = re.sub(r"[^A-Za-z0-9]+", "-", str(self.since)).strip("-")[:40]
        return f"{feed}-{mark}-{len(self._before)}.jsonl"

    def keep(self) -> None:
        """Note in the state where the next run goes on. Raises NothingNew if nothing was brought since the last."""
        if not self.brought and self.since is not None:
            raise NothingNew(f"nothing is newer than {self._column} {self.since}")
        self._ask.state["since"] = self._highest
        self._ask.state["seen"] = sorted(self._seen)[:_MOST_SEEN]

    def _is_higher(self, value: Any) -> bool:
        (kind, order), (highest_kind, highest) = _order(value), _order(self._highest)
        if kind != highest_kind:
            raise SourceError(
                self._ask.name,
                f"rises: {self._column} has {highest_kind}s and {kind}s; take one that only rises",
            )
        return bool(order > highest)

    def _value(self, record: Mapping[str, Any]) -> Any:
        if self._column in record:
            return record[self._column]
        place: Any = record
        for part in self._column.split("."):
            if not isinstance(place, Mapping) or part not in place:
                have = ", ".join(map(str, place)) if isinstance(place, Mapping) else type(place).__name__
                raise SourceError(
                    self._ask.name, f"rises: a record has no column {self._column!r}; it has {have}"
                )
            place = place[part]
        return place


def _plain(value: Any) -> Any:
    """A number or a text, as JSON keeps them; None for a blank."""
    if isinstance(value, datetime):
        return str(value.astimezone(UTC) if value.tzinfo else value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if value is None or value == "":
        return None
    return value if isinstance(value, int | float) else str(value)


def _order(value: Any) -> tuple[str, Any]:
    """What a value is ordered by: moments with a time zone by their instant, other texts as they are spelt."""
    if isinstance(value, int | float):
        return "number", value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return "text", str(value)
    return ("moment", moment.timestamp()) if moment.tzinfo else ("text", str(value))
