"""What pages say of questions between cities: languages by their own names, what a question is about, what is asked
about a solution or an indicator."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote, urlencode, urlsplit

from starlette.requests import Request

from mahakam.config import Text
from mahakam.faults import Fault
from mahakam.indicators.definition import definitions_of
from mahakam.network.question import Link, LinkKind, Question, Said
from mahakam.network.questions import questions
from mahakam.network.register import register_of
from mahakam.web import gate
from mahakam.web.language import N_, _, reader
from mahakam.web.languages import languages
from mahakam.web.network_office import desk, hosts, spoken
from mahakam.web.site import site_of
from mahakam.web.solution_desk import PATH as SOLUTIONS
from mahakam.web.solution_desk import solution_desk

PATH = "/network/questions"
STATES = {
    "open": (N_("waits for an answer"), "warn"),
    "answered": (N_("answered"), "river"),
    "accepted": (N_("an answer was accepted"), "ok"),
    "withdrawn": (N_("withdrawn"), ""),
}


def tongue(code: str) -> str:
    """A language by its own name, with that in the reader's language for whoever cannot read it: ไทย (Thai)."""
    from babel import Locale

    own = languages()[code].name if code in languages() else code
    known = Locale.parse(reader().locale).languages.get(code, own)
    return own if known.casefold() == own.casefold() else f"{own} ({known})"


def title_for(said: Said) -> str:
    """In the reader's language, else in English, else as it was asked."""
    titles = said.titles()
    return titles.get(reader().language) or titles.get("en") or said.title


def link_of(request: Request, kind: str, ref: str) -> Link | None:
    """A solution or an indicator of this node, None for what there is not."""
    place, _slash, name = ref.partition("/")
    places = site_of(request).places
    if kind == "solution":
        solution = solution_desk(request).solutions.get(ref)
        return Link("solution", ref, dict(solution.name)) if solution else None
    if kind == "indicator" and place in places:
        one = definitions_of(places[place], places, []).get(name)
        where: Text = places[place].name
        if one is None:
            return None
        names = {
            code: f"{text} · {where.get(code) or where.get('en', place)}" for code, text in one.name.items()
        }
        return Link("indicator", ref, names)
    return None


def links_in(request: Request, text: str, field: str) -> tuple[tuple[Link, ...], list[Fault]]:
    """What a question is about: an address of a solution or an indicator on this node, one a line."""
    found: list[Link] = []
    faults = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        one = _in_address(request, line)
        if one is None:
            faults.append(Fault(field, "no_link", {"what": line[:120]}))
        elif one not in found:
            found.append(one)
    return tuple(found), faults


def _in_address(request: Request, line: str) -> Link | None:
    try:
        parts = urlsplit(line)
    except ValueError:
        return None
    if parts.netloc and parts.netloc.lower() not in hosts(request):
        return None
    path = unquote(parts.path)
    for kind, start in (("solution", SOLUTIONS + "/"), ("indicator", "/indicators/")):
        if path.startswith(start):
            return link_of(request, kind, path.removeprefix(start))
    return None


def link_address(one: Link) -> str:
    return (SOLUTIONS if one.kind == "solution" else "/indicators") + "/" + quote(one.ref)


def links_shown(request: Request, links: Iterable[Link]) -> list[tuple[str, str]]:
    """(name, address); of what is no longer there the name alone."""
    return [
        (spoken(one.name), link_address(one) if link_of(request, one.kind, one.ref) else "") for one in links
    ]


def about(request: Request, kind: LinkKind, ref: str) -> dict[str, object]:
    """For the page of a solution or an indicator: what was asked about it, and where to ask ("" for who may not)."""
    if register_of(site_of(request).places) is None:
        return {"asked": [], "ask": ""}
    asked = [
        (title_for(one.said), f"{PATH}/{one.key}", _(STATES[one.state][0]))
        for one in questions(site_of(request).store)
        if not one.withdrawn and any((link.kind, link.ref) == (kind, ref) for link in one.links)
    ]
    may = gate.visitor(request) is not None and desk(request).may("network.discuss")
    return {"asked": asked, "ask": f"{PATH}/new?{urlencode({'about': f'{kind}:{ref}'})}" if may else ""}


def readable(one: Question) -> str:
    """In which languages: English, ไทย (Thai)."""
    return ", ".join(tongue(code) for code in one.languages())
