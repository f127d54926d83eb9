"""From which node a copy came that this node keeps, how to reach it, and whether it answers now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.requests import Request

from mahakam.nodes import copies
from mahakam.nodes.member import Member, contact, members
from mahakam.web.language import _, date, time
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.store.protocol import EntityStore


@dataclass(frozen=True, slots=True)
class Origin:
    """``address``: of the node, without a slash at its end. ``off_since``: since when it has not answered (ISO 8601),
    "" while it does. ``heard``: when it last said something, "" if that is not known.
    """

    name: str
    title: str
    address: str
    off_since: str
    heard: str

    def at(self, path: str) -> str:
        """A page of the node."""
        return self.address + path


class Origins:
    """The nodes of a request's pages: each is read once, and what came from it is asked of one entity a place."""

    def __init__(self, store: EntityStore) -> None:
        self._store = store
        self._members = [one for one in members(store) if one.active]
        self._known: dict[str, Origin] = {}
        self._places: dict[str, Origin | None] = {}

    def __bool__(self) -> bool:
        """Whether any node has joined."""
        return bool(self._members)

    @property
    def mark(self) -> tuple[object, ...]:
        """Another one once a node has sent something, has joined, has left, or shares something else."""
        return tuple(
            (one.name, one.joined, one.version, one.settled, contact(self._store, one.name).get("told"))
            for one in self._members
        )

    def of_entity(self, id: str) -> Origin | None:
        """The node that sent the copy of an entity; None for this node's own."""
        for member in self._members:
            record = self._store.record(copies.kind(member.name), id)
            if record is not None and not record.get("gone") and not record.get("foreign"):
                return self._origin(member)
        return None

    def title_of(self, id: str) -> str:
        """The title of the node that sent an entity; "" for this node's own."""
        origin = self.of_entity(id) if self._members else None
        return origin.title if origin else ""

    def of_place(self, place: str, id: str) -> Origin | None:
        """The node that sent what there is of a place, by one entity of it."""
        if place not in self._places:
            self._places[place] = self.of_entity(id)
        return self._places[place]

    def _origin(self, member: Member) -> Origin:
        if member.name not in self._known:
            known = contact(self._store, member.name)
            self._known[member.name] = Origin(
                member.name,
                member.title or member.name,
                member.address,
                _iso(known.get("off_since")),
                _iso(max((known[key] for key in ("heard", "answered") if known.get(key)), default=None)),
            )
        return self._known[member.name]


def origins(request: Request) -> Origins:
    """Those of a request, read once."""
    if not hasattr(request.state, "origins"):
        request.state.origins = Origins(site_of(request).store)
    found: Origins = request.state.origins
    return found


def origin_cell(origin: Origin | None) -> Markup:
    """The node as a link to it, with a mark while it does not answer."""
    if origin is None:
        return Markup('<span class="mute">{}</span>').format(_("this node"))
    link = Markup('<a href="{}" rel="noopener">{}</a>').format(origin.address, origin.title)
    return link + off_line(origin)


def off_line(origin: Origin | None) -> Markup:
    """The mark of a node that does not answer; nothing for one that does."""
    if origin is None or not origin.off_since:
        return Markup("")
    return Markup(' <span class="chip warn">{}</span>').format(
        _("off-line since %(when)s", when=time(origin.off_since))
    )


def _iso(seconds: float | None) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds") if seconds else ""


def sent_by(node: str, computed: str) -> str:
    """By the title of a node, that it sent a value, and when it computed it (ISO 8601; "" if it does not say)."""
    if not computed:
        return _("Sent by the node %(node)s.", node=node)
    return _("Sent by the node %(node)s, computed on %(date)s.", node=node, date=date(computed[:10]))
