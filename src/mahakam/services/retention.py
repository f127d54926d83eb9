"""How long documents and contact of a request are kept after it was settled (``retention:``), and their removal.

A retention schedule is the city's own (Law 43/2009 on archives art. 48; Law 27/2022 on personal data art. 43 and 44):
where neither a service's file nor its place says anything, nothing is removed.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mahakam.config import ConfigError, Place
from mahakam.ngsild.problem import Problem
from mahakam.services.catalogue import catalogue
from mahakam.services.contact_data import forget, holders
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.dossier import KIND, REMOVED, documents_of, doom, sweep
from mahakam.services.kept_days import KeptDays
from mahakam.services.needs import service_of
from mahakam.services.request import Refused, Request, Step, utc_text
from mahakam.store.protocol import EntityStore, Transaction

AUTHOR = "retention"
_PAGE = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run did: requests whose documents were removed, files deleted (those of an earlier run that broke
    off among them), and requests whose contact was forgotten."""

    requests: int = 0
    files: int = 0
    contacts: int = 0


def settled_since(request: Request) -> str:
    """When a request came to the settled state that it is in (ISO 8601 UTC); "" while it is open."""
    if request.open or not request.steps:
        return ""
    last, since = request.steps[-1], ""
    for step in reversed(request.steps):
        if (step.state, step.workflow_state) != (last.state, last.workflow_state):
            break
        since = step.at
    return since


@dataclass(frozen=True)
class Retention:
    """One run at a time is started by the process that leads; ``mahakam service retention`` may run beside it."""

    desk: Desk
    store: EntityStore
    places: Mapping[str, Place]
    data: Path

    def due(self, now: dt.datetime) -> Iterator[Request]:
        """The requests whose documents are kept no longer."""
        after = ""
        while numbers := self.store.record_keys(KIND, _PAGE, after=after):
            after = numbers[-1]
            for number in numbers:
                request = self.desk.request(number)
                if request is not None and self._over(request, now, self._kept(request).documents):
                    yield request

    def due_contacts(self, now: dt.datetime) -> Iterator[Request]:
        """The requests whose contact is kept no longer; one may come more than once."""
        if not self._asked():
            return
        for number in holders(self.store):
            request = self.desk.request(number)
            if request is not None and self._over(request, now, self._kept(request).contact):
                yield request

    def run(self, now: dt.datetime | None = None) -> Removed:
        """Remove what is kept no longer, and say so in the course of each request.

        A file is deleted after the request says that it is gone; if the node ends in between, the next run deletes it.
        """
        at = now or dt.datetime.now(dt.UTC)
        requests = sum(self.remove_documents(request, at) for request in self.due(at))
        contacts = len({request.number for request in self.due_contacts(at) if self.forget_contact(request)})
        return Removed(requests, sweep(self.store, self.data, at), contacts)

    def _over(self, request: Request, now: dt.datetime, days: int | None) -> bool:
        since = settled_since(request)
        if not since or days is None:
            return False
        return dt.datetime.fromisoformat(since) + dt.timedelta(days=days) <= now

    def _kept(self, request: Request) -> KeptDays:
        try:
            service = service_of(self.places, request)
        except ConfigError as error:
            _log.error("what belongs to %s is kept on: %s", request.number, error)
            service = None
        return service.retention if service else KeptDays()

    def _asked(self) -> bool:
        """Whether any service wants contacts removed: else nobody's request is looked at."""
        for place in self.places.values():
            try:
                services = catalogue(place, self.places).values()
            except ConfigError as error:
                _log.error("contacts of %s are kept on: %s", place.id, error)
                continue
            if any(service.retention.contact is not None for service in services):
                return True
        return False

    def forget_contact(self, seen: Request) -> bool:
        """Forget who sent a request and who follows it.

        Once for a time that it is settled the course says so: who follows it later is forgotten silently.
        """
        since = settled_since(seen)
        if any(step.act == "forgotten" and step.at >= since for step in seen.steps):
            self.store.write(lambda transaction: forget(transaction, seen.number))
            return True

        def decide(before: Request, _words: str) -> Step:
            return Step(before.state, "", before.agency, "", "forgotten")

        return self._advance(seen, decide, lambda transaction: forget(transaction, seen.number))

    def sweep(self) -> int:
        """Delete the files of removed documents; how many."""
        return sweep(self.store, self.data, dt.datetime.now(dt.UTC))

    def remove_documents(self, seen: Request, at: dt.datetime | None = None) -> bool:
        """Remove the documents of a request, and say so in its course."""
        now = at or dt.datetime.now(dt.UTC)
        codes = tuple(documents_of(self.store, seen.number))

        def decide(before: Request, _words: str) -> Step:
            return Step(before.state, "", before.agency, "", "removed", codes)

        def also(transaction: Transaction) -> None:
            kept = documents_of(transaction, seen.number)
            if tuple(kept) != codes:
                raise Changed(seen)
            earlier = transaction.record(REMOVED, seen.number) or {}
            removed = earlier | {code: {"at": utc_text(now)} for code in codes}
            transaction.save_record(REMOVED, seen.number, removed)
            transaction.save_record(KIND, seen.number, None)
            for document in kept.values():
                doom(transaction, document.file, now)

        return self._advance(seen, decide, also)

    def _advance(
        self, seen: Request, decide: Callable[[Request, str], Step], also: Callable[[Transaction], object]
    ) -> bool:
        try:
            self.desk.advance(seen.number, revision_of(seen), "", decide, AUTHOR, also=also, quiet=True)
        except (Changed, Refused, Problem) as error:
            _log.info("%s: %s; looked at again in the next run", seen.number, error)
            return False
        return True
