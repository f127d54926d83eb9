"""What a published report says of the network: ``reports:`` of network.yaml, the totals as they are printed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mahakam.config import ConfigError, Place, Text, checked_keys

_KEYS = {"key", "name", "as_of", "source", "projects", "status", "focus_area", "focus_area_share"}
Printed = Mapping[str, int | float]


@dataclass(frozen=True, slots=True)
class Report:
    """``projects`` is the stated total; ``status`` and ``focus_area`` are numbers of projects;
    ``focus_area_share`` per cent, with the decimals that are printed. Empty where nothing is stated.
    """

    key: str
    name: Text
    as_of: dt.date
    source: str
    projects: int | None
    status: Printed
    focus_area: Printed
    focus_area_share: Printed


def reports_of(place: Place) -> tuple[Report, ...]:
    """The newest first. Raises ConfigError for what is no report."""
    path = place.folder / "network.yaml"
    found = place.facts.get("reports") or []
    if not isinstance(found, list):
        raise ConfigError(path, "reports: must be a list")
    reports = [_report(path, f"reports[{index}]", one) for index, one in enumerate(found)]
    return tuple(sorted(reports, key=lambda one: one.as_of, reverse=True))


def _report(path: Any, where: str, found: object) -> Report:
    if not isinstance(found, Mapping):
        raise ConfigError(path, f"{where}: must be a mapping of {', '.join(sorted(_KEYS))}")
    checked_keys(path, where, found, sorted(_KEYS))
    as_of = found.get("as_of")
    if not isinstance(as_of, dt.date):
        raise ConfigError(path, f"{where}: as_of must be a date, yyyy-mm-dd")
    projects = found.get("projects")
    if projects is not None and (not isinstance(projects, int) or isinstance(projects, bool)):
        raise ConfigError(path, f"{where}: projects must be a whole number")
    name = found.get("name") or str(as_of.year)
    return Report(
        str(found.get("key") or as_of.year),
        name if isinstance(name, dict) else {"en": str(name)},
        as_of,
        str(found.get("source") or ""),
        projects,
        _printed(path, f"{where}: status", found.get("status")),
        _printed(path, f"{where}: focus_area", found.get("focus_area")),
        _printed(path, f"{where}: focus_area_share", found.get("focus_area_share")),
    )


def _printed(path: Any, where: str, found: object) -> Printed:
    if found is None:
        return {}
    if not isinstance(found, Mapping) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in found.values()
    ):
        raise ConfigError(path, f"{where}: must be a mapping of names to numbers")
    return {str(name): value for name, value in found.items()}
