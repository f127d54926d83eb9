"""What officers have at hand: answer templates in several languages and checklists, ``workbench.yaml`` of a place."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from mahakam.config import ConfigError, Place, Text, as_text, chain, read_yaml
from mahakam.services.request import Request
from mahakam.services.states import STATES

FILE = "workbench.yaml"
PLACEHOLDERS = ("number", "service", "address", "agency")
"""What a template's text may name in braces: ``{number}``."""
_TEMPLATE = ("name", "text", "states", "services")


@dataclass(frozen=True, slots=True)
class Template:
    """Words for an answer; ``states`` and ``services`` say where it is offered, () everywhere."""

    name: Text
    text: Text
    states: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workbench:
    """``checklists``: service → what is to be looked at before it is settled."""

    templates: tuple[Template, ...] = ()
    checklists: Mapping[str, tuple[Text, ...]] | None = None

    def templates_for(self, request: Request, statuses: Set[str]) -> list[Template]:
        """The templates for a request: of its status and those that it may go to from here."""
        return [
            one
            for one in self.templates
            if (not one.services or request.service in one.services)
            and (not one.states or statuses & set(one.states))
        ]

    def checklist(self, service: str) -> tuple[Text, ...]:
        return (self.checklists or {}).get(service, ())


def workbench_of(place: Place, places: Mapping[str, Place]) -> Workbench:
    """The nearest ``workbench.yaml`` of a place and those above; an empty one if there is none. Raises ConfigError."""
    for each in chain(places, place):
        path = each.folder / FILE
        if path.is_file():
            return _read_again(path, path.stat().st_mtime_ns)
    return Workbench()


def filled(template: Text, language: str, values: Mapping[str, str]) -> str:
    """A template's words in a language with the request's values."""
    text = template.get(language) or next(iter(template.values()), "")
    for name in PLACEHOLDERS:
        text = text.replace(f"{{{name}}}", values.get(name, ""))
    return text


def read_workbench(path: Path) -> Workbench:
    """Raises ConfigError naming the part that is missing, unknown or wrong."""
    raw = read_yaml(path)
    if unknown := sorted(set(raw) - {"templates", "checklists"}):
        raise ConfigError(path, f"unknown {unknown[0]!r}; it has templates and checklists")
    templates = raw.get("templates") or []
    if not isinstance(templates, list):
        raise ConfigError(path, "templates is a list, e.g. templates: [{name: Done, text: It is done.}]")
    lists = raw.get("checklists") or {}
    if not isinstance(lists, Mapping) or not all(isinstance(points, list) for points in lists.values()):
        raise ConfigError(
            path, "checklists has a list for each service, e.g. checklists: {pothole: [Photo taken]}"
        )
    return Workbench(
        tuple(_template(path, number, one) for number, one in enumerate(templates, 1)),
        {str(code): tuple(as_text(point) for point in points) for code, points in lists.items()},
    )


@functools.lru_cache(64)
def _read_again(path: Path, _changed: int) -> Workbench:
    return read_workbench(path)


def _template(path: Path, number: int, raw: object) -> Template:
    at = f"templates, number {number}"
    if not isinstance(raw, Mapping) or not raw.get("name") or not raw.get("text"):
        raise ConfigError(path, f"{at} needs name and text")
    if unknown := sorted(str(key) for key in raw if key not in _TEMPLATE):
        raise ConfigError(path, f"{at}: unknown {unknown[0]!r}; it has {', '.join(_TEMPLATE)}")
    states = tuple(map(str, raw.get("states") or ()))
    if wrong := [state for state in states if state not in STATES]:
        raise ConfigError(path, f"{at}: {wrong[0]!r} is no state; there are {', '.join(STATES)}")
    return Template(
        as_text(raw["name"]), as_text(raw["text"]), states, tuple(map(str, raw.get("services") or ()))
    )
