"""A request's status set by a plain NGSI-LD write does not go round what the workflow of its service needs.

Where a workflow needs documents, a payment, an appointment or approvals, a write may only take a way that the workflow
has, and only when what it needs is there. Where it needs none of them an agency's own system sets any status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mahakam.config import Place, place_of
from mahakam.ngsild.entity import Document, scopes_of
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.quality.finding import Finding
from mahakam.services.moves import state_of, workflow_of
from mahakam.services.needs import service_of, unmet
from mahakam.services.request import TYPE, Fault, Request, from_document
from mahakam.services.workflow import APPROVAL, Transition, Workflow
from mahakam.store.protocol import Transaction

RULE = "workflow"
_RULED = ("status", "workflowState", "serviceCode")


class RequestTransitions:
    """The rules of requests, for the broker. ``places`` is asked at each write: they are read when first needed."""

    def __init__(self, places: Callable[[], Mapping[str, Place]]) -> None:
        self._places = places

    def check(self, transaction: Transaction, before: Document, after: Document, /) -> None:
        """Raises Problem BadRequestData that says what is missing, or which ways there are."""
        type = before["type"]
        if TYPE not in (type if isinstance(type, list) else (type,)) or not _moved(before, after):
            return
        places = self._places()
        old, new = (_request(one, places) for one in (before, after))
        workflow = workflow_of(places, old)
        service = service_of(places, old)
        letter = service is not None and service.product is not None
        if not any(_guarded(way, letter) for way in workflow.transitions):
            return
        if (old.service, old.place) != (new.service, new.place):
            raise _refused(
                new, "serviceCode", f"serviceCode {old.service} in {old.place}; split it in the queue instead"
            )
        here, there = state_of(workflow, old).code, state_of(workflow, new).code
        if here == there:
            return
        ways = [way for way in workflow.transitions if here in way.sources]
        found = [way for way in ways if way.target == there]
        missing = [self._missing(places, transaction, old, way) for way in found]
        if not found or all(missing):
            expected = missing[0] if found else _offered(workflow, here, ways)
            raise _refused(new, "status", f"{expected}, to go from {here} to {there}")

    def _missing(
        self, places: Mapping[str, Place], transaction: Transaction, request: Request, way: Transition
    ) -> str:
        """What a way still needs; "" if nothing is missing."""
        said = [_words(fault) for fault in unmet(places, transaction, request, way)]
        if "book" in way.does:
            said.append("an appointment booked on the request's page")
        if way.by == APPROVAL:
            said.append("the approvals of its letter, given in the queue")
        if way.by == {"head"}:
            said.append("the decision of the agency's head, taken in the queue")
        return "; ".join(said)


def _guarded(way: Transition, letter: bool) -> bool:
    """Whether a way asks for more than words; ``letter``: the service has one, which a report's workflow may issue."""
    asks = set(way.needs) - {"words"} or "book" in way.does or way.by == {"head"}
    return bool(asks) or (letter and "letter" in way.does)


def _offered(workflow: Workflow, here: str, ways: list[Transition]) -> str:
    states = dict.fromkeys(way.target for way in ways)
    said = ", ".join(f"{code} (status {workflow.states[code].status})" for code in states)
    return f"a way of the workflow {workflow.code} from {here}: " + (said or "there is none")


def _words(fault: Fault) -> str:
    match fault.rule:
        case "lacking" | "unaccepted":
            names = ", ".join(
                name.get("en") or next(iter(name.values())) for name in fault.values["documents"]
            )
            return f"documents {'accepted' if fault.rule == 'unaccepted' else 'sent'}: {names}"
        case "payment":
            return "a payment recorded in the queue"
        case _:
            return "an appointment booked on the request's page"


def _refused(request: Request, field: str, expected: str) -> Problem:
    found = {"status": request.workflow_state or request.state, "serviceCode": request.service}[field]
    return bad_request(
        "The workflow of the service does not allow this change yet",
        f"{request.number} needs {expected}",
        reasons=[Finding(0, field, RULE, found, expected).as_dict()],
    )


def _moved(before: Document, after: Document) -> bool:
    return any(_value(before, name) != _value(after, name) for name in _RULED)


def _value(document: Document, name: str) -> object:
    attribute = document.get(name)
    return attribute.get("value") if isinstance(attribute, Mapping) else attribute


def _request(document: Document, places: Mapping[str, Place]) -> Request:
    place = place_of(scopes_of(document), places)
    return from_document(document, place.id if place else "")
