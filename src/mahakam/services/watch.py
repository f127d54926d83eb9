"""What changed since the last look, whoever changed it: an agency's own system, too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from mahakam.services.desk import Desk, Wanted
from mahakam.services.request import Request, utc_text
from mahakam.store.protocol import EntityStore

_OVERLAP = dt.timedelta(minutes=1)
"""How far back the next look goes: another process may have committed a change late."""
_KEY = "requests"


@dataclass(frozen=True)
class Watch:
    """``kind`` names the record that says how far the last look went; what is seen twice is for the caller to tell."""

    store: EntityStore
    desk: Desk
    kind: str

    def look(self, each: Callable[[Request], int]) -> int:
        """Give every request that changed to ``each``; the sum of what it returns."""
        since = str((self.store.record(self.kind, _KEY) or {}).get("since", ""))
        found, latest, now = 0, since, utc_text(dt.datetime.now(dt.UTC))
        for request in self.desk.scan(Wanted(changed_since=_before(since))):
            # A clock that runs ahead must not hide what follows.
            latest = max(latest, min(request.updated, now))
            found += each(request)
        if latest != since:
            self._went(latest)
        return found

    def skip(self) -> None:
        """Nobody wants to know: what changed until now is not looked at."""
        self._went(utc_text(dt.datetime.now(dt.UTC)))

    def _went(self, until: str) -> None:
        self.store.write(lambda transaction: transaction.save_record(self.kind, _KEY, {"since": until}))


def _before(moment: str) -> str:
    return utc_text(dt.datetime.fromisoformat(moment) - _OVERLAP) if moment else ""
