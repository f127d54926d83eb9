"""The temporal evolution of entities: kept with every change, written by itself, read (clause 5.6.11-16, 5.7.3-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

import orjson

from mahakam.broker.clock import now
from mahakam.broker.pen import Pens, Verb, check_names
from mahakam.ngsild.duration import seconds_of
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import in_scopes, matches
from mahakam.ngsild.patch import partial_attribute
from mahakam.ngsild.problem import Problem, bad_request, not_found
from mahakam.ngsild.selection import Scopes, Selection
from mahakam.ngsild.temporal import Head, Moment, at_once, ended, head_of, moment_of, moments_between
from mahakam.ngsild.temporal_query import Period, Validity, View, sortable
from mahakam.store.protocol import EntityStore, Transaction

MAX_INSTANCES = 100_000
"""Attribute instances of one entity that a condition or an aggregation looks at."""
_CHUNK = 500
_PURGED = 5_000


@dataclass(frozen=True, slots=True)
class Keeping:
    """Tenant → ``on``, ``off``, or the ISO 8601 duration for which its changes are kept; ``*``: all others."""

    policies: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Keeping:
        """``on,drill=off,air=P90D``; raises ValueError that says what would be right."""
        policies = {"*": "on"}
        for part in filter(None, map(str.strip, text.split(","))):
            tenant, _, policy = part.rpartition("=")
            if policy not in ("on", "off") and not seconds_of(policy):
                raise ValueError(f"history: {policy[:40]!r} is none of on, off, an ISO 8601 duration (P2Y)")
            policies[tenant or "*"] = policy
        return cls(policies)

    def policy(self, tenant: str) -> str:
        return self.policies.get(tenant) or self.policies.get("*", "off")

    def kept(self, tenant: str) -> bool:
        """Whether changes in a tenant add to evolutions."""
        return self.policy(tenant) != "off"

    def seconds(self, tenant: str) -> float:
        """For how long; 0 is for ever."""
        return seconds_of(self.policy(tenant)) or 0.0


NOT_KEPT = Keeping({"*": "off"})


class History:
    """The evolutions of one tenant. ``kept``: whether the broker adds its changes. Refusals are Problems.

    ``seconds``: for how long instances are kept; 0 is for ever.
    """

    def __init__(
        self, store: EntityStore, *, kept: bool, seconds: float = 0.0, pens: Pens | None = None
    ) -> None:
        self.store = store
        self.kept = kept
        self.seconds = seconds
        self._pens = pens

    def over(self, store: EntityStore) -> History:
        """The same over a store as somebody sees it."""
        return History(store, kept=self.kept, seconds=self.seconds, pens=self._pens)

    def _check(self) -> Callable[[Head | None, Iterable[tuple[str, Verb]]], None]:
        """Looks whether whoever asks may do this to an evolution; raises Problem (401, 403) if not."""
        pen = None if self._pens is None else self._pens.current()
        if pen is None:
            return lambda _head, _names: None
        return lambda head, names: check_names(pen, [head] if head else [], names)

    def add(self, transaction: Transaction, before: Document | None, after: Document | None, at: str) -> None:
        """A change of an entity, in the transaction of the change."""
        document = after or before
        if document is None:
            return
        created = at if before is None else ""
        transaction.put_evolution(head_of(document, at, created, deleted="" if after else at))
        transaction.add_moments(moments_between(before, after, at))

    def add_new(self, transaction: Transaction, documents: Sequence[Document], at: str) -> None:
        """New entities, whose attributes are as old as they: as :meth:`add` of each, in two statements."""
        transaction.begin_evolutions(documents, at)

    # Writing evolutions themselves

    def create(self, head: Head, moments: list[Moment]) -> bool:
        """Clause 5.6.11: a new evolution (True), or more instances for the one there is."""
        check = self._check()

        def work(transaction: Transaction) -> bool:
            stored = transaction.evolution(head["id"])
            verb: Verb = "create" if stored is None else "change"
            names = {moment.attribute for moment in moments}
            after = head if stored is None else _joined(stored, head)
            asked = [(name, verb) for name in names] + ([("", verb)] if _reshapes(stored, after) else [])
            check(after, asked)
            check(stored, asked)
            transaction.put_evolution(head if stored is None else _joined(stored, head))
            _add(transaction, moments)
            return stored is None

        return self.store.write(work)

    def append(self, head: Head, moments: list[Moment]) -> None:
        """Clause 5.6.12: more instances. Raises Problem ResourceNotFound."""
        check = self._check()

        def work(transaction: Transaction) -> None:
            stored = _found(transaction, head["id"])
            asked: list[tuple[str, Verb]] = [(moment.attribute, "change") for moment in moments]
            joined = _joined(stored, {**head, "modifiedAt": now()})
            if _reshapes(stored, joined):
                asked.append(("", "change"))
            check(stored, asked)
            check(joined, asked)
            transaction.put_evolution(joined)
            _add(transaction, moments)

        self.store.write(work)

    def change_instance(self, id: str, attribute: str, number: int, fragment: dict[str, Any]) -> None:
        """Clause 5.6.14: change members of one instance. Raises Problem ResourceNotFound, BadRequestData."""
        at = now()
        check = self._check()

        def work(transaction: Transaction) -> None:
            check(_found(transaction, id), [(attribute, "change")])
            moment = transaction.moment(id, attribute, number)
            if moment is None:
                raise not_found(f"{id} has no such instance of {attribute}")
            instance = orjson.loads(moment.body)
            if "datasetId" in instance:
                fragment.setdefault("datasetId", instance["datasetId"])
            change = partial_attribute({"id": id, attribute: instance}, attribute, fragment, at)
            changed = change.document.get(attribute)
            if changed is None:
                raise bad_request("The attribute is not valid", "to remove an instance, delete it")
            new = moment_of(id, attribute, changed, at)
            new.created, new.deleted, new.number = moment.created, moment.deleted, number
            transaction.put_moment(new)

        self.store.write(work)

    def delete_instance(self, id: str, attribute: str, number: int) -> None:
        """Clause 5.6.15. Raises Problem ResourceNotFound."""
        check = self._check()

        def work(transaction: Transaction) -> None:
            check(_found(transaction, id), [(attribute, "delete")])
            if not number or not transaction.drop_moments(id, attribute, number=number):
                raise not_found(f"{id} has no such instance of {attribute}")

        self.store.write(work)

    def delete_attribute(self, id: str, attribute: str, dataset: str | None) -> None:
        """Clause 5.6.13: all instances of a dataset ("" is the default one), or all. Raises Problem."""
        check = self._check()

        def work(transaction: Transaction) -> None:
            check(_found(transaction, id), [(attribute, "delete")])
            if not transaction.drop_moments(id, attribute, dataset=dataset):
                raise not_found(f"{id} has no such attribute {attribute}")

        self.store.write(work)

    def end_attribute(self, id: str, attribute: str, dataset: str | None) -> bool:
        """An attribute of an entity of which the node knows its evolution alone was deleted (clause 5.6.5): of a
        dataset ("" is the default one), or all of it. False if there is no such attribute, or it has ended."""
        datasets = () if dataset is None else (dataset,)
        last = self.store.moments(
            View(id, attributes=(attribute,), datasets=datasets, last=1, limit=MAX_INSTANCES)
        )
        at, check = now(), self._check()
        found = [ended(id, attribute, one.instance(), at) for one in last if not one.deleted]

        def work(transaction: Transaction) -> None:
            head = _found(transaction, id)
            check(head, [(attribute, "delete")])
            transaction.put_evolution({**head, "modifiedAt": at})
            transaction.add_moments(found)

        if found:
            self.store.write(work)
        return bool(found)

    def delete(self, id: str) -> None:
        """Clause 5.6.16. Raises Problem ResourceNotFound."""
        check = self._check()

        def work(transaction: Transaction) -> None:
            check(transaction.evolution(id), [("", "delete")])
            if not transaction.drop_evolution(id):
                raise not_found(f"{id} has no temporal evolution")

        self.store.write(work)

    def purge(self) -> int:
        """Delete the instances that were written longer ago than they are kept. How many."""
        if not self.seconds:
            return 0
        before = datetime.now(UTC) - timedelta(seconds=self.seconds)
        text = before.strftime("%Y-%m-%dT%H:%M:%SZ")
        gone = 0
        while done := self.store.write(lambda transaction: transaction.purge_moments(text, _PURGED)):
            gone += done
        return gone

    # Reading

    def get(self, id: str) -> Head | None:
        return self.store.evolution(id)

    def scan(self, selection: Selection, view: View) -> Iterator[tuple[Head, View]]:
        """Evolutions that are selected (clause 5.7.4), in the order in which they were made: each head, with the
        view of it. What decides is the head, the scopes that it had, and what the view has of it."""
        by_head = Selection(selection.ids, selection.id_pattern, selection.types)
        condition = Selection(condition=selection.condition, geo=selection.geo)
        types = sorted({wanted[0] for wanted in selection.types.any_of}) if selection.types else ()
        after = 0
        while found := self.store.evolutions(selection.ids, types, after, _CHUNK):
            after = found[-1][0]
            for _, head in found:
                if not matches(head, by_head):
                    continue
                own = changed(view, entity=head["id"])
                if selection.scopes is not None:
                    valid = self._validity(head, selection.scopes, view.period)
                    if valid is None:
                        continue
                    own = changed(own, valid=valid)
                if condition != Selection() and not matches(at_once(head, self.whole(head, own)), condition):
                    continue
                shown = own if own.valid is None else changed(own, valid=changed(own.valid, carried=0))
                if self.store.moments(changed(shown, limit=1, last=0)):
                    yield head, own

    def found(self, selection: Selection, view: View) -> Iterator[tuple[Head, list[Moment]]]:
        """The same with all that the view has of each. Raises Problem TooManyResults."""
        for head, own in self.scan(selection, view):
            yield head, self.whole(head, own)

    def _validity(self, head: Head, scopes: Scopes, period: Period | None) -> Validity | None:
        """When in a period an entity's scope was one that was asked for: each is valid until the next one."""
        found = self.store.moments(View(head["id"], attributes=("scope",), limit=MAX_INSTANCES))
        found.sort(key=_from)
        low = sortable(period.at) if period and period.timerel != "before" else ""
        high = "9999" if period is None or period.timerel == "after" else sortable(period.end or period.at)
        spans: list[tuple[str, str]] = []
        numbers: list[int] = []
        carried = 0
        for moment, following in zip_longest(found, found[1:]):
            start, end = _from(moment), _from(following) if following else "9999"
            if moment.deleted or start >= high or end <= low:
                continue
            if in_scopes({"scope": moment.instance()["value"]}, scopes):
                spans.append((start, end))
                if start < low:
                    carried = moment.number
                else:
                    numbers.append(moment.number)
        return Validity(tuple(spans), tuple(numbers), carried) if spans else None

    def whole(self, head: Head, view: View) -> list[Moment]:
        """All moments of one entity in the view's period, whatever its attributes.

        Raises Problem TooManyResults.
        """
        found = self.store.moments(
            View(head["id"], view.timeproperty, view.period, limit=MAX_INSTANCES + 1, valid=view.valid)
        )
        if len(found) > MAX_INSTANCES:
            raise too_many(head)
        return found


def _add(transaction: Transaction, moments: list[Moment]) -> None:
    """Instances that are written as such take the place of those observed at the same time (clause 5.6.12)."""
    for moment in moments:
        if moment.observed:
            transaction.drop_moments(
                moment.entity, moment.attribute, dataset=moment.dataset, observed=moment.observed
            )
    transaction.add_moments(moments)


def too_many(head: Head) -> Problem:
    return Problem(
        "TooManyResults",
        "The time is too long",
        f"{head['id']} has more than {MAX_INSTANCES:,} instances in it; ask for a shorter one",
    )


def _found(transaction: Transaction, id: str) -> Head:
    head = transaction.evolution(id)
    if head is None:
        raise not_found(f"{id} has no temporal evolution")
    return head


def _reshapes(stored: Head | None, after: Head) -> bool:
    """Whether types or scope of an evolution become others, or it is new."""
    return stored is None or (stored["type"], stored.get("scope")) != (after["type"], after.get("scope"))


def _joined(stored: Head, head: Head) -> Head:
    """The stored head with the types and the scope of another one."""
    types = [*_listed(stored["type"])]
    types += [one for one in _listed(head.get("type", [])) if one not in types]
    out = {**stored, "type": types[0] if len(types) == 1 else types, "modifiedAt": head["modifiedAt"]}
    if "scope" in head:
        out["scope"] = head["scope"]
    return out


def _from(moment: Moment) -> str:
    return sortable(moment.observed or moment.deleted)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
