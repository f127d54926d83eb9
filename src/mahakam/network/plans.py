"""Where action plans and the cycle's notes are kept, whose they are, and what stood there before each change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from mahakam.broker.broker import Broker
from mahakam.network.cycle import Year
from mahakam.network.plan import Plan
from mahakam.network.recommendation import Author
from mahakam.network.records import Records
from mahakam.network.views import Membership, live_cities
from mahakam.store.protocol import EntityStore, Transaction

PLAN, HISTORY, YEAR = "network-plan", "network-plan-change", "network-cycle"


@dataclass(frozen=True, slots=True)
class Seat:
    """A city that may have a plan: a member, or a candidate that is live on this node (``place``, "" for none)."""

    code: str
    name: str
    country: str
    country_code: str
    membership: Membership
    place: str

    @property
    def scope(self) -> str:
        """Country and city, so that an office of either holds here."""
        return f"{self.country_code}/{self.code}"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed which part when, and the part as it stood before (JSON)."""

    at: str
    by: Author
    plan: str
    what: str
    before: str


def seats_of(broker: Broker, records: Records) -> tuple[Seat, ...]:
    """By country and name; the candidates of this node are among them."""
    names = {one.code: one.name for one in records.countries}
    members = [
        Seat(one.code, one.name, one.country, one.country_code, "member", one.place) for one in records.cities
    ]
    candidates = [
        Seat(
            one.place.id,
            one.name.get("en") or next(iter(one.name.values())),
            names.get(one.country_code, one.country_code),
            one.country_code,
            "candidate",
            one.place.id,
        )
        for one in live_cities(broker, records)
        if one.membership == "candidate"
    ]
    return tuple(sorted([*members, *candidates], key=lambda one: (one.country, one.name)))


def plans(store: EntityStore) -> dict[str, Plan]:
    """By the city's code."""
    return {key: msgspec.convert(kept, Plan) for key, kept in store.records(PLAN).items()}


def plan(store: EntityStore, key: str) -> Plan:
    """An empty one for a city that has not written any."""
    kept = store.record(PLAN, key)
    return msgspec.convert(kept, Plan) if kept else Plan(key=key)


def change_plan(
    store: EntityStore,
    key: str,
    step: Callable[[Plan], Plan],
    by: Author,
    at: str,
    what: str,
    part: Callable[[Plan], Any] = lambda _plan: None,
) -> Plan:
    """Take a step; ``part`` is what it changes, kept as it stood. Raises what the step raises: then nothing changed."""

    def work(transaction: Transaction) -> Plan:
        kept = transaction.record(PLAN, key)
        found = msgspec.convert(kept, Plan) if kept else Plan(key=key)
        changed = msgspec.structs.replace(step(found), changed=at)
        transaction.save_record(PLAN, key, msgspec.to_builtins(changed))
        before = msgspec.json.encode(part(found)).decode()
        change = Change(at=at, by=by, plan=key, what=what, before=before)
        transaction.save_record(HISTORY, f"{key}/{changed.changes:06}", msgspec.to_builtins(change))
        return changed

    return store.write(work)


def changes(store: EntityStore, key: str, limit: int = 50) -> list[Change]:
    """What was changed, the newest first."""
    found = store.records(HISTORY)
    keys = sorted((one for one in found if one.rpartition("/")[0] == key), reverse=True)
    return [msgspec.convert(found[one], Change) for one in keys[:limit]]


def year(store: EntityStore, key: int) -> Year:
    kept = store.record(YEAR, str(key))
    return msgspec.convert(kept, Year) if kept else Year(key=str(key))


def change_year(store: EntityStore, key: int, step: Callable[[Year], Year]) -> Year:
    """As :func:`change_plan`."""

    def work(transaction: Transaction) -> Year:
        kept = transaction.record(YEAR, str(key))
        changed = step(msgspec.convert(kept, Year) if kept else Year(key=str(key)))
        transaction.save_record(YEAR, str(key), msgspec.to_builtins(changed))
        return changed

    return store.write(work)
