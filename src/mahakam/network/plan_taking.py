"""A plan's file taken in: read with its evidence found in the store, and put in the plan's place in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mahakam.broker.broker import Broker
from mahakam.faults import Fault, refuse
from mahakam.network.evidence import evidence_of
from mahakam.network.plan import Plan
from mahakam.network.plan_file import LARGEST, Ending, read_plan, taken
from mahakam.network.plans import change_plan
from mahakam.network.recommendation import Author, Evidence
from mahakam.network.register import Register
from mahakam.store.protocol import EntityStore


@dataclass(frozen=True, slots=True)
class Taking:
    """Who brings a file, when (ISO 8601), on which day of the network, and under which names this node is known."""

    register: Register
    hosts: frozenset[str]
    by: Author
    at: str
    day: dt.date

    def take(
        self, broker: Broker, store: EntityStore, city: str, content: bytes, ending: Ending, seen: str
    ) -> Plan:
        """The city's plan as the file has it. Raises Refused with every fault, and Changed; then nothing is changed."""
        if len(content) > LARGEST:
            raise refuse("file", "large", most=LARGEST // 2**20)

        def cited(lines: Sequence[str], field: str) -> tuple[tuple[Evidence, ...], list[Fault]]:
            return self.cited(broker, lines, field)

        found = read_plan(content, ending, cited, self.by, self.at, self.day)
        if found.city != city:
            raise refuse("plan, city", "other_city", what=found.city or "?", here=city)
        return change_plan(
            store,
            city,
            lambda plan: taken(plan, found, seen, self.day),
            self.by,
            self.at,
            "file",
            lambda plan: plan.text,
        )

    def cited(
        self, broker: Broker, lines: Iterable[str], field: str
    ) -> tuple[tuple[Evidence, ...], list[Fault]]:
        """Lines of evidence as what they cite today."""
        return evidence_of(broker, self.register, "\n".join(lines), self.hosts, field, self.day.isoformat())
