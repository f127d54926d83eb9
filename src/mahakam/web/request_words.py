"""The words for requests: states, faults of a draft, and the columns of their tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Set
from typing import Any

from markupsafe import Markup, escape

from mahakam.config import Place
from mahakam.services.catalogue import Service, catalogue
from mahakam.services.moves import state_of, ways, workflow_of
from mahakam.services.needs import service_of
from mahakam.services.numbers import normal_number
from mahakam.services.request import Fault, Request, Step, photo_path
from mahakam.services.routing import TRIAGE, routing_of, team_name
from mahakam.services.workflow import Who
from mahakam.web.foreign import text_of
from mahakam.web.language import N_, _, date, moment, n_, number, time, words
from mahakam.web.site import Site
from mahakam.web.tables import Column

STATE_NAMES = {
    "received": N_("Received"),
    "inProgress": N_("In progress"),
    "waiting": N_("Question to the resident"),
    "answered": N_("Answered"),
    "closed": N_("Closed"),
    "rejected": N_("Not taken up"),
    "reopened": N_("Reopened"),
}
STATE_KINDS = {
    "received": "warn",
    "inProgress": "flow",
    "waiting": "warn",
    "answered": "ok",
    "closed": "",
    "rejected": "bad",
    "reopened": "warn",
}
"""State → the class of its chip."""
STAGE_NAMES = {
    "verify": N_("Taken up"),
    "respond": N_("First answer"),
    "finish": N_("Settled"),
}
"""What the city promises, stage by stage."""


def state_words(places: Mapping[str, Place], request: Request, at: Request | Step | None = None) -> str:
    """The state of a request, or of it after a step, in the words of its workflow or else of the site."""
    at = at or request
    if isinstance(at, Request) and not at.known_state:
        return _("not shown")
    if at.workflow_state:
        known = workflow_of(places, request).states.get(at.workflow_state)
        if known and known.name and known.status == at.state:
            return words(known.name)
    return _(STATE_NAMES[at.state])


def choice_words(places: Mapping[str, Place], request: Request, who: Set[Who]) -> list[tuple[str, str]]:
    """Where these people may bring a request: code and name of the state, the one that it is in first."""
    workflow = workflow_of(places, request)
    found = [(state_of(workflow, request).code, _("Stays: %(state)s", state=state_words(places, request)))]
    for way in ways(workflow, request, who):
        target = workflow.states[way.target]
        own = words(target.name) if target.name else _(STATE_NAMES[target.status])
        found.append((target.code, words(way.name) if way.name and "resident" not in way.by else own))
    return found


def step_title(places: Mapping[str, Place], request: Request, step: Step) -> Markup | str:
    """What happened in a step: its state, or what was done with the request, with links to others."""
    if not step.act:
        return state_words(places, request, step)
    place = places.get(request.place)
    routing = routing_of(place, places) if place else None
    teams = ", ".join(words(team_name(routing, team)) for team in step.to)
    others = Markup(", ").join(_linked("/requests/", one) for one in step.to if normal_number(one))
    match step.act:
        case "routed" if step.to[:1] == (TRIAGE,):
            return _("Waits to be passed to an agency")
        case "routed":
            return _("Given to %(agency)s", agency=teams)
        case "transferred":
            return _("Passed on to %(agency)s", agency=teams)
        case "shared":
            return _("Also given to %(agency)s", agency=teams)
        case "escalated":
            return _("Late: %(agency)s was told", agency=teams)
        case "approved":
            return _("Approved")
        case "issued":
            return _("Approved, issued and signed")
        case "sent":
            return _("Sent: %(documents)s", documents=document_names(places, request, step.to))
        case "accepted":
            return _("Accepted: %(documents)s", documents=document_names(places, request, step.to))
        case "returned":
            return _("Returned: %(documents)s", documents=document_names(places, request, step.to))
        case "removed":
            return _(
                "Deleted, kept long enough: %(documents)s", documents=document_names(places, request, step.to)
            )
        case "forgotten":
            return _("Contact deleted, kept long enough")
        case "paid":
            return _("Payment recorded")
        case "revoked":
            return _("The letter was revoked")
        case "split":
            return escape(_("Split into %(numbers)s")) % {"numbers": others}
        case "part":
            return escape(_("A part of %(numbers)s")) % {"numbers": others}
        case "merged":
            return escape(_("Continues as %(numbers)s")) % {"numbers": others}
        case "absorbed":
            return escape(_("Also reported as %(numbers)s")) % {"numbers": others}
        case "follows":
            state = _(STATE_NAMES.get(step.to[-1], step.to[-1])) if step.to else ""
            return escape(_("News of %(numbers)s: %(state)s")) % {"numbers": others, "state": state}


def document_names(places: Mapping[str, Place], request: Request, codes: Iterable[str]) -> str:
    """The documents with these codes, as the service names them."""
    service = service_of(places, request)
    names = {one.code: words(one.name) for one in service.documents} if service else {}
    return ", ".join(names.get(code, code) for code in codes)


def step_words(places: Mapping[str, Place], request: Request, step: Step) -> str:
    """The same where there are no links: in mail and feeds."""
    title = step_title(places, request, step)
    return text_of(title) if isinstance(title, Markup) else title


def due_words(request: Request) -> Markup | str:
    """What the city owes next and when, as a chip: late, due within a day, or later."""
    due = moment(request.due)
    if not request.open or not isinstance(due, dt.datetime):
        return ""
    left = due - dt.datetime.now(dt.UTC)
    day = date(request.due, "medium")
    stage = _(STAGE_NAMES.get(request.due_stage, request.due_stage))
    if left < dt.timedelta():
        kind, said = "bad", _("Late since %(day)s", day=day)
    elif left < dt.timedelta(days=1):
        kind, said = "warn", _("Due by %(time)s", time=time(request.due))
    else:
        kind, said = "", _("Due by %(time)s", time=day)
    return Markup('<span class="chip {}">{}</span> <span class="small mute nowrap">{}</span>').format(
        kind, said, stage
    )


def service_name(site: Site, request: Request) -> str:
    """What the reader calls the service: the catalogue's word, else the one kept with the request."""
    place = site.places.get(request.place)
    service: Service | None = catalogue(place, site.places).get(request.service) if place else None
    return words(service.name) if service else request.service_name


def place_name(site: Site, request: Request) -> str:
    place = site.places.get(request.place)
    return words(place.name) if place else request.place


class Sentences(dict[str, str]):
    """Field → what is wrong with it; "" for a field with nothing wrong, so that templates may ask for any."""

    def __missing__(self, field: str) -> str:
        return ""


def sentences(faults: Iterable[Fault], places: Mapping[str, Place]) -> Sentences:
    """Field → what is wrong with it and what would be right; of several faults of one field, the first."""
    found = Sentences()
    for fault in faults:
        found.setdefault(fault.field, sentence(fault, places))
    return found


def sentence(fault: Fault, places: Mapping[str, Place]) -> str:
    """One fault in the reader's language."""

    def name(key: str) -> str:
        id = str(fault.values.get(key, ""))
        return words(places[id].name) if id in places else id

    match fault.field, fault.rule:
        case "location", "missing":
            return _("Show where it is: put the pin on the map, or choose the village.")
        case "location", "range":
            return _("That is no place on earth: latitude goes from -90 to 90, longitude from -180 to 180.")
        case "location", "swapped":
            return _("Latitude and longitude seem to be the wrong way round.")
        case "location", "outside" if fault.values.get("km") == 0:
            return _(
                "That place is in %(nearest)s, not in %(place)s. Report it there.",
                nearest=name("nearest"),
                place=name("place"),
            )
        case "location", "outside" if (
            "nearest" in fault.values and fault.values["nearest"] != fault.values["place"]
        ):
            return _(
                "That place is outside %(place)s; the nearest city here is %(nearest)s, %(km)s km away.",
                place=name("place"),
                nearest=name("nearest"),
                km=number(fault.values["km"]),
            )
        case "location", "outside":
            return _("That place is outside %(place)s. Move the pin inside.", place=name("place"))
        case "location", "number":
            return _("This is not a number: %(value)s. Write it as -0.50028.", value=fault.values["value"])
        case "service", _rule:
            return _("Choose what it is about.")
        case "place", _rule:
            return _("Choose the city.")
        case "description", "missing":
            return _("Say in a few words what is wrong.")
        case "text" | "note", "missing":
            return _("Write a few words.")
        case _field, "short":
            return _("That is too short: at least %(n)s characters.", n=number(fault.values["least"]))
        case _field, "long":
            return _(
                "That is too long: %(length)s characters, at most %(n)s.",
                length=number(fault.values["length"]),
                n=number(fault.values["most"]),
            )
        case "photo", "many":
            return _("Too many photos: at most %(n)s.", n=number(fault.values["most"]))
        case "photo", "gone":
            return _("The photo is no longer here. Please choose it again.")
        case "photo", "size":
            return _("The photo is too large: at most 10 MB.")
        case "photo", "pixels":
            return _("The photo has too many pixels. Make it smaller and choose it again.")
        case "photo", _rule:
            return _("This file is not a photo that can be read. Choose a JPEG, PNG or WebP.")
        case "contact", _rule:
            return _("This is not an e-mail address. Write it as name@example.org, or leave it empty.")
        case "form", "settled":
            return _("It is settled already, so it cannot be passed on.")
        case "to", "same":
            return _("It is with that team already.")
        case "to", _rule:
            return _("Choose the agency or team.")
        case "approval", "twice":
            return _("You have approved it already: another officer gives the next approval.")
        case "approval", "waiting":
            return _("It waits for the resident's answer; it can be approved after that.")
        case "approval", "early":
            return _("Nothing is to be approved in this state: bring it further first.")
        case "approval", "head":
            return _("The next approval is given by the agency's head.")
        case "approval", "closed":
            return _("It is settled, so nothing can be approved. Open it again first.")
        case "approval", _rule:
            return _("There is no letter that could be revoked.")
        case "reason" | "revoke", "missing":
            return _("Say why in a few words: everybody can read it.")
        case "into", "other":
            return _("That is not another report of this city.")
        case "into", _rule:
            return _("That report is settled or merged itself; choose one that is open.")
        case "parts", "many":
            return _("Say what the parts are about: one to %(n)s.", n=number(fault.values["most"]))
        case "parts", "unknown":
            return _("Choose what each part is about.")
        case "needs", "lacking":
            return _("First send: %(documents)s.", documents=", ".join(map(words, fault.values["documents"])))
        case "needs", "unaccepted":
            return _(
                "First these documents are to be accepted: %(documents)s.",
                documents=", ".join(map(words, fault.values["documents"])),
            )
        case "needs", "payment":
            return _("First record the payment.")
        case "needs", "appointment":
            return _("There is no appointment.")
        case "slot", "full":
            return _("Somebody was faster: that time is taken. Choose another one.")
        case "slot", "often":
            return _("It was moved too often: ask the office for another time.")
        case "documents", "many":
            return _("Documents were sent too often for this request: ask the office.")
        case "slot", "same":
            return _("That is the time that is booked already.")
        case "slot", "none":
            return _("No appointment can be booked or moved any more.")
        case "slot", _rule:
            return _("Choose one of the times that are offered.")
        case "amount", _rule:
            return _("Write an amount above 0, as 50000 or 50000.50.")
        case "reference", "twice":
            return _("A payment with this reference is recorded already.")
        case "reference", _rule:
            return _(
                "Write the reference of the payment, at most %(n)s characters.",
                n=number(fault.values["most"]),
            )
        case "date", "future":
            return _("That day has not come yet.")
        case "date", _rule:
            return _("Write the day of the payment, as 2026-01-31.")
        case "payment", "settled":
            return _("It is settled already: no payment is recorded any more.")
        case "payment", _rule:
            return _("No payment can be recorded for this service.")
        case "documents", "missing":
            return _("Choose at least one file.")
        case "documents", "settled":
            return _("It is settled already: documents are neither sent nor judged any more.")
        case "documents", _rule:
            return _("This service does not ask for that document.")
        case field, rule if field.startswith("document-"):
            return _document_sentence(rule, fault.values)
        case "state", _rule:
            return _("The request cannot go from here to that status.")
        case _field, rule if _field.startswith("answer-"):
            return _answer_sentence(rule, fault.values)
        case _other:
            return str(fault)


def _document_sentence(rule: str, values: Mapping[str, Any]) -> str:
    """Why a document is not taken, or cannot be returned, and what would be right."""
    match rule:
        case "empty":
            return _("This file is empty. Choose it again.")
        case "size":
            return _("This file is too large: at most %(size)s MB.", size=number(values["most"]))
        case "pixels":
            return _("The photo has too many pixels. Make it smaller and choose it again.")
        case "kind":
            return _("By its content this is no file of a kind that is taken here, whatever its name says.")
        case "damaged":
            return _("This PDF is damaged or too complicated. Save or print it as PDF again.")
        case "active":
            return _("This PDF runs something or carries other files. Print it as PDF and send that.")
        case "locked":
            return _("This PDF has a password. Save it without one.")
        case "polyglot":
            return _("This file is more than a PDF. Print it as PDF and send that.")
        case "accepted":
            return _("This document was accepted already.")
        case _rule:
            return _("Say why in a few words: the resident reads it.")


def _answer_sentence(rule: str, values: Mapping[str, Any]) -> str:
    """What is wrong with the answer to a service's question."""
    match rule:
        case "missing":
            return _("Please answer this question.")
        case "range":
            least, most = values.get("least"), values.get("most")
            if most is None:
                return _("Write a number of at least %(n)s.", n=number(least))
            if least is None:
                return _("Write a number of at most %(n)s.", n=number(most))
            return _("Write a number from %(least)s to %(most)s.", least=number(least), most=number(most))
        case "number" | "whole":
            return _("Write a number, as 50 or 12.5.") if rule == "number" else _("Write a whole number.")
        case "datetime":
            return _("Write day and time, as 2026-01-31 08:00.")
        case _rule:
            return _("Choose one of the answers.")


def _linked(link: str, number: str) -> Markup:
    return Markup('<a class="nowrap" href="{}">{}</a>').format(link + number, number)


def waits(days: int) -> str:
    return n_("%(n)s day", "%(n)s days", days)


def columns(site: Site, link: str = "/requests/") -> list[Column]:
    """The columns of a table of requests; ``link`` + number is a row's own page."""
    names: dict[tuple[str, str], str] = {}

    def about(request: Request) -> str:
        """The service's name, looked up once a table and not once a row."""
        key = request.place, request.service
        if key not in names:
            names[key] = service_name(site, request)
        return names[key]

    return [
        Column("number", _("Number"), get=lambda r: r.number, html=lambda r: _linked(link, r.number)),
        Column("service", get=lambda r: r.service, hidden=True),
        Column("service_name", _("About"), get=about),
        Column("city", get=lambda r: r.place, hidden=True),
        Column("place", _("City"), get=lambda r: place_name(site, r)),
        Column("address", _("Where"), get=lambda r: r.address),
        Column("status", get=lambda r: r.known_state, hidden=True),
        Column("status_name", _("Status"), get=lambda r: state_words(site.places, r)),
        Column("requested", _("Reported"), "date", get=lambda r: r.requested),
        Column("updated", _("Last news"), "date", get=lambda r: r.updated),
        Column("agency", _("Agency"), get=lambda r: r.agency),
        Column("longitude", get=lambda r: r.point[0] if r.point else None, hidden=True),
        Column("latitude", get=lambda r: r.point[1] if r.point else None, hidden=True),
        Column("description", get=lambda r: r.description, hidden=True),
        Column("photo", get=lambda r: photo_path(r.photo) if r.photo else "", hidden=True),
    ]
