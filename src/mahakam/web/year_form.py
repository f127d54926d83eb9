"""The form of a dataset of the list of data: from what was typed to its plan and back, nothing lost on the way."""

from __future__ import annotations

from typing import cast

from starlette.datastructures import FormData

from mahakam.config import LANGUAGES
from mahakam.feeds.standard import ACTIVITY, INDICATOR, MOST, STANDARD, VARIABLE, Statistics, Words
from mahakam.feeds.year.calendar import frequency_of
from mahakam.feeds.year.item import Access, Frequency, Plan
from mahakam.web import gate
from mahakam.web.year_desk import Year

LARGEST, FIELDS = 2 * 1024 * 1024, 2000
ROWS = {"variables": VARIABLE, "indicators": INDICATOR}
_PLAIN = ("producer", "feed", "frequency", "first", "access", "priority", "reason", "seen")


def typed_of(form: FormData) -> dict[str, str]:
    """Every field of ours, as it was typed."""
    return {name: gate.text(form, name).replace("\r\n", "\n") for name in _names()}


def empty() -> dict[str, str]:
    return dict.fromkeys(_names(), "") | {"access": "open"}


def _names() -> list[str]:
    names = [*_PLAIN, *(f"title-{one}" for one in LANGUAGES)]
    names += [f"standard-{one}" for one in STANDARD] + [f"activity-{one}" for one in ACTIVITY]
    return names + [
        f"{part}-{at}-{one}" for part, fields in ROWS.items() for at in range(MOST) for one in fields
    ]


def rows(typed: dict[str, str], part: str, more: bool = False) -> range:
    """The rows to show: up to the last filled in, and an empty one if it was asked for."""
    filled = [at for at in range(MOST) if any(typed[f"{part}-{at}-{name}"].strip() for name in ROWS[part])]
    return range(min(max(filled, default=-1) + 1 + more, MOST))


def closed_up(typed: dict[str, str]) -> dict[str, str]:
    """Without empty rows between, so that faults stand at their rows."""
    found = dict(typed)
    for part, fields in ROWS.items():
        filled = [
            at for at in rows(typed, part) if any(typed[f"{part}-{at}-{name}"].strip() for name in fields)
        ]
        for to in range(MOST):
            for name in fields:
                found[f"{part}-{to}-{name}"] = (
                    typed[f"{part}-{filled[to]}-{name}"] if to < len(filled) else ""
                )
    return found


def plan_of(found: Year, typed: dict[str, str]) -> Plan:
    """What was typed as a plan; a rhythm that was left open is that of the feed's schedule."""
    entry, _known = found.known(typed["feed"])
    frequency = typed["frequency"] or (entry and frequency_of(entry.feed)) or ""
    return Plan(
        title={one: text for one in LANGUAGES if (text := typed[f"title-{one}"].strip())},
        producer=typed["producer"].strip(),
        feed=typed["feed"] if typed["feed"] in found.place.files("feeds") else "",
        frequency=cast("Frequency", frequency),  # proposing judges it, and the access
        first=typed["first"].strip(),
        access=cast("Access", typed["access"]),
        priority=typed["priority"].strip(),
        statistics=Statistics(
            _words(typed, "standard", STANDARD),
            _words(typed, "activity", ACTIVITY),
            tuple(_words(typed, f"variables-{at}", VARIABLE) for at in rows(typed, "variables")),
            tuple(_words(typed, f"indicators-{at}", INDICATOR) for at in rows(typed, "indicators")),
        ),
    )


def filled(plan: Plan) -> dict[str, str]:
    """A plan as its form shows it."""
    found = empty() | {
        "producer": plan.producer, "feed": plan.feed, "frequency": plan.frequency, "first": plan.first,
        "access": plan.access, "priority": plan.priority,
    }  # fmt: skip
    found |= {f"title-{one}": text for one, text in plan.title.items() if one in LANGUAGES}
    found |= {f"standard-{name}": text for name, text in plan.statistics.standard.items()}
    found |= {f"activity-{name}": text for name, text in plan.statistics.activity.items()}
    for part, several in (
        ("variables", plan.statistics.variables),
        ("indicators", plan.statistics.indicators),
    ):
        for at, one in enumerate(several):
            found |= {f"{part}-{at}-{name}": text for name, text in one.items()}
    return found


def _words(typed: dict[str, str], start: str, fields: tuple[str, ...]) -> Words:
    return {name: text for name in fields if (text := typed[f"{start}-{name}"].strip())}
