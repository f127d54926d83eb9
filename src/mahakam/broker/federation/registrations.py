"""The registrations of one tenant: kept in its store, and at hand for every request (clause 5.9)."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from mahakam.broker.clock import now
from mahakam.broker.federation.matching import Index
from mahakam.broker.federation.registration import Registration, of_payload
from mahakam.ngsild.problem import Problem, not_found
from mahakam.ngsild.selection import Selection, Types
from mahakam.store.protocol import EntityStore, Transaction

KIND = "csource-registration"
_VERSION = ("csource-registrations", "version")
"""The record that counts the changes: another number than last time, and all are read again."""
LOOK = 0.25
"""Seconds for which what another process registered may go unseen here."""
Notice = Callable[[Transaction, "Registration | None", "Registration | None"], None]
"""Told of every change, in its transaction: the registration before and after it."""


class Registrations:
    """Safe to use from several threads."""

    def __init__(self, store: EntityStore, notice: Notice) -> None:
        self._store = store
        self._notice = notice
        self._index = Index()
        self._version: dict[str, Any] | None = None
        self._looked = float("-inf")

    def index(self) -> Index:
        """What is registered; false if nothing is. Costs a look at the clock."""
        at = monotonic()
        if at - self._looked > LOOK:
            self._load()
            self._looked = at
        return self._index

    def get(self, id: str) -> Registration | None:
        """One registration, if it has not expired."""
        record = self._store.record(KIND, id)
        found = of_payload(record["payload"]) if record else None
        return found if found and found.alive(now()) else None

    def all(self) -> list[Registration]:
        """Every registration that has not expired, by id."""
        at = now()
        found = (of_payload(record["payload"]) for record in self._store.records(KIND).values())
        return [one for one in found if one.alive(at)]

    def create(self, registration: Registration) -> None:
        """Raises Problem AlreadyExists, or Conflict with an entity or a registration that there is."""

        def work(transaction: Transaction) -> None:
            old = transaction.record(KIND, registration.id)
            if old is not None and of_payload(old["payload"]).alive(now()):
                raise Problem("AlreadyExists", "Already exists", f"there is a registration {registration.id}")
            self._admit(transaction, registration)
            self._save(transaction, registration)
            self._notice(transaction, None, registration)

        self._write(work)

    def replace(self, registration: Registration) -> None:
        """Raises Problem ResourceNotFound, Conflict."""

        def work(transaction: Transaction) -> None:
            before = _required(transaction, registration.id)
            self._admit(transaction, registration)
            self._save(transaction, registration)
            self._notice(transaction, before, registration)

        self._write(work)

    def delete(self, id: str) -> None:
        """Raises Problem ResourceNotFound."""

        def work(transaction: Transaction) -> None:
            before = _required(transaction, id)
            transaction.save_record(KIND, id, None)
            self._notice(transaction, before, None)

        self._write(work)

    def _write(self, work: Callable[[Transaction], None]) -> None:
        def counted(transaction: Transaction) -> None:
            work(transaction)
            version = transaction.record(*_VERSION) or {"number": 0}
            transaction.save_record(*_VERSION, {"number": version["number"] + 1})

        self._store.write(counted)
        self._looked = float("-inf")

    def _load(self) -> None:
        version = self._store.record(*_VERSION)
        if version != self._version:
            records = self._store.records(KIND)
            self._index = Index(of_payload(record["payload"]) for record in records.values())
            self._version = version

    @staticmethod
    def _save(transaction: Transaction, registration: Registration) -> None:
        transaction.save_record(KIND, registration.id, {"payload": registration.payload})

    def _admit(self, transaction: Transaction, registration: Registration) -> None:
        """Clause 5.9.2.4: what one source alone holds is held nowhere else, here or in another source."""
        if not registration.proxied:
            return
        at = now()
        others = [
            other
            for record in transaction.records(KIND).values()
            if (other := of_payload(record["payload"])).id != registration.id
            and other.proxied
            and other.alive(at)
        ]
        for other in others:
            if "exclusive" in (registration.mode, other.mode) and _overlap(registration, other):
                raise _conflict(f"the registration {other.id} has it already, as {other.mode}")
        for part in registration.information:
            for one in part.entities:
                found = self._store.bodies(
                    Selection(
                        ids=(one.id,) if one.id else (),
                        id_pattern=one.id_pattern or None,
                        types=Types(((one.type,),)),
                        attrs=tuple(part.attributes),
                    ),
                    1,
                )
                if found:
                    raise _conflict(
                        f"there is an entity here that matches: {found[0][:120].decode(errors='replace')}…"
                    )


def _overlap(one: Registration, other: Registration) -> bool:
    """Whether two registrations say the same of an entity, of which one at least is exclusive."""
    exclusive, other = (one, other) if one.mode == "exclusive" else (other, one)
    index = Index((other,))
    return any(
        index.find(at="", ids=(entity.id,), types=(entity.type,), attributes=part.attributes)
        for part in exclusive.information
        for entity in part.entities
    )


def _conflict(detail: str) -> Problem:
    return Problem("Conflict", "The registration conflicts with what there is", detail)


def _required(transaction: Transaction, id: str) -> Registration:
    record = transaction.record(KIND, id)
    found = of_payload(record["payload"]) if record else None
    if found is None or not found.alive(now()):
        raise not_found(f"no registration {id}")
    return found
