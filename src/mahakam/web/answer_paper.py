"""The answer to a request as a letter (PDF by typst): for whoever wants it on paper, or left no address to write to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mahakam.config import Place
from mahakam.services.moves import ways
from mahakam.services.personal import matter_of
from mahakam.services.request import Request, Step, settled_at
from mahakam.services.workflow import RESIDENT
from mahakam.web.codes import qr
from mahakam.web.language import _, date, reader, words
from mahakam.web.questions import said
from mahakam.web.request_desk import desk_of
from mahakam.web.request_words import service_name, state_words, step_words
from mahakam.web.site import Site
from mahakam.web.typeset import typeset


def answer_paper(site: Site, place: Place, found: Request) -> bytes:
    """The letter on A4 in the reader's language, tagged for screen readers, for a request that is settled.

    It says what only the resident and those who work on it may read: its name, and a personal matter's words.
    """
    return typeset("answer.typ", _data(site, place, found))


def _data(site: Site, place: Place, found: Request) -> dict[str, Any]:
    settled = settled_at(found.state, found.steps) or found.updated
    matter, desk = matter_of(site.store, found.number), desk_of(site)
    address = f"{site.settings.base}/requests/{found.number}"
    workflow = desk.workflow(found)
    again = any(workflow.states[way.target].status == "reopened" for way in ways(workflow, found, RESIDENT))
    check = [_("The same answer stands on the page of your request: scan the code or type the address.")]
    if again:
        check.append(
            _("Not solved? With the address that you got with the number you can open it again, once.")
        )
    return {
        "lang": reader().language,
        "title": _("Answer to your request"),
        "number": found.number,
        "city": words(place.name),
        "agency": found.agency,
        "to-label": _("To"),
        "to": _name(desk.private(found.number).person),
        "dated": date(settled),
        "facts": [
            list(pair) for pair in _facts(site, place, found, settled, matter.address if matter else "")
        ],
        "asked-title": _("What you wrote"),
        "asked": matter.words if matter else found.description,
        "answers": [list(pair) for pair in said(site, found, matter.answers if matter else found.answers)],
        "answer-title": _("Our answer"),
        "state": state_words(site.places, found),
        "answer": "\n\n".join(_answer(found, settled)),
        "course-title": _("What became of it"),
        "course": [[date(step.at, "medium"), _line(site, found, step)] for step in found.steps],
        "check": " ".join(check),
        "address": address,
        "qr": qr(address),
    }


def _facts(site: Site, place: Place, found: Request, settled: str, address: str) -> list[tuple[str, str]]:
    promised = next((mark for mark in desk_of(site).marks(found) if mark.stage == "finish"), None)
    facts = [
        (_("Number"), found.number),
        (_("About"), service_name(site, found)),
        (_("Where"), address or found.address or words(place.name)),
        (_("Received"), date(found.requested)),
    ]
    if promised:
        facts.append((_("Promised by"), date(promised.due.isoformat())))
    return [*facts, (_("Answered"), date(settled))]


def _name(person: Mapping[str, str]) -> str:
    return " ".join(part for name in ("first_name", "last_name") if (part := person.get(name, "")))


def _answer(found: Request, settled: str) -> list[str]:
    """What was said since it was settled; what its workflow says where nobody wrote words."""
    since = [step for step in found.steps if step.at >= settled and step.act in ("", "follows")]
    return [text for step in since if (text := step.text or words(step.reason))]


def _line(site: Site, found: Request, step: Step) -> str:
    title = step_words(site.places, found, step)
    return f"{title} · {step.agency}" if step.agency else title
