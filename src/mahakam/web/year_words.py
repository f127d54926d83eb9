"""The steward's year in words: states, rhythms, steps, fields of metadata, and the points of an examination."""

from __future__ import annotations

import datetime as dt

from markupsafe import Markup

from mahakam.config import Text
from mahakam.feeds.year.calendar import Due
from mahakam.feeds.year.examination import Point
from mahakam.feeds.year.item import Author, Item
from mahakam.web.language import N_, _, n_, number, percent, time
from mahakam.web.pages.signin import ROLE_NAMES

LISTED = {
    "proposed": (N_("proposed"), "warn"),
    "listed": (N_("on the list"), "ok"),
    "withdrawn": (N_("withdrawn"), ""),
}
STATES = {
    "due": (N_("to come"), ""),
    "outstanding": (N_("outstanding"), "warn"),
    "submitted": (N_("submitted"), "river"),
    "returned": (N_("returned"), "bad"),
    "supervision": (N_("with the Pembina Data"), "river"),
    "referred": (N_("referred back"), "warn"),
    "approved": (N_("approved"), "ok"),
    "published": (N_("published"), "ok"),
    "recalled": (N_("recalled"), "bad"),
}
HOLDERS = {
    "producer": N_("Data producer"),
    "walidata": N_("Walidata"),
    "pembina": N_("Pembina Data"),
    "": "",
}
FREQUENCIES = {
    "continuous": N_("all the time (examined once a year)"),
    "monthly": N_("monthly"),
    "quarterly": N_("quarterly"),
    "halfyearly": N_("twice a year"),
    "yearly": N_("yearly"),
    "irregular": N_("one day"),
}
RHYTHMS = {
    "HOURLY": N_("hourly"),
    "DAILY": N_("daily"),
    "WEEKLY": N_("weekly"),
    "MONTHLY": N_("monthly"),
    "QUARTERLY": N_("quarterly"),
    "ANNUAL": N_("yearly"),
}
"""How often a feed is due, from the EU's words."""
ACCESS = {"open": N_("open"), "limited": N_("limited"), "closed": N_("closed")}
EVENTS = {
    "proposed": N_("Proposed"),
    "amended": N_("Amended"),
    "listed": N_("Put on the list"),
    "withdrawn": N_("Withdrawn"),
    "submitted": N_("Submitted"),
    "returned": N_("Returned with findings"),
    "approved": N_("Approved by the walidata"),
    "confirmed": N_("Confirmed by the Pembina Data"),
    "referred": N_("Referred back by the Pembina Data"),
    "published": N_("Published"),
    "recalled": N_("Recalled"),
}
PARTS = {
    "standard": N_("Data standard"),
    "activity": N_("Statistical activity (MS-Keg)"),
    "variables": N_("Variables (MS-Var)"),
    "indicators": N_("Indicators (MS-Ind)"),
}
FIELDS = {
    "concept": N_("Concept"), "definition": N_("Definition"), "classification": N_("Classification"),
    "measure": N_("Measure"), "unit": N_("Unit"), "title": N_("Name of the activity"), "organiser": N_("Organiser"),
    "sector": N_("Sector"), "background": N_("Background"), "purpose": N_("Purpose"),
    "method": N_("How it is collected"),
    "period": N_("Reference period"), "coverage": N_("Area covered"), "observed": N_("Unit of observation"),
    "sampling": N_("Sampling"), "quality": N_("Quality assurance"), "dissemination": N_("Dissemination"),
    "name": N_("Name"), "alias": N_("Alias"), "reference": N_("Reference of the choice"), "type": N_("Data type"),
    "validation": N_("Validation rule"), "question": N_("Wording of the question"), "public": N_("Open to the public"),
    "interpretation": N_("Interpretation"), "formula": N_("Formula"), "composite": N_("Composite indicator"),
    "variables": N_("Variables it is made of"), "level": N_("Level of estimation"),
}  # fmt: skip
PRINCIPLES = {
    "standard": N_("Data standard"),
    "metadata": N_("Metadata"),
    "interoperability": N_("Interoperability"),
    "codes": N_("Reference codes"),
    "quality": N_("Quality"),
}


def spoken(text: Text, language: str) -> str:
    """A name in the reader's language, else in the other one."""
    return text.get(language) or next((words for words in text.values() if words), "")


def chip(word: str, kind: str) -> Markup:
    return Markup('<span class="chip {}">{}</span>').format(kind, word)


def item_chip(one: Item) -> Markup:
    word, kind = LISTED[one.state]
    return chip(_(word), kind)


def shown_state(one: Due, day: dt.date, inside: bool) -> str:
    """A release's state for the reader: how far an examination is concerns those who work on the list."""
    if one.state == "published" or (inside and one.state != "due"):
        return one.state
    return "due" if one.due >= day else "outstanding"


def state_chip(state: str) -> Markup:
    """The chip of a :func:`shown_state`."""
    word, kind = STATES[state]
    return chip(_(word), kind)


def late_words(days: int) -> str:
    return n_("%(n)s day late", "%(n)s days late", days) if days else ""


def author_words(by: Author) -> str:
    """Siti, Agency officer."""
    role = _(ROLE_NAMES[by.role]) if by.role in ROLE_NAMES else by.role
    return ", ".join(part for part in (by.account, role) if part)


def point_words(point: Point) -> tuple[str, str]:
    """What was looked at, and what was seen."""
    values = point.values
    match point.code:
        case "name":
            amiss = _("“%(word)s” does not belong into a name", word=values["word"])
            return _("Name"), _("as it should be") if point.ok else amiss
        case "standard" | "activity" | "variables" | "indicators":
            return _(PARTS[point.code]), _declared(point)
        case "feed":
            if values["feed"]:
                return _("Feed"), _("%(name)s is not there or set up wrongly", name=values["feed"])
            return _("Feed"), _("no feed of this node brings it")
        case "codes":
            return _("Reference codes"), values["codes"] or _("none of its columns refers to a code list")
        case "contract":
            return _("Contract"), f"{values['contract']}, {values['version']}"
        case "run":
            when = values.get("when")
            if not when:
                return _("Last run"), _("never run")
            return _("Last run"), time(when) if point.ok else _("failed, %(when)s", when=time(when))
        case "newer":
            if point.ok:
                return _("Newer than the release before"), time(values["when"])
            return _("Newer than the release before"), _("nothing was read since that was handed over")
        case "access":
            return _("Access"), _("it is not to be open, but the catalogue shows its rows to everybody")
        case "score":
            return _("Score"), _("not yet") if values["score"] is None else percent(values["score"], 1)
        case "held":
            return _("Held rows"), n_("%(n)s row held back", "%(n)s rows held back", values["held"])
    return _("Findings"), n_("%(n)s rule found errors", "%(n)s rules found errors", values["rules"])


def _declared(point: Point) -> str:
    fields = point.values["fields"]
    if point.ok is None:
        return _("none declared")
    if not fields:
        several = point.code in ("variables", "indicators")
        return _("complete (%(n)s)", n=number(point.values["n"])) if several else _("complete")
    shown = ", ".join(_field_words(one) for one in fields[:6])
    more = f", … ({number(len(fields))})" if len(fields) > 6 else ""
    return _("missing: %(fields)s", fields=shown + more)


def _field_words(name: str) -> str:
    before, dot, field = name.rpartition(".")
    return f"{before}{dot and ': '}{_(FIELDS[field])}"
