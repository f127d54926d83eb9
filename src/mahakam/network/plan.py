"""A city's Smart City Action Plan: what it says, part by part, and what was reported of it, year by year."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from mahakam.network.recommendation import Author, Evidence, Words

FOCUS_AREAS: dict[str, tuple[str, ...]] = {
    "Civic & Social": ("Public & Municipal Services", "Governance", "Tourism", "Culture & Heritage"),
    "Health & Well-Being": ("Healthcare", "Housing & Home", "Education"),
    "Safety & Security": ("Resource Security", "Public Safety", "Cybersecurity"),
    "Quality Environment": ("Clean Environment", "Resources Access & Management", "Urban Resilience"),
    "Built Infrastructure": ("Mobility & Transportation", "Utilities", "Building & Construction"),
    "Industry & Innovation": (
        "Business & Entrepreneurship",
        "Trade & Commerce",
        "Research",
        "Technology Incubation",
    ),
}
"""Focus area → sub-areas, as the network's Framework (2018) and its report of 2025 (Exhibit 1) name them."""
SUPPORT = ("advisory", "technical", "financial", "partners")
"""Kinds of support that the action plan's template asks about."""
UpdateState = Literal["sent", "returned", "collated"]


class Focus(msgspec.Struct, frozen=True, kw_only=True):
    """A focus area that the city chose: sub-areas of it, and why."""

    area: str
    sub_areas: tuple[str, ...] = ()
    why: Words = {}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A strategic target, measurable and with its day (ISO)."""

    text: Words
    due: str = ""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan is for. ``until`` is the year that the vision looks to, 0 for none; an ``example`` is made up."""

    vision: Words = {}
    until: int = 0
    example: bool = False
    focus: tuple[Focus, ...] = ()
    targets: tuple[Target, ...] = ()


class Milestone(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` names it within its project (M1, M2, …) and stays; ``due`` is an ISO date."""

    key: str
    text: Words
    due: str = ""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A priority project. ``begins`` and ``ends`` are ISO dates; ``budget`` and ``running_cost`` (a year) are in
    ``currency`` (ISO 4217), each with who pays; ``register`` is the id of the same project in the network's register.
    """

    key: str = ""
    title: Words
    overview: Words = {}
    area: str = ""
    sub_area: str = ""
    begins: str = ""
    ends: str = ""
    budget: float | None = None
    currency: str = ""
    source: str = ""
    running_cost: float | None = None
    running_source: str = ""
    partners: tuple[str, ...] = ()
    support: tuple[str, ...] = ()
    challenges: Words = {}
    register: str = ""
    milestones: tuple[Milestone, ...] = ()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change: an indicator that a node measures (``place`` and ``indicator``), or one that it does not
    (``name`` and ``unit``), from a baseline to a target. ``project`` is its key, "" for the plan as a whole."""

    place: str = ""
    indicator: str = ""
    name: str = ""
    unit: str = ""
    project: str = ""
    baseline_year: int
    baseline: float
    target_year: int
    target: float


class Text(msgspec.Struct, frozen=True):
    """What a plan says."""

    frame: Frame = Frame()
    projects: tuple[Project, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    def project(self, key: str) -> Project | None:
        return next((one for one in self.projects if one.key == key), None)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a project: ``year`` is the cycle that it is reported for, ``done`` milestone → ISO date ("" takes
    it back), ``spent`` all that was spent so far, in the project's currency."""

    at: str
    by: Author
    year: int
    project: str
    done: dict[str, str] = {}
    spent: float | None = None
    text: str = ""
    challenges: str = ""
    support: str = ""
    next: str = ""
    evidence: tuple[Evidence, ...] = ()


class Update(msgspec.Struct, frozen=True):
    """A step of a year's update: sent to the Secretariat, given back with a reason, or taken in."""

    at: str
    by: Author
    year: int
    state: UpdateState
    text: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """``key`` is the city's code. ``changes`` counts what was written; what stood there before is kept beside it."""

    key: str
    text: Text = Text()
    progress: tuple[Progress, ...] = ()
    updates: tuple[Update, ...] = ()
    changes: int = 0
    changed: str = ""

    def done(self, project: str) -> dict[str, str]:
        """Milestone → the day on which it was reached, as last reported."""
        found: dict[str, str] = {}
        for one in self.progress:
            if one.project == project:
                found |= one.done
        return {key: day for key, day in found.items() if day}

    def spent(self, project: str) -> float | None:
        """All that was spent, as last reported; None where nobody said."""
        said = [one.spent for one in self.progress if one.project == project and one.spent is not None]
        return said[-1] if said else None

    def reported(self, project: str) -> Progress | None:
        """The last report."""
        return next((one for one in reversed(self.progress) if one.project == project), None)

    def update(self, year: int) -> Update | None:
        """The last step of a year's update."""
        return next((one for one in reversed(self.updates) if one.year == year), None)

    def unreported(self, year: int) -> list[str]:
        """Keys of the projects that nothing was reported of for a year's cycle."""
        told = {one.project for one in self.progress if one.year == year}
        return [one.key for one in self.text.projects if one.key not in told]


def mark(part: object) -> str:
    """Sixteen hex digits of a part as it stands: who changes it says which they saw."""
    return hashlib.sha256(msgspec.json.encode(part)).hexdigest()[:16]
