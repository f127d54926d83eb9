"""What people report, where, when and in which words, and what of the city's promises was kept."""

from __future__ import annotations

import datetime as dt
import functools
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.services.area import Point
from mahakam.services.request import Request, settled_at
from mahakam.services.suppression import hidden_counts

MOST = 100_000
"""Reports that are looked at; of more, the oldest of the period."""
MOST_WORDS = 200
FEWEST_WORDS = 3
"""A word of fewer reports is not shown: it may point at a person."""
_STOP = Path(__file__).with_name("stopwords.txt")
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(slots=True)
class Figures:
    """Counts of some reports. ``again``: opened again and not settled since; ``days``: from report to the city's
    answer, of those that have one (calendar days)."""

    reports: int = 0
    open: int = 0
    late: int = 0
    promised: int = 0
    kept: int = 0
    reopened: int = 0
    again: int = 0
    days: list[float] = field(default_factory=list)

    @property
    def settled(self) -> int:
        return len(self.days)

    @property
    def median_days(self) -> float | None:
        return round(statistics.median(self.days), 1) if self.days else None

    @property
    def kept_share(self) -> float | None:
        """Of what was promised for a day that has come: the share that was settled by then."""
        return self.kept / self.promised if self.promised else None

    @property
    def reopened_share(self) -> float | None:
        """Of those that were answered at least once."""
        answered = self.settled + self.again
        return self.reopened / answered if answered else None

    def count(self, request: Request, now: dt.datetime) -> None:
        """Add one report, as it stands at a moment."""
        asked, answered = _moment(request.requested), _settled(request)
        due = _moment(request.expected)
        self.reports += 1
        self.open += request.open
        reopened = any(step.state == "reopened" for step in request.steps)
        self.reopened += reopened
        self.again += reopened and request.open
        if asked and answered:
            self.days.append(max((answered - asked) / dt.timedelta(days=1), 0.0))
        if due and (answered or due <= now):
            self.promised += 1
            self.kept += answered is not None and answered <= due
            self.late += answered is None


@dataclass(slots=True)
class Insight:
    """Everything about the reports of a period. ``months``: ``2026-11`` → reports and figures; ``hours``: weekday
    (Monday 0) and hour in the place's time → reports; ``words``: word and the reports that say it; ``points``: where
    they are, ``usual``: where reports of every kind are; ``left_out``: there were more than were looked at.
    ``personal``: the services whose reports are a person's own matter; ``own``: the agencies that have no others;
    ``guarded``: all that was counted is such a service's, and by the hour nothing was counted."""

    whole: Figures = field(default_factory=Figures)
    services: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    agencies: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    months: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)
    words: list[tuple[str, int]] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    usual: list[Point] = field(default_factory=list)
    left_out: bool = False
    personal: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    guarded: bool = False

    def hidden_services(self, fewest: int) -> frozenset[str]:
        return self._hidden(self.services, self.personal, fewest)

    def hidden_agencies(self, fewest: int) -> frozenset[str]:
        return self._hidden(self.agencies, self.own, fewest)

    def hidden_months(self, fewest: int) -> frozenset[str]:
        return self._hidden(self.months, frozenset(self.months) if self.guarded else frozenset(), fewest)

    def hides_whole(self, fewest: int) -> bool:
        return self.guarded and 0 < self.whole.reports < fewest

    @staticmethod
    def _hidden(figures: Mapping[str, Figures], of: frozenset[str], fewest: int) -> frozenset[str]:
        """Those of personal reports alone that are too few to be shown, or would give such away."""
        return hidden_counts({name: one.reports for name, one in figures.items() if name in of}, fewest)


def look(
    requests: Iterable[Request],
    timezone: str,
    now: dt.datetime,
    service: str = "",
    personal: frozenset[str] = frozenset(),
) -> Insight:
    """Count the reports of a service ("": of all), at most :data:`MOST` of those that are given.

    ``personal``: services whose words and exact places are not public, so that these say nothing.
    """
    zone = ZoneInfo(timezone)
    found = Insight(personal=personal, guarded=service in personal)
    mixed = set[str]()
    said: Counter[str] = Counter()
    for index, request in enumerate(requests):
        if index == MOST:
            found.left_out = True
            break
        if request.service not in personal and request.point:
            found.usual.append(request.point)
        if service and request.service != service:
            continue
        for figures in (
            found.whole,
            found.services[request.service],
            found.agencies[request.agency],
        ):
            figures.count(request, now)
        if at := _moment(request.requested):
            local = at.astimezone(zone)
            found.months[f"{local:%Y-%m}"].count(request, now)
            if not found.guarded:
                found.hours[local.weekday(), local.hour] += 1
        if request.service not in personal:
            mixed.add(request.agency)
            said.update(words_of(request.description))
            if request.point:
                found.points.append(request.point)
    found.own = frozenset(found.agencies) - mixed
    ordered = sorted(said.items(), key=lambda pair: (-pair[1], pair[0]))
    found.words = [(word, count) for word, count in ordered[:MOST_WORDS] if count >= FEWEST_WORDS]
    return found


def words_of(text: str) -> set[str]:
    """The words of a text that say something, each once."""
    return {word for word in _WORD.findall(text.casefold()) if word not in _stopwords()}


def population(place: Place) -> float | None:
    """The people of a place, from the fact that is named ``people`` in its file."""
    for fact in place.facts.get("facts") or []:
        name = fact.get("name") if isinstance(fact, dict) else None
        if (
            isinstance(name, dict)
            and name.get("en") == "people"
            and isinstance(fact.get("value"), int | float)
        ):
            return float(fact["value"])
    return None


@functools.cache
def _stopwords() -> frozenset[str]:
    lines = _STOP.read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def _settled(request: Request) -> dt.datetime | None:
    """When the city had answered it for the last time; None while it is open."""
    return None if request.open else _moment(settled_at(request.state, request.steps) or request.updated)


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
