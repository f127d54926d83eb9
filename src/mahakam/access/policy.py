"""Who may do what: one table of roles and actions, deny by default."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mahakam.access.shares import Share

Kind = Literal["person", "key", "open"]
Role = Literal[
    "resident", "officer", "head", "steward", "supervisor", "admin", "reader", "writer", "worker", "monitor",
    "representative", "city_officer", "secretariat", "partner",
]  # fmt: skip

PEOPLE: tuple[Role, ...] = ("resident", "officer", "head", "steward", "supervisor", "admin")
"""Roles of a person's account. A supervisor examines priority data again (Pembina Data: in a city, the statistics
office), and is none of the city's own."""
SCOPES: tuple[Role, ...] = ("reader", "writer", "worker", "monitor")
"""Roles of an API key: what its scopes ``read``, ``write``, ``work`` and ``monitor`` stand for."""
OFFICES: tuple[Role, ...] = ("representative", "city_officer", "secretariat", "partner")
"""Roles of an office in a network of cities: nobody's account has one, it comes and goes with the office's term."""
EVERYWHERE = "*"
OF = "@"
"""Between a role and the agency at which it is held, in a policy file."""

PUBLIC = "public"
POLICY: dict[str, frozenset[str]] = {
    # action: who may; "public" stands for everybody, signed in or not
    "data.read": frozenset({PUBLIC}),
    "request.create": frozenset({PUBLIC}),
    "request.relay": frozenset({"officer", "admin", "writer"}),
    "request.work": frozenset({"officer", "head", "admin", "worker"}),
    "request.decide": frozenset({"head", "admin"}),
    "request.contact": frozenset({"officer", "head", "admin"}),
    "feed.upload": frozenset({"officer", "steward", "admin"}),
    "feed.connect": frozenset({"officer", "steward", "admin"}),
    "feed.run": frozenset({"steward", "admin"}),
    "quarantine.read": frozenset({"steward", "admin"}),
    "quarantine.correct": frozenset({"steward", "admin"}),
    "notification.read": frozenset({"officer", "steward", "admin"}),
    "notification.replay": frozenset({"officer", "steward", "admin"}),
    "plan.propose": frozenset({"officer", "head", "steward", "admin"}),
    "plan.examine": frozenset({"steward", "admin"}),
    "plan.supervise": frozenset({"supervisor"}),
    "data.write": frozenset({"steward", "admin", "writer"}),
    "network.manage": frozenset({"secretariat", "admin"}),
    "network.discuss": frozenset({*OFFICES, "admin"}),
    "recommendation.draft": frozenset({"representative", "city_officer", "secretariat", "admin"}),
    "recommendation.decide": frozenset({"representative"}),
    "recommendation.follow": frozenset({"representative", "city_officer", "secretariat", "admin"}),
    "node.invite": frozenset({"secretariat", "admin"}),
    "share.decide": frozenset({"city_officer", "admin"}),
    "meeting.delegate": frozenset({"representative", "secretariat", "admin"}),
    "action_plan.write": frozenset({"representative", "city_officer", "admin"}),
    "action_plan.collate": frozenset({"secretariat", "admin"}),
    "candidacy.submit": frozenset({"representative", "city_officer"}),
    "cooperation.act": frozenset({"city_officer", "partner"}),
    "solution.adopt": frozenset({"steward", "city_officer", "admin"}),
    "evaluation.read": frozenset(
        {"officer", "head", "steward", "representative", "city_officer", "secretariat", "admin"}
    ),
    "evaluation.write": frozenset({"officer", "head", "steward", "city_officer", "admin"}),
    "evaluation.review": frozenset({"city_officer"}),
    "learning.take": frozenset({"officer", "head", "steward", "city_officer", "admin"}),
    "breach.manage": frozenset({"steward", "admin"}),
    "person.answer": frozenset({"steward", "admin"}),
    "account.manage": frozenset({"admin"}),
    "audit.read": frozenset({"admin"}),
    "node.manage": frozenset({"admin"}),
    "node.watch": frozenset({"admin", "monitor"}),
}
"""The whole policy. An action that is not here is allowed to nobody."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody known: a person signed in, an API key, or anyone on an ``--open`` node.

    ``places`` are ids of places; a role holds in each of them and in every place below; ``*`` is everywhere.
    ``agencies`` are those that they work for, ``place/code`` (``services.routing``): the agency of that place, and no
    other of the same code. ``share``: of a hub, which sees what is shared with it and nothing else.
    """

    name: str
    roles: tuple[str, ...]
    places: tuple[str, ...]
    kind: Kind = "person"
    agencies: tuple[str, ...] = ()
    share: Share | None = None

    @property
    def everything(self) -> frozenset[str]:
        """All that they are, wherever: roles, and ``role@code`` for each agency."""
        return self._with([agency.partition("/")[2] for agency in self.agencies])

    def roles_in(self, path: Collection[str]) -> frozenset[str]:
        """What they are in a place: roles, and ``role@code`` for each agency of it or of a place above.

        ``path``: the ids of the place and of those above it; nothing: the node as a whole.
        """
        if EVERYWHERE not in self.places and set(path).isdisjoint(set(self.places) - {""}):
            return frozenset()
        return self._with(self.agencies_in(path))

    def agencies_in(self, path: Collection[str]) -> list[str]:
        """Codes of the agencies that they work for in a place, or in one above it; ``path`` as :meth:`roles_in`."""
        pairs = (agency.partition("/") for agency in self.agencies)
        return [code for place, _, code in pairs if place in path]

    def _with(self, codes: Collection[str]) -> frozenset[str]:
        return frozenset((*self.roles, *(f"{role}{OF}{code}" for role in self.roles for code in codes)))


def is_role(text: object, roles: Collection[str]) -> bool:
    """Whether a policy file may name it: one of these roles, or one at an agency, ``officer@public-works``."""
    if not isinstance(text, str):
        return False
    role, of, code = text.partition(OF)
    return role in roles and bool(code) == bool(of)


def allow(principal: Principal | None, action: str, place: str = "") -> bool:
    """Whether the principal (None: a stranger) may do the action in a place.

    ``place`` is the place's scope (``/kaltim/samarinda``, so that a role in the province holds in its city)
    or its id; "" is the node as a whole, where only a role that holds everywhere counts.
    """
    roles = POLICY.get(action)
    if roles is None:
        return False
    if PUBLIC in roles:
        return True
    if principal is None or roles.isdisjoint(principal.roles):
        return False
    if EVERYWHERE in principal.places:
        return True
    return not set(place.strip("/").split("/")).isdisjoint(set(principal.places) - {""})


def allow_somewhere(principal: Principal | None, action: str) -> bool:
    """Whether there is any place at all where the principal may do the action (to show a link or not)."""
    roles = POLICY.get(action, frozenset())
    if PUBLIC in roles:
        return True
    return principal is not None and bool(principal.places) and not roles.isdisjoint(principal.roles)
