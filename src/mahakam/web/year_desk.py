"""What the pages of the steward's year share: the place and year that are asked for, and what the visitor may do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request

from mahakam.config import ConfigError, Place
from mahakam.feeds.catalogue.entry import Entry, entry
from mahakam.feeds.known import Dataset, dataset
from mahakam.feeds.year import desk
from mahakam.feeds.year.calendar import Allowed, Due, allowed_of, year_of
from mahakam.feeds.year.item import FIRST_YEAR, LAST_YEAR, Author, Item
from mahakam.web import gate
from mahakam.web.language import _, in_timezone, reader, words
from mahakam.web.site import Site, site_of
from mahakam.web.year_words import shown_state, spoken

PATH = "/year"
INSIDE = ("plan.propose", "plan.examine", "plan.supervise")
_ROLES = {
    "plan.propose": ("officer", "head", "steward", "admin"),
    "plan.examine": ("steward", "admin"),
    "plan.supervise": ("supervisor",),
}


@dataclass(frozen=True)
class Year:
    """A place's list of a year, for one request."""

    request: Request
    place: Place
    year: int

    @property
    def path(self) -> str:
        return f"{PATH}/{self.place.id}/{self.year}"

    @cached_property
    def site(self) -> Site:
        return site_of(self.request)

    @cached_property
    def day(self) -> dt.date:
        """Today, where the place is."""
        return dt.datetime.now(ZoneInfo(self.place.timezone)).date()

    @cached_property
    def allowed(self) -> Allowed:
        """Raises HTTPException 500 for a ``data_plan`` that cannot be used."""
        try:
            return allowed_of(self.place)
        except ConfigError as error:
            raise HTTPException(500, f"{error.path.name}: {error.problem}") from error

    @cached_property
    def inside(self) -> bool:
        """Whether the visitor is one of those who work on the list, and sees all of it."""
        return any(self.may(action) for action in INSIDE)

    @cached_property
    def items(self) -> list[Item]:
        """What the visitor may see: proposals and what was withdrawn are for those who work on the list."""
        found = desk.items(self.site.store, self.place.id, self.year)
        return [one for one in found if self.inside or one.state == "listed"]

    @cached_property
    def calendar(self) -> list[Due]:
        return year_of(self.items, self.allowed)

    def may(self, action: str) -> bool:
        return gate.may(self.request, action, self.place)

    def author(self, action: str) -> Author:
        """Who does the action, and as whom. Raises HTTPException as :func:`mahakam.web.gate.require` does."""
        found = gate.require(self.request, action, self.place)
        role = next((role for role in _ROLES[action] if role in found.roles), "")
        return Author("" if found.kind == "open" else found.name, role)

    def name(self, one: Item) -> str:
        return spoken(one.plan.title, reader().language)

    def address(self, one: Item, period: str = "") -> str:
        return f"{self.path}/data/{one.key}" + (f"?release={period}#release" if period else "")

    def state(self, one: Due) -> str:
        return shown_state(one, self.day, self.inside)

    def known(self, feed: str) -> tuple[Entry | None, Dataset | None]:
        """A feed as the catalogue and the page of quality know it; None for one that is not there."""
        if not feed or feed not in self.place.files("feeds"):
            return None, None
        found = entry(self.site.store, self.site.places, self.site.node.rights.open, self.place.id, feed)
        return found, found.known if found else dataset(self.site.store, self.place, feed)

    def crumbs(self, *more: tuple[str, str]) -> list[tuple[str, str]]:
        title = _("%(place)s %(year)s", place=words(self.place.name), year=self.year)
        return [(_("The steward's year"), PATH), (title, self.path if more else ""), *more]

    @property
    def file_names(self) -> tuple[str, ...]:
        """The place's names, which belong into no dataset's name."""
        return tuple(dict.fromkeys(self.place.name.values()))


def year_asked(request: Request) -> Year:
    """The year of the address. Raises HTTPException 404 for a place or a year that there is not."""
    place = site_of(request).place(request.path_params["place"])
    asked = request.path_params["year"]
    if not asked.isdecimal() or len(asked) != 4 or not FIRST_YEAR <= int(asked) <= LAST_YEAR:
        raise HTTPException(404, _("There is no list of data for %(year)s.", year=repr(asked[:20])))
    in_timezone(place.timezone)
    return Year(request, place, int(asked))


def item_asked(found: Year) -> Item:
    """Raises HTTPException 404 for one that there is not, 403 (or 303 to the sign-in) for what is not public."""
    one = desk.item(found.site.store, found.place.id, found.year, found.request.path_params["key"])
    if one is None:
        raise HTTPException(404, _("There is no such dataset on this list."))
    if one.state != "listed" and not found.inside:
        gate.require(found.request, "plan.propose", found.place)
    return one
