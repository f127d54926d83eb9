"""Who may read which attribute: the policy file, the classes that contracts give, and what a principal sees."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import yaml

from mahakam.access.policy import EVERYWHERE, OFFICES, PEOPLE, SCOPES, Principal, is_role
from mahakam.access.writing import OfType, Writing, read_writing
from mahakam.config import ConfigError, Place, chain, place_of, read_yaml
from mahakam.quality.classes import CLASSES, Classes, attribute_classes

FILE = "rights.yaml"
PERSONAL = "personal"
_ROLES = (*PEOPLE, *SCOPES, *OFFICES)
_MOST_SIGHTS = 1000
LOOK = 1.0
"""Seconds after which contracts are looked at again."""


class Rights:
    """What may be read on a node. Contracts are read when it is first asked for."""

    def __init__(self, places: Mapping[str, Place], folders: Iterable[Path] = ()) -> None:
        """Raises ConfigError for a policy file that cannot be used."""
        self.places = places
        self.readers, self._types, written = _policy(folders)
        self.writing = Writing(written) if written else None
        """Who may write entities of the types that the policy names; None: it names none."""
        self._open = Sight(self, None)
        self._personal = Personal(self, None)
        self._look, self._stamp = 0.0, self._contracts()
        self._sights: dict[tuple[tuple[str, ...], ...], Sight] = {}

    @property
    def open(self) -> Sight:
        """What everybody sees."""
        if time.monotonic() >= self._look:
            self._renew()
        return self._open

    @property
    def personal(self) -> Sight:
        """Hides what contracts call personal, and nothing else: what it would hide is what is audited when read."""
        if time.monotonic() >= self._look:
            self._renew()
        return self._personal

    def reads_personal(self, principal: Principal | None) -> bool:
        """Whether there is a place where this principal would read what is personal."""
        return principal is not None and not self.readers[PERSONAL].isdisjoint(principal.everything)

    def _renew(self) -> None:
        """Take contracts that were added or changed since; what a look costs is a twentieth of the time at most."""
        started = time.monotonic()
        stamp = self._contracts()
        if stamp != self._stamp:
            self._stamp = stamp
            self.__dict__.pop("classes", None)
            for sight in (self._open, self._personal, *self._sights.values()):
                sight.forget()
        now = time.monotonic()
        self._look = now + max(LOOK, 20 * (now - started))

    def _contracts(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for place in self.places.values():
            for path in place.files("contracts").values():
                stat = path.stat()
                found[path] = stat.st_mtime_ns, stat.st_size
        return found

    @cached_property
    def classes(self) -> Classes:
        """Entity type → place ("": wherever) → attribute → class, of what is not public."""
        classes = attribute_classes(self.places)
        for type, attributes in self._types.items():
            classes.setdefault(type, {})[""] = dict(attributes)
        return classes

    def sight(self, principal: Principal | None) -> Sight:
        """What a principal sees; None is a stranger."""
        everybody = self.open
        if principal is None:
            return everybody
        key = (principal.roles, principal.places, principal.agencies)
        found = self._sights.get(key)
        if found is None:
            if len(self._sights) >= _MOST_SIGHTS:
                self._sights.clear()
            found = self._sights[key] = Sight(self, principal)
        return found

    def class_of(self, type: str, attribute: str, place: Place | None) -> str:
        """The class of an attribute of the entities of a type in a place; "" is public.

        The strictest of the place's contracts and of those above; without a place, of all.
        """
        of_type = self.classes.get(type)
        if not of_type:
            return ""
        wheres = of_type if place is None else ("", *(one.id for one in chain(self.places, place)))
        return _stricter(
            *(of_type[where][attribute] for where in wheres if attribute in of_type.get(where, ()))
        )


class Sight:
    """What one principal sees of entities (``broker.sight`` enforces it)."""

    def __init__(self, rights: Rights, principal: Principal | None) -> None:
        self._rights = rights
        self._principal = principal
        self._found: dict[tuple[str, str], frozenset[str]] = {}

    @cached_property
    def _closed(self) -> dict[str, frozenset[str]]:
        """Entity type → attributes that are hidden from this principal somewhere."""
        closed = {
            type: frozenset(
                name
                for attributes in of_type.values()
                for name, kind in attributes.items()
                if not self._everywhere(kind)
            )
            for type, of_type in self._rights.classes.items()
        }
        return {type: names for type, names in closed.items() if names}

    def forget(self) -> None:
        """Contracts have changed: what was worked out of them is worked out anew."""
        self._found.clear()
        for name in ("_closed", "names", "pattern"):
            self.__dict__.pop(name, None)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every attribute that is hidden in some type, somewhere; none: all is seen."""
        return frozenset().union(*self._closed.values())

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """Finds a member of one of those names in the bytes of stored entities."""
        return re.compile(b"|".join(re.escape(orjson.dumps(name) + b":") for name in sorted(self.names)))

    def hidden(self, head: Mapping[str, Any]) -> frozenset[str]:
        """The attributes that are hidden of the entity with this head (its type and scope)."""
        type, scope = head["type"], head.get("scope") or ""
        if isinstance(type, str) and isinstance(scope, str):
            return self._of(type, scope) if type in self._closed else frozenset()
        types = type if isinstance(type, list) else [type]
        scopes = scope if isinstance(scope, list) else [scope]
        return frozenset().union(*(self._of(t, s) for t in types if t in self._closed for s in scopes))

    def closed(self, type: str, place: Place) -> frozenset[str]:
        """The attributes of a type that are hidden from this principal in a place."""
        return frozenset(
            name
            for name in self._closed.get(type, ())
            if not self.may(self._rights.class_of(type, name, place), place)
        )

    def class_of(self, type: str, attribute: str, place: Place | None, said: str = "") -> str:
        """As :meth:`Rights.class_of`, or ``said``, by a contract that was read just now, where that is stricter."""
        return _stricter(said, self._rights.class_of(type, attribute, place))

    def _of(self, type: str, scope: str) -> frozenset[str]:
        found = self._found.get((type, scope))
        if found is None:
            if len(self._found) >= _MOST_SIGHTS:
                self._found.clear()
            place = place_of([scope], self._rights.places)
            found = self._found[type, scope] = frozenset(
                name
                for name in self._closed[type]
                if not self.may(self._rights.class_of(type, name, place), place)
            )
        return found

    def _everywhere(self, kind: str) -> bool:
        principal = self._principal
        if principal is None or EVERYWHERE not in principal.places:
            return False
        return not self._rights.readers[kind].isdisjoint(principal.roles)

    def may(self, kind: str, place: Place | None) -> bool:
        """Whether this principal reads attributes of a class ("": public) in a place."""
        if not kind or self._everywhere(kind):
            return True
        principal = self._principal
        if principal is None or place is None:
            return False
        path = [one.id for one in chain(self._rights.places, place)]
        return not self._rights.readers[kind].isdisjoint(principal.roles_in(path))


class Personal(Sight):
    """As nobody sees: all but what is personal."""

    def _everywhere(self, kind: str) -> bool:
        return kind != PERSONAL

    def may(self, kind: str, place: Place | None) -> bool:  # noqa: ARG002
        return kind != PERSONAL


def _stricter(*kinds: str) -> str:
    return next((name for name in reversed(CLASSES) if name in kinds), "")


def _policy(
    folders: Iterable[Path],
) -> tuple[dict[str, frozenset[str]], dict[str, dict[str, str]], dict[str, OfType]]:
    shipped = yaml.safe_load(resources.files("mahakam.access").joinpath(FILE).read_text(encoding="utf-8"))
    readers = {kind: frozenset(roles) for kind, roles in shipped["read"].items()}
    types: dict[str, dict[str, str]] = {}
    written = read_writing(Path(FILE), shipped.get("write") or {})
    for path in (folder / FILE for folder in folders):
        if not path.is_file():
            continue
        own = read_yaml(path)
        for kind, roles in _mapping(path, own, "read").items():
            if kind not in CLASSES or not isinstance(roles, list):
                raise ConfigError(path, f"read: {kind}: expected {' or '.join(CLASSES)} with a list of roles")
            for role in roles:
                if not is_role(role, _ROLES):
                    raise ConfigError(
                        path,
                        f"read.{kind}: {role!r} is no role; there are {', '.join(_ROLES)}, also officer@AGENCY",
                    )
            readers[kind] = frozenset(roles)
        written |= read_writing(path, _mapping(path, own, "write"))
        for type, attributes in _mapping(path, own, "types").items():
            if not isinstance(attributes, dict) or not all(
                isinstance(kind, str) and kind in CLASSES for kind in attributes.values()
            ):
                raise ConfigError(path, f"types.{type}: expected attribute: {' or '.join(CLASSES)}")
            types.setdefault(str(type), {}).update({str(name): kind for name, kind in attributes.items()})
    return readers, types, written


def _mapping(path: Path, own: Any, name: str) -> dict[Any, Any]:
    if not isinstance(own, dict) or own.keys() - {"read", "write", "types"}:
        raise ConfigError(path, "expected read:, write: and types:, nothing else")
    found = own.get(name) or {}
    if not isinstance(found, dict):
        raise ConfigError(path, f"{name}: a mapping was expected")
    return found
