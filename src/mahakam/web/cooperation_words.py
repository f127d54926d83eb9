"""States and events of a cooperation in words, and what it is about with its links."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from markupsafe import Markup
from starlette.requests import Request

from mahakam.config import Text
from mahakam.indicators.definition import Definition, definitions_of
from mahakam.network.cooperation import About, AboutKind, Cooperation
from mahakam.network.notices import notice
from mahakam.network.recommendation import LANGUAGES, Words
from mahakam.web.language import N_, _, reading, words
from mahakam.web.network_office import desk, spoken
from mahakam.web.site import site_of
from mahakam.web.solution_desk import PATH as SOLUTIONS
from mahakam.web.solution_desk import solution_desk

NOTICES = "/network/notices"
STATES = {
    "asked": (N_("asked"), "warn"),
    "talk": (N_("in talk"), "river"),
    "agreed": (N_("agreed, at work"), "river"),
    "result": (N_("result to be confirmed"), "warn"),
    "done": (N_("done"), "ok"),
    "declined": (N_("declined"), ""),
    "withdrawn": (N_("withdrawn"), ""),
    "ended": (N_("ended early"), ""),
}
WORK = {
    "open": (N_("not begun"), ""),
    "under_way": (N_("under way"), "river"),
    "done": (N_("done"), "ok"),
    "dropped": (N_("dropped"), ""),
}
EVENTS = {
    "asked": N_("Asked"),
    "accepted": N_("Ready to talk"),
    "declined": N_("Declined"),
    "withdrawn": N_("Withdrawn"),
    "proposed": N_("Letter of intent proposed"),
    "signed": N_("Signed"),
    "agreed": N_("Agreed by both sides"),
    "planned": N_("Task added"),
    "reported": N_("Task reported"),
    "concluded": N_("Result written"),
    "returned": N_("Result given back"),
    "done": N_("Result confirmed"),
    "ended": N_("Ended early"),
}
"""What is shown of the course; what was said in the talk stands there."""


def chip(one: Cooperation) -> Markup:
    word, kind = STATES[one.state]
    return Markup('<span class="chip {}">{}</span>').format(kind, _(word))


def late_chip() -> Markup:
    return Markup('<span class="chip bad">{}</span>').format(_("late"))


def about_address(kind: AboutKind, *parts: str) -> str:
    """How forms and links name what a request is about: ``solution:samarinda/heavy-rain``."""
    return f"{kind}:" + "/".join(parts)


def about_of(request: Request, text: str) -> About | None:
    """What a form or a link names, with its name as it stands today; None for what there is not."""
    kind, _colon, ref = text.partition(":")
    if kind == "solution":
        solution = solution_desk(request).solutions.get(ref)
        return About("solution", ref, _words(solution.name)) if solution else None
    if kind == "match":
        found = _definitions(request, ref)
        if len(found) != 2:
            return None
        places = site_of(request).places
        cities = [places[part] for part in ref.split("/")[::2]]
        return About("match", ref, _in_languages(found[0].name, cities[0].name, cities[1].name))
    if kind == "notice":
        found_one = notice(site_of(request).store, ref)
        if found_one is None or found_one.public is None or not found_one.stands(desk(request).day):
            return None
        return About("notice", ref, {LANGUAGES[0]: found_one.public.title})
    return None if text else About()


def about_name(about: About) -> str:
    return spoken(about.name)


def about_links(request: Request, about: About) -> list[tuple[str, str]]:
    """What it is about as (words, address on this node); of what is no longer there the words alone."""
    name = about_name(about)
    if about.kind == "solution":
        there = about.ref in solution_desk(request).solutions
        return [(name, f"{SOLUTIONS}/{quote(about.ref)}" if there else "")]
    if about.kind == "match":
        parts = about.ref.split("/")
        places = site_of(request).places
        links = [(name, f"/network/matches?{urlencode({'city': parts[0]})}" if parts[0] in places else "")]
        return links + [
            (f"{words(one.name)} · {words(places[place].name)}", f"/indicators/{place}/{quote(one.id)}")
            for place, one in zip(parts[::2], _definitions(request, about.ref), strict=False)
        ]
    if about.kind == "notice":
        return [(about.name.get(LANGUAGES[0], about.ref), f"{NOTICES}/{quote(about.ref)}")]
    return []


def _definitions(request: Request, ref: str) -> list[Definition]:
    """The two indicators of a match; fewer where a city or an indicator is not there."""
    parts, places = ref.split("/"), site_of(request).places
    if len(parts) != 4:
        return []
    found = []
    for place, name in zip(parts[::2], parts[1::2], strict=True):
        known = definitions_of(places[place], places, []) if place in places else {}
        if name in known:
            found.append(known[name])
    return found


def _in_languages(indicator: Text, mine: Text, theirs: Text) -> Words:
    """A match's name in every language: Days of floods: Samarinda, Bontang."""
    found = {}
    for language in LANGUAGES:
        with reading(language):
            found[language] = f"{words(indicator)}: {words(mine)}, {words(theirs)}"
    return found


def _words(text: Text) -> Words:
    return {language: text[language] for language in LANGUAGES if text.get(language)} or dict(text)
