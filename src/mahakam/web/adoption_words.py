"""What pages say of taking a solution over: states of files, what is missing, what is left to do."""

from __future__ import annotations

from urllib.parse import quote

from mahakam.config import Place
from mahakam.indicators.series import Series
from mahakam.solutions.adapting import Adaptation
from mahakam.solutions.adoption import Refusal
from mahakam.solutions.left import Left
from mahakam.solutions.preview import Piece
from mahakam.web import indicator_views as views
from mahakam.web.language import N_, _

STATES = {
    "new": (N_("is written"), "ok"),
    "same": (N_("there already"), ""),
    "above": (N_("already holds for the city"), ""),
    "differs": (N_("another file is there"), "bad"),
}
LEFT = {
    "file": N_("The feed reads %(what)s, which is not in the folder. Put your city's file there, or send it."),
    "address": N_("The feed asks the other city's address (%(what)s). Write yours into the file, then its schedule."),
    "source": N_("Whose data it is and its licence are still the other city's words (%(what)s). Write your own."),
    "ids": N_("The ids of its entities (%(what)s) do not name the city. See that the other city's rows have others."),
    "codes": N_("Its rules look codes up in %(what)s, which no place above the city has. Put your city's codes there."),
    "boundary": N_("Its rules ask whether a place lies in the city, and city.yaml names no boundary."),
    "fact": N_("The figure “%(what)s” has another source in this city. See what the texts say of it."),
    "words": N_("Texts of a language are missing (%(what)s)."),
}  # fmt: skip
SOURCES = {
    "id": N_("the city's id"),
    "code": N_("the city's code"),
    "code digits": N_("the city's code, digits only"),
    "country": N_("the country"),
    "timezone": N_("the time zone"),
}


def left_words(one: Left) -> str:
    return _(LEFT[one.code], what=one.what)


def left_link(one: Left, place: Place) -> str:
    """Where it can be done; "" for what is done in the folder."""
    if one.code != "file":
        return ""
    feed = one.name.partition("/")[2].removesuffix(".yaml")
    return f"/upload/{quote(place.id)}/{quote(feed)}"


def asked_words(one: Adaptation) -> str:
    """What is asked for: a figure of city.yaml by its name, or a code."""
    kind, _space, name = one.source.partition(" ")
    what = name if kind == "fact" else _("the city's name") if kind == "name" else _(SOURCES[one.source])
    return _("%(what)s (in the other city: %(text)s)", what=what[:1].upper() + what[1:], text=one.text)


def refused(refusal: Refusal) -> str:
    said = []
    if refusal.wrong:
        said.append(
            _("A text that was given cannot be used: letters, digits, spaces, dots and hyphens only.")
        )
    elif refusal.lacking:
        said.append(_("Say first what is not known of this city."))
    if refusal.conflicts:
        files = ", ".join(refusal.conflicts)
        said.append(
            _("Nothing is overwritten. Say of each of these files that yours stays: %(files)s", files=files)
        )
    return " ".join([*said, *refusal.problems])


def look_again() -> str:
    return _("This is what would be written with what you gave. Look at it, then adopt.")


def line_kind(line: str) -> str:
    """The class of a line of a difference."""
    return {"+": "added", "-": "removed", "@": "hunk"}.get(line[:1], "")


def size(piece: Piece) -> int:
    return len(piece.content)


def value(one: Series) -> str:
    """The newest value, with its unit and period."""
    latest = one.latest
    if latest is None:
        return ""
    text, when = views.with_unit(latest, one.definition.decimals), views.when(latest)
    return f"{text} ({when})" if when else text


def trace(one: Series) -> str:
    return views.trace_address(one.latest) if one.latest else ""
