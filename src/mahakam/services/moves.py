"""Where a request may go now, by the workflow of its service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import cache

from mahakam.config import Place
from mahakam.services.catalogue import catalogue
from mahakam.services.request import Fault, Refused, Request, Step, words_faults
from mahakam.services.workflow import RESIDENT, Transition, Who, Workflow, WorkflowState
from mahakam.services.workflow_file import DEFAULT, SHIPPED, read_workflow


def workflow_of(places: Mapping[str, Place], request: Request) -> Workflow:
    """The workflow of a request's service; that of a report where place or service are no more."""
    return _workflow_of(places, places.get(request.place), request.service)


def start_of(places: Mapping[str, Place], place: Place, code: str) -> WorkflowState:
    """Where a request of a service begins."""
    return _workflow_of(places, place, code).start


def own(state: WorkflowState) -> str:
    """The code of a state as a request keeps it: "" where the status says as much."""
    return "" if state.code == state.status else state.code


def _workflow_of(places: Mapping[str, Place], place: Place | None, code: str) -> Workflow:
    service = catalogue(place, places).get(code) if place else None
    return service.flow if service and service.flow else _default()


def state_of(workflow: Workflow, request: Request | Step) -> WorkflowState:
    """Where a request stands, or stood after a step."""
    return workflow.at(request.workflow_state, request.state)


def ways(workflow: Workflow, request: Request, who: Set[Who]) -> tuple[Transition, ...]:
    """The ways that are open to these people; none for a request that was merged into another one.

    Those that book a slot are not among them: see :func:`bookings`.
    """
    return tuple(way for way in _ways(workflow, request, who) if "book" not in way.does)


def bookings(workflow: Workflow, request: Request, who: Set[Who]) -> tuple[Transition, ...]:
    """The ways that these people take by booking a slot, or moving to another one."""
    return tuple(way for way in _ways(workflow, request, who) if "book" in way.does)


def way_to(workflow: Workflow, request: Request, to: str, who: Set[Who]) -> Transition:
    """The way into a state, named by its own code or by its status. Raises Refused if there is none."""
    offered = ways(workflow, request, who)
    found = [way for way in offered if way.target == to]
    found += [way for way in offered if workflow.states[way.target].status == to]
    if not found:
        raise Refused([Fault("state", "way", {"from": request.state, "to": to[:40]})])
    return found[0]


def resident_way(workflow: Workflow, request: Request, act: str) -> Transition:
    """The resident's way with this code. Raises Refused if there is none now."""
    for way in ways(workflow, request, RESIDENT):
        if way.code == act:
            return way
    raise Refused([Fault("state", "way", {"from": request.state, "to": act[:40]})])


def taken(workflow: Workflow, way: Transition, agency: str, words: str) -> Step:
    """The step of a way that is taken with these words. Raises Refused if words are missing."""
    if found := words_faults("text", words, 3 if "words" in way.needs else 0):
        raise Refused(found)
    target = workflow.states[way.target]
    reason = {} if words else way.message
    return Step(target.status, "", agency, words, reason=reason, workflow_state=target.code)


def statuses(workflow: Workflow, request: Request, open_ways: Sequence[Transition]) -> set[str]:
    """The status of a request and those that it may go to."""
    return {request.state, *(workflow.states[way.target].status for way in open_ways)}


def _ways(workflow: Workflow, request: Request, who: Set[Who]) -> tuple[Transition, ...]:
    if request.merged_into:
        return ()
    past = [state_of(workflow, step).code for step in request.steps]
    return workflow.ways(state_of(workflow, request).code, past, who)


@cache
def _default() -> Workflow:
    return read_workflow(SHIPPED / f"{DEFAULT}.yaml")
