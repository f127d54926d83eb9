"""What the pages of action plans work with, for one request: whose plans there are, how they stand, the cycle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import ConfigError, Place
from mahakam.network.cycle import STEPS, Cycle, Step, Year, current, cycles_of, rules_of
from mahakam.network.measured import Measurements
from mahakam.network.plan import Plan
from mahakam.network.plan_status import PlanStanding, standing_of
from mahakam.network.plan_taking import Taking
from mahakam.network.plans import PLAN, Seat, plans, year
from mahakam.network.recommendation import Author
from mahakam.web.faults import now
from mahakam.web.language import _
from mahakam.web.network_office import Desk, author, desk, hosts
from mahakam.web.origins import origins
from mahakam.web.plan_words import update_state
from mahakam.web.site import Site, site_of

PATH = "/network/plans"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CityRow:
    """A city and its plan as it stands. ``update`` is a key of UPDATES, for the year under way."""

    seat: Seat
    plan: Plan
    standing: PlanStanding
    update: str

    @property
    def written(self) -> bool:
        return bool(self.plan.changes)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the year: until when, and whether it is done. ``done`` of ``all`` cities for the first two."""

    step: Step
    until: dt.date
    state: str
    done: int | None = None
    all: int | None = None
    note: str = ""
    by: Author | None = None


@dataclass(frozen=True)
class PlanDesk:
    """The plans of a network, read once a request."""

    request: Request
    desk: Desk

    @cached_property
    def site(self) -> Site:
        return site_of(self.request)

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        return _configured(lambda: cycles_of(self.desk.records.register.place))

    @cached_property
    def cycle(self) -> Cycle | None:
        return current(self.cycles, self.desk.day)

    @property
    def year(self) -> int:
        """The year that is reported for: of the cycle under way, else of the calendar."""
        return self.cycle.year if self.cycle else self.desk.day.year

    @cached_property
    def noted(self) -> Year:
        return year(self.site.store, self.year)

    @cached_property
    def values(self) -> Measurements:
        """What this node measured, and what the cities' own nodes sent."""
        return Measurements(self.site.broker, origins(self.request).title_of)

    @cached_property
    def rows(self) -> tuple[CityRow, ...]:
        """Every seat, by country and name."""
        rules = _configured(lambda: rules_of(self.desk.records.register.place))
        kept = plans(self.site.store)
        late = self.cycle is not None and self.desk.day > self.cycle.days["cities"]
        found = []
        for seat in self.desk.seats:
            plan = kept.get(seat.code) or Plan(key=seat.code)
            overdue = late and (seat.membership == "member" or bool(plan.changes))
            update = update_state(plan.update(self.year), late=overdue)
            found.append(CityRow(seat, plan, standing_of(plan, self.values, rules, self.desk.day), update))
        return tuple(found)

    @property
    def written(self) -> tuple[CityRow, ...]:
        """The cities that have a plan."""
        return tuple(one for one in self.rows if one.written)

    @property
    def listed(self) -> tuple[CityRow, ...]:
        """The members, and the candidates that have a plan; those with one come first."""
        found = [one for one in self.rows if one.written or one.seat.membership == "member"]
        return tuple(sorted(found, key=lambda one: not one.written))

    @property
    def missing(self) -> tuple[CityRow, ...]:
        """Members whose update does not lie with the Secretariat."""
        return tuple(
            one
            for one in self.rows
            if one.seat.membership == "member" and one.update not in ("sent", "collated")
        )

    @cached_property
    def steps(self) -> list[StepRow]:
        """The year's cycle as it stands; none where network.yaml has no cycle."""
        if self.cycle is None:
            return []
        members = [one for one in self.rows if one.seat.membership == "member"]
        found = []
        for step in STEPS:
            until = self.cycle.days[step]
            late = self.desk.day > until
            if step in ("cities", "collated"):
                through = ("collated",) if step == "collated" else ("sent", "collated")
                done = sum(one.update in through for one in members)
                state = "done" if members and done == len(members) else "late" if late else "open"
                found.append(StepRow(step, until, state, done, len(members)))
                continue
            note = self.noted.done(step)
            state = "done" if note else "late" if late else "open"
            found.append(
                StepRow(step, until, state, note=note.text if note else "", by=note.by if note else None)
            )
        return found

    def row(self, code: str) -> CityRow:
        """Raises HTTPException 404 for a city that there is not."""
        found = next((one for one in self.rows if one.seat.code == code), None)
        if found is None:
            raise HTTPException(404, _("The network has no city %(code)s.", code=repr(code[:80])))
        return found

    def may_write(self, row: CityRow) -> bool:
        return self.desk.may("action_plan.write", row.seat.scope)

    @property
    def may_collate(self) -> bool:
        return self.desk.may("action_plan.collate")

    def taking(self, seat: Seat) -> Taking:
        """Who takes a file in for a city; they may do it."""
        by = author(self.request, "action_plan.write", seat.scope)
        register = self.desk.records.register
        return Taking(register, frozenset(hosts(self.request)), by, now(), self.desk.day)


def plan_desk(request: Request) -> PlanDesk:
    """Raises HTTPException 404 where this node knows no network."""
    if not hasattr(request.state, "plan_desk"):
        request.state.plan_desk = PlanDesk(request, desk(request))
    found: PlanDesk = request.state.plan_desk
    return found


def renewed(request: Request) -> PlanDesk:
    """Read again, after a change."""
    request.state.plan_desk = PlanDesk(request, desk(request))
    return plan_desk(request)


def plan_address(site: Site, place: Place) -> str:
    """Where the action plan of a place of this node is read, "" if it has none."""
    named = place.facts.get("network")
    code = str(named["city"]) if isinstance(named, Mapping) and named.get("city") else place.id
    return f"{PATH}/{code}" if place.kind == "city" and site.store.record(PLAN, code) else ""


def _configured(read: Callable[[], T]) -> T:
    """Raises HTTPException 500 for a network.yaml that cannot be used."""
    try:
        return read()
    except ConfigError as error:
        raise HTTPException(500, f"{error.path.name}: {error.problem}") from error
