"""Who may write what: the ``write`` part of ``rights.yaml``, by entity type, verb and attribute; deny by default."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mahakam.access.policy import OFFICES, PEOPLE, PUBLIC, SCOPES, Principal, is_role
from mahakam.config import ConfigError
from mahakam.store.acting import acting

VERBS = ("create", "change", "delete")
_ROLES = (*PEOPLE, *SCOPES, *OFFICES, PUBLIC)
NAMED = ("key:", "account:")
"""How a policy file begins the name of one key or account."""
_NOBODY: frozenset[str] = frozenset()
Who = Mapping[str, frozenset[str]]
"""Verb → roles, ``key:NAME``, ``account:NAME``, or ``public``; a verb that is not there is nobody's."""


@dataclass(frozen=True, slots=True)
class OfType:
    """Of a type that the policy names: who does what to entities, and to attributes that have lines of their own."""

    entity: Who
    attributes: Mapping[str, Who] = field(default_factory=dict)

    def who(self, attribute: str, verb: str) -> frozenset[str]:
        return self.attributes.get(attribute, self.entity).get(verb, _NOBODY)


class Writing:
    """The types that a policy names (``broker.pen`` enforces it)."""

    def __init__(self, types: Mapping[str, OfType]) -> None:
        self.types = types

    def current(self) -> Pen | None:
        """The pen of whoever acts in this task; the node itself and its commands write without one, and so
        does what a hub takes in of another node, which has rules of its own (``mahakam.nodes.intake``), and what is
        done for a person's right (``store.acting.by_right``)."""
        who = acting()
        if who is None or who.by_right or who.kind in ("command", "open", "node"):
            return None
        return Pen(self.types, who.who, strict=who.strict)

    def take(self, principal: Principal) -> bool:
        """Whether the policy names this principal anywhere; then, in this task, it writes what is named and no more."""
        listed = not self._everybody.isdisjoint((PUBLIC, own_name(principal), *principal.everything))
        who = acting()
        if listed and who is not None:
            who.strict = True
        return listed and who is not None

    @cached_property
    def _everybody(self) -> frozenset[str]:
        return all_of(
            allowed
            for of_type in self.types.values()
            for who in (of_type.entity, *of_type.attributes.values())
            for allowed in who.values()
        )


class Pen:
    """What one principal (None: a stranger) may write. ``strict``: of types that are not named, nothing."""

    __slots__ = ("_principal", "_strict", "_types", "name")

    def __init__(
        self, types: Mapping[str, OfType], principal: Principal | None, *, strict: bool = False
    ) -> None:
        self._types = types
        self._strict = strict
        self._principal = principal
        self.name = principal.name if principal else ""

    def named(self, type: str) -> bool:
        return self._strict or type in self._types

    def may(self, type: str, attribute: str, verb: str, scopes: Sequence[str]) -> bool:
        """A role counts where it holds: in every place that the entity's scopes name."""
        found = self._types.get(type)
        if found is None:
            return not self._strict
        who, principal = found.who(attribute, verb), self._principal
        if PUBLIC in who:
            return True
        if principal is None:
            return False
        return all(self._in(who, principal, scope.strip("/").split("/")) for scope in scopes or [""])

    @staticmethod
    def _in(who: frozenset[str], principal: Principal, path: Sequence[str]) -> bool:
        found = principal.roles_in(path)
        return bool(found) and (own_name(principal) in who or not who.isdisjoint(found))


def own_name(principal: Principal) -> str:
    """As a policy file names this one: ``key:NAME`` or ``account:NAME``."""
    return f"{'key' if principal.kind == 'key' else 'account'}:{principal.name}"


def read_writing(path: Path, said: Mapping[Any, Any]) -> dict[str, OfType]:
    """The ``write`` part of a policy file. Raises ConfigError."""
    return {str(type): _of_type(path, f"write.{type}", rules) for type, rules in said.items()}


def _of_type(path: Path, at: str, said: Any) -> OfType:
    """Verbs with who does them, or a list: all verbs."""
    if isinstance(said, Mapping) and isinstance(said.get("attributes", {}), Mapping):
        entity = _who(path, at, {verb: who for verb, who in said.items() if verb != "attributes"})
        attributes = {
            str(name): _who(path, f"{at}.attributes.{name}", who)
            for name, who in (said.get("attributes") or {}).items()
        }
        return OfType(entity, attributes)
    return OfType(_who(path, at, said))


def _who(path: Path, at: str, said: Any) -> Who:
    if isinstance(said, list):
        return dict.fromkeys(VERBS, _checked(path, at, said))
    if not isinstance(said, Mapping) or said.keys() - {*VERBS}:
        raise ConfigError(
            path, f"{at}: {', '.join(VERBS)} with lists of roles were expected, or one list for all three"
        )
    return {str(verb): _checked(path, f"{at}.{verb}", who) for verb, who in said.items()}


def _checked(path: Path, at: str, said: Any) -> frozenset[str]:
    if not isinstance(said, list):
        raise ConfigError(path, f"{at}: a list of roles was expected, e.g. [steward]; [] is nobody")
    for one in said:
        if not is_role(one, _ROLES) and not (
            isinstance(one, str) and one.startswith(NAMED) and one.partition(":")[2]
        ):
            raise ConfigError(
                path,
                f"{at}: {one!r} is no role; there are {', '.join(_ROLES)}, also officer@AGENCY, "
                "key:NAME and account:NAME",
            )
    return frozenset(said)


def all_of(who: Iterable[frozenset[str]]) -> frozenset[str]:
    """Everybody who is in one of these."""
    return frozenset().union(*who)
