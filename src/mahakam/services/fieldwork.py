"""What a crew did at the place while its phone had no connection: taken in once each, however often it is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mahakam.broker.broker import Broker
from mahakam.ngsild.problem import not_found
from mahakam.services import private
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.moves import way_to
from mahakam.services.request import Refused, Request, Step, clean, entity_id, words_faults
from mahakam.services.states import State
from mahakam.services.workflow import OFFICER
from mahakam.store.protocol import Transaction

KIND = "field-acts"
ActKind = Literal["start", "finish", "note", "tick", "photo"]
LEADS_TO: Mapping[str, State] = {"start": "inProgress", "finish": "answered"}
"""Act → the status that it brings a request to, by whatever way its workflow has."""


@dataclass(frozen=True, slots=True)
class Act:
    """``key`` is the phone's own name for it; ``revision`` what the crew had seen, for ``start`` and ``finish``.

    ``text``: the words of ``finish`` and ``note``. ``ticks``: point of the checklist → ticked. ``photo``: a name
    from ``keep_photo``, ``when`` is ``before`` or ``after`` the work.
    """

    key: str
    kind: ActKind
    revision: int = 0
    text: str = ""
    ticks: Mapping[int, bool] | None = None
    photo: str = ""
    when: str = "after"


class _Again(Exception):
    """The act is in already."""


@dataclass(frozen=True)
class Fieldwork:
    """Takes acts of crews in. What an act does and that it is in are one transaction."""

    desk: Desk
    broker: Broker

    def taken(self, key: str, author: str) -> int | None:
        """The request's revision after an act that is in already; None if it is not."""
        found = self.broker.store.record(KIND, _name(key, author))
        return None if found is None else int(found["revision"])

    def take(self, number: str, act: Act, author: str) -> int:
        """Do it; the request's revision afterwards. An act that is in already changes nothing and gives the same.

        Raises Changed if others were faster (``start`` and ``finish`` only), Refused for a way that does not exist,
        words that are missing or a photo too many, Problem for no such request; nothing is written then.
        """
        before = self.desk.whole(number)
        if before is None:
            raise not_found(entity_id(number))
        try:
            self._do(before, act, author)
        except (_Again, Changed, Refused):
            # The first sending of the same act may be what changed the request.
            if (done := self.taken(act.key, author)) is None:
                raise
            return done
        done = self.taken(act.key, author)
        assert done is not None
        return done

    def _do(self, before: Request, act: Act, author: str) -> None:
        if self.taken(act.key, author) is not None:
            raise _Again
        number, seen = before.number, revision_of(before)
        match act.kind:
            case "start" if before.state == "inProgress":
                self.broker.transact(self._mark(number, act, author, seen))  # the office was faster: it is so
            case "start" | "finish":
                mark = self._mark(number, act, author, act.revision + 1)
                self.desk.advance(number, act.revision, act.text, self._step(act), author, also=mark)
            case "photo":
                mark = self._mark(number, act, author, seen)
                self.desk.add_work_photo(number, act.photo, act.when, author, mark)
            case "note" | "tick":
                self.broker.transact(self._private(number, act, author, seen))

    def _step(self, act: Act) -> Callable[[Request, str], Step]:
        def decide(before: Request, words: str) -> Step:
            if act.kind == "finish" and (found := words_faults("text", words)):
                raise Refused(found)
            workflow = self.desk.workflow(before)
            way = way_to(workflow, before, LEADS_TO[act.kind], OFFICER)
            return self.desk.take(before, way, before.agency, words)

        return decide

    def _private(self, number: str, act: Act, author: str, revision: int) -> Callable[[Transaction], None]:
        text = clean(act.text)
        if act.kind == "note" and (found := words_faults("note", text, 1)):
            raise Refused(found)
        mark = self._mark(number, act, author, revision)

        def work(transaction: Transaction) -> None:
            mark(transaction)
            kept: dict[str, Any] = transaction.record(private.KIND, number) or {}
            noted = act.kind == "note"
            after = private.noted(kept, author, text) if noted else private.ticked(kept, act.ticks or {})
            transaction.save_record(private.KIND, number, after)

        return work

    def _mark(self, number: str, act: Act, author: str, revision: int) -> Callable[[Transaction], None]:
        """Note that the act is in; raises _Again, which undoes the transaction, if it was before."""
        name = _name(act.key, author)

        def mark(transaction: Transaction) -> None:
            if transaction.record(KIND, name) is not None:
                raise _Again
            kept = {"number": number, "kind": act.kind, "revision": revision, "at": time.time()}
            transaction.save_record(KIND, name, kept)

        return mark


def _name(key: str, author: str) -> str:
    """Nobody can use up another one's key."""
    return f"{author} {key}"
