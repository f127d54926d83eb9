"""Personal data that a page shows, in the audit trail: who saw what of whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from mahakam.access.rights import PERSONAL
from mahakam.broker.disclosure import note_read
from mahakam.config import ConfigError, Place
from mahakam.quality.odcs import ContractError
from mahakam.services.personal import Matter
from mahakam.services.request import Private, entity_id
from mahakam.store.protocol import Document
from mahakam.web.gate import visitor
from mahakam.web.held_grid import personal_columns
from mahakam.web.site import Site, site_of


def disclosed(request: Request, of: str, fields: Iterable[str], **more: Any) -> None:
    """Written before the page goes: this visitor was shown these fields of ``of``. Nothing if there are none."""
    site = site_of(request)
    if site.settings.audited:
        visitor(request)
        note_read(site.store, of, fields, **more)


def of_request(request: Request, number: str, kept: Private | None, matter: Matter | None) -> None:
    """The private part of a resident's request: how to reach them, who they said they are, their own matter."""
    fields = []
    if kept is not None:
        fields += [*(["contact"] if kept.contact else []), *(f"person.{name}" for name in kept.person)]
    if matter is not None:
        fields += ["words", "point", *(["address"] if matter.address else [])]
        fields += [f"answers.{code}" for code in matter.answers]
        fields += ["photos"] if matter.photos else []
    disclosed(request, entity_id(number), fields)


def of_entity(request: Request, document: Document, concealed: frozenset[str]) -> None:
    """An entity's personal attributes that are not concealed from the visitor."""
    personal = site_of(request).node.rights.personal
    if personal.names:
        disclosed(request, document["id"], personal.hidden(document).intersection(document) - concealed)


def of_table(request: Request, site: Site, place: Place, type: str, concealed: frozenset[str]) -> None:
    """A table or a file of the entities of a type: all of their personal attributes that are not concealed."""
    rights = site.node.rights
    if rights.personal.names:
        names = {name for attributes in rights.classes.get(type, {}).values() for name in attributes}
        shown = {name for name in names if rights.class_of(type, name, place) == PERSONAL} - concealed
        disclosed(request, f"{place.id}/{type}", shown, q=request.query_params.get("q", "")[:200])


def of_rows(request: Request, place: Place, feed: str, of: str = "", **more: Any) -> None:
    """Held rows of a feed as they came, with the columns from which personal fields are made."""
    try:
        columns = personal_columns(site_of(request), place, feed)
    except (ConfigError, ContractError):  # a broken contract: each column may be personal
        columns = frozenset({"*"})
    disclosed(request, of or f"{place.id}/{feed}", columns, **more)
