"""A workflow: the states that a request of some service goes through, and who may bring it from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal, get_args

from mahakam.config import Text
from mahakam.services.states import OPEN, State

Who = Literal["resident", "officer", "head", "approval"]
"""``head``: whoever may decide for the agency; ``approval``: nobody by hand, the approvals of a letter do it."""
Need = Literal["words", "documents", "payment", "appointment"]
Deed = Literal["letter", "book"]
WHO: tuple[Who, ...] = get_args(Who)
NEEDS: tuple[Need, ...] = get_args(Need)
DEEDS: tuple[Deed, ...] = get_args(Deed)
OFFICER: frozenset[Who] = frozenset({"officer"})
HEAD: frozenset[Who] = frozenset({"officer", "head"})
RESIDENT: frozenset[Who] = frozenset({"resident"})
APPROVAL: frozenset[Who] = frozenset({"approval"})


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """``status`` is what it means to everybody else; ``name`` is empty where the site's word for the status will do."""

    code: str
    status: State
    name: Text = field(default_factory=dict)

    @property
    def open(self) -> bool:
        return self.status in OPEN


@dataclass(frozen=True, slots=True)
class Transition:
    """A way into a state. ``needs``: what must be there first; ``does``: what happens with it; ``message`` is said to
    the resident where nobody writes words; ``once``: not when the request has been in its target before."""

    code: str
    sources: tuple[str, ...]
    target: str
    by: frozenset[Who]
    name: Text = field(default_factory=dict)
    needs: tuple[Need, ...] = ()
    does: tuple[Deed, ...] = ()
    message: Text = field(default_factory=dict)
    once: bool = False


@dataclass(frozen=True)
class Workflow:
    """``states`` by code, the first one is where a request begins; ``transitions`` are offered in their order."""

    code: str
    name: Text
    states: Mapping[str, WorkflowState]
    transitions: tuple[Transition, ...]

    @property
    def start(self) -> WorkflowState:
        return next(iter(self.states.values()))

    def at(self, code: str, status: str) -> WorkflowState:
        """Where a request with this state and status stands.

        The status is what counts: an agency's own system sets it alone, and the workflow of a service may have changed
        since. Where both do not agree, it is the first state with that status, or at least one as open or settled.
        """
        for known in (self.states.get(code), self.states.get(status)):
            if known is not None and known.status == status:
                return known
        alike = [state for state in self.states.values() if state.status == status]
        rest = [state for state in self.states.values() if state.open == (status in OPEN)]
        return (alike or rest)[0]

    def ways(self, here: str, past: Iterable[str], who: Set[Who]) -> tuple[Transition, ...]:
        """The ways from a state for these people; ``past`` are the states that it has been in."""
        been = set(past)
        return tuple(
            way
            for way in self.transitions
            if here in way.sources and way.by & who and not (way.once and way.target in been)
        )
