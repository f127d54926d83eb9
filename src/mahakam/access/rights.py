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
from mahakam.access.writing import NAMED, OfType, Writing, own_name, read_writing
from mahakam.config import ConfigError, Place, chain, place_of, read_yaml
from mahakam.quality.classes import CLASSES, OPEN, WHOLE, Classes, Closing, attribute_classes
from mahakam.quality.contract import INTERNAL

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
        return principal is not None and not self._personal_readers.isdisjoint(
            (*principal.everything, own_name(principal))
        )

    def _renew(self) -> None:
        """Take contracts that were added or changed since; what a look costs is a twentieth of the time at most."""
        started = time.monotonic()
        stamp = self._contracts()
        if stamp != self._stamp:
            self._stamp = stamp
            for name in ("classes", "_personal_readers", "_names_somebody"):
                self.__dict__.pop(name, None)
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
        who = (own_name(principal),) if self._names_somebody else ()
        key = (principal.roles, principal.places, principal.agencies, who)
        found = self._sights.get(key)
        if found is None:
            if len(self._sights) >= _MOST_SIGHTS:
                self._sights.clear()
            found = self._sights[key] = Sight(self, principal)
        return found

    @cached_property
    def _personal_readers(self) -> frozenset[str]:
        """Whoever may read something that is personal."""
        lists = [one.readers for one in self._closings if one.kind == PERSONAL and one.readers]
        return self.readers[PERSONAL].union(*lists)

    @cached_property
    def _names_somebody(self) -> bool:
        """Whether a list of readers names accounts or keys, so that the same roles may see different things."""
        return any(reader.startswith(NAMED) for one in self._closings for reader in one.readers or ())

    @property
    def _closings(self) -> list[Closing]:
        return [
            one
            for of_type in self.classes.values()
            for attributes in of_type.values()
            for one in attributes.values()
        ]

    def class_of(self, type: str, attribute: str, place: Place | None) -> str:
        """The class of an attribute of the entities of a type in a place; "" is public.

        The strictest of the place's contracts and of those above; without a place, of all. What closes the entity as
        a whole closes each of its attributes.
        """
        named = {attribute, WHOLE}
        return _stricter(*(one.kind for name in named for _, one in self._said(type, name, place)))

    def readers_of(
        self, type: str, attribute: str, place: Place | None, said: Closing = OPEN
    ) -> frozenset[str] | None:
        """Who reads an attribute (``*``: the entity as a whole) in a place; None: everybody.

        The list of the policy file, where it has one of this attribute. Else whoever is in each list that contracts
        have of it, and reads the strictest class that they give it without a list. ``said``: by a contract that was
        read just now.
        """
        found = [*self._said(type, attribute, place), ("contract", said)]
        own = next((one.readers for where, one in found if not where and one.readers is not None), None)
        if own is not None:
            return own
        parts = [one.readers for _, one in found if one.readers is not None]
        kind = _stricter(*(one.kind for _, one in found if one.readers is None))
        if kind:
            parts.append(self.readers[kind])
        return frozenset.intersection(*parts) if parts else None

    def _said(self, type: str, attribute: str, place: Place | None) -> list[tuple[str, Closing]]:
        """What the policy file ("") and contracts say of an attribute: the id of the place, and how it is closed."""
        of_type = self.classes.get(type)
        if not of_type:
            return []
        wheres = list(of_type) if place is None else ["", *(one.id for one in chain(self.places, place))]
        return [(where, of_type[where][attribute]) for where in wheres if attribute in of_type.get(where, ())]


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
                for name, closing in attributes.items()
                if not self._opens(closing)
            )
            for type, of_type in self._rights.classes.items()
        }
        return {type: names for type, names in closed.items() if names}

    @cached_property
    def types(self) -> frozenset[str]:
        """The types of which entities are hidden as a whole, somewhere."""
        return frozenset(type for type, names in self._closed.items() if WHOLE in names)

    def forget(self) -> None:
        """Contracts have changed: what was worked out of them is worked out anew."""
        self._found.clear()
        for name in ("_closed", "types", "names", "pattern"):
            self.__dict__.pop(name, None)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every attribute that is hidden in some type, somewhere (``*``: whole entities are); none: all is seen."""
        return frozenset().union(*self._closed.values())

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """Finds a member of one of those names, or one of :attr:`types`, in the bytes of stored entities."""
        found = [orjson.dumps(name) + b":" for name in sorted(self.names - {WHOLE})]
        return re.compile(b"|".join(map(re.escape, [*found, *map(orjson.dumps, sorted(self.types))])))

    def hidden(self, head: Mapping[str, Any]) -> frozenset[str]:
        """The attributes that are hidden of the entity with this head (its type and scope); ``*``: all of it is."""
        type, scope = head["type"], head.get("scope") or ""
        if isinstance(type, str) and isinstance(scope, str):
            return self._of(type, scope) if type in self._closed else frozenset()
        types = type if isinstance(type, list) else [type]
        scopes = scope if isinstance(scope, list) else [scope]
        return frozenset().union(*(self._of(t, s) for t in types if t in self._closed for s in scopes))

    def closed(self, type: str, place: Place) -> frozenset[str]:
        """The attributes of a type that are hidden from this principal in a place."""
        return frozenset(name for name in self._closed.get(type, ()) if not self.reads(type, name, place))

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
                if not self._reads(self._rights.readers_of(type, name, place), place)
            )
        return found

    def reads(self, type: str, attribute: str, place: Place | None, said: Closing = OPEN) -> bool:
        """Whether this principal reads an attribute of the entities of a type in a place.

        ``said``: by a contract that was read just now.
        """
        if attribute != WHOLE and not self.reads(type, WHOLE, place):
            return False
        return self._reads(self._rights.readers_of(type, attribute, place, said), place)

    def _opens(self, closing: Closing) -> bool:
        """Whether what is closed so is open to this principal everywhere."""
        if closing.readers is None and not closing.kind:
            return True
        readers = self._rights.readers[closing.kind] if closing.readers is None else closing.readers
        return self._everywhere(readers)

    def _everywhere(self, readers: frozenset[str]) -> bool:
        principal = self._principal
        if principal is None or EVERYWHERE not in principal.places:
            return False
        return not readers.isdisjoint((*principal.roles, own_name(principal)))

    def _reads(self, readers: frozenset[str] | None, place: Place | None) -> bool:
        if readers is None or self._everywhere(readers):
            return True
        principal = self._principal
        if principal is None or place is None:
            return False
        held = principal.roles_in([one.id for one in chain(self._rights.places, place)])
        return bool(held) and not readers.isdisjoint((*held, own_name(principal)))


class Personal(Sight):
    """As nobody sees: all but what is personal, whoever may read it."""

    def _opens(self, closing: Closing) -> bool:
        return closing.kind != PERSONAL

    def reads(self, type: str, attribute: str, place: Place | None, said: Closing = OPEN) -> bool:
        return _stricter(said.kind, self._rights.class_of(type, attribute, place)) != PERSONAL

    def _of(self, type: str, scope: str) -> frozenset[str]:
        place = place_of([scope], self._rights.places)
        return frozenset(name for name in self._closed[type] if not self.reads(type, name, place))


def _stricter(*kinds: str) -> str:
    return next((name for name in reversed(CLASSES) if name in kinds), "")


def _policy(
    folders: Iterable[Path],
) -> tuple[dict[str, frozenset[str]], dict[str, dict[str, Closing]], dict[str, OfType]]:
    shipped = yaml.safe_load(resources.files("mahakam.access").joinpath(FILE).read_text(encoding="utf-8"))
    readers = {kind: frozenset(roles) for kind, roles in shipped["read"].items()}
    types: dict[str, dict[str, Closing]] = {}
    written = read_writing(Path(FILE), shipped.get("write") or {})
    for path in (folder / FILE for folder in folders):
        if not path.is_file():
            continue
        own = read_yaml(path)
        for kind, roles in _mapping(path, own, "read").items():
            if kind not in CLASSES or not isinstance(roles, list):
                raise ConfigError(path, f"read: {kind}: expected {' or '.join(CLASSES)} with a list of roles")
            readers[kind] = _roles(path, f"read.{kind}", roles)
        written |= read_writing(path, _mapping(path, own, "write"))
        for type, attributes in _mapping(path, own, "types").items():
            at = f"types.{type}"
            said = (
                attributes
                if isinstance(attributes, dict) and not _is_closing(attributes)
                else {WHOLE: attributes}
            )
            types.setdefault(str(type), {}).update(
                {str(name): _closing(path, f"{at}.{name}", one) for name, one in said.items()}
            )
    return readers, types, written


def _is_closing(said: Mapping[Any, Any]) -> bool:
    """``{class: personal, read: [steward]}`` and not attributes with how each is closed."""
    return bool(said) and said.keys() <= {"class", "read"} and isinstance(said.get("read"), list)


def _closing(path: Path, at: str, said: Any) -> Closing:
    """A class, a list of who reads it, or both."""
    if isinstance(said, str) and said in CLASSES:
        return Closing(said)
    if isinstance(said, list):
        return Closing(INTERNAL, _roles(path, at, said))
    if isinstance(said, dict) and _is_closing(said) and said.get("class", INTERNAL) in CLASSES:
        return Closing(said.get("class", INTERNAL), _roles(path, f"{at}.read", said["read"]))
    raise ConfigError(
        path,
        f"{at}: expected {' or '.join(CLASSES)}, a list of who reads it, e.g. [steward, officer@health], or both: "
        "{class: personal, read: [steward]}",
    )


def _roles(path: Path, at: str, said: list[Any]) -> frozenset[str]:
    if fault := reader_fault(said):
        raise ConfigError(path, f"{at}: {fault}")
    return frozenset(said)


def reader_fault(said: Iterable[Any]) -> str:
    """Why a list of readers is none; "" if it is."""
    for one in said:
        named = isinstance(one, str) and one.startswith(NAMED) and one.partition(":")[2]
        if not is_role(one, _ROLES) and not named:
            return f"{one!r} is no role; there are {', '.join(_ROLES)}, also officer@AGENCY, key:NAME and account:NAME"
    return ""


def _mapping(path: Path, own: Any, name: str) -> dict[Any, Any]:
    if not isinstance(own, dict) or own.keys() - {"read", "write", "types"}:
        raise ConfigError(path, "expected read:, write: and types:, nothing else")
    found = own.get(name) or {}
    if not isinstance(found, dict):
        raise ConfigError(path, f"{name}: a mapping was expected")
    return found
