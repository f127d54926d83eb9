"""Who can see this? Which roles read and write which attributes, as the policy and the contracts say it now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.access.policy import OF, OFFICES, PEOPLE, POLICY, PUBLIC, SCOPES, is_role
from mahakam.access.rights import PERSONAL, Rights
from mahakam.access.writing import VERBS, Pen
from mahakam.config import Place, scope_of
from mahakam.quality.classes import WHOLE
from mahakam.quality.contract import INTERNAL
from mahakam.quality.load import load_all
from mahakam.quality.odcs import ContractError
from mahakam.web import gate
from mahakam.web.entities import spoken
from mahakam.web.language import N_, _, words
from mahakam.web.network_office import ROLES as OFFICE_NAMES
from mahakam.web.pages.signin import ROLE_NAMES
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PAGE = "/rights"
CLASS_NAMES = {"": N_("public"), INTERNAL: N_("internal"), PERSONAL: N_("personal")}
KEY_NAMES = {
    "reader": N_("API key: read"),
    "writer": N_("API key: write"),
    "worker": N_("API key: work"),
    "monitor": N_("API key: monitor"),
}
WRITE = "data.write"
VERB_NAMES = {"create": N_("create"), "change": N_("change"), "delete": N_("delete")}


@dataclass(frozen=True)
class Shown:
    """An attribute of a type in a place (None: in every place), and its class: "" is public.

    ``name`` "" is the entity itself, with the attributes that have no line of their own.
    """

    type: str
    name: str
    place: Place | None
    kind: str


def routes(_site: Site) -> list[BaseRoute]:
    return [*table_routes(PAGE, show, attributes_table)]


def show(request: Request) -> Response:
    site = site_of(request)
    everything = _attributes(site)
    return render(
        request,
        "rights.html",
        title=_("Who can see this?"),
        section="data",
        table=attributes_table(request),
        types=sorted({(one.type, spoken(one.type)) for one in everything}, key=lambda pair: pair[1]),
        chosen=request.query_params.get("type", ""),
        kind=request.query_params.get("class", ""),
        classes=CLASS_NAMES,
        readers={kind: _roles(site.node.rights.readers[kind]) for kind in (INTERNAL, PERSONAL)},
        writers=_roles(POLICY[WRITE]),
        written=site.node.rights.writing is not None,
    )


def attributes_table(request: Request) -> Table:
    """Attributes that contracts or ``rights.yaml`` name. Their names are public, as contracts are."""
    site = site_of(request)
    rights = site.node.rights
    type, kind = request.query_params.get("type", ""), request.query_params.get("class", "")
    rows = [
        one
        for one in _attributes(site)
        if (not type or one.type == type) and (not kind or (one.kind or PUBLIC) == kind)
    ]
    sight = rights.sight(gate.visitor(request))

    writing = rights.writing
    pen = None if writing is None or site.settings.open else Pen(writing.types, gate.visitor(request))

    def you(one: Shown) -> str:
        return _("yes") if sight.reads(one.type, one.name or WHOLE, one.place) else _("no")

    def you_write(one: Shown) -> str:
        scopes = [scope_of(one.place, site.places)] if one.place else []
        if pen is None or not pen.named(one.type):
            may = gate.may(request, WRITE, one.place) if one.place else gate.may_everywhere(request, WRITE)
        else:
            may = gate.visitor(request) is not None and pen.may(one.type, one.name, "change", scopes)
        return _("yes") if may else _("no")

    columns = [
        Column("type", _("Type"), get=lambda one: one.type, html=lambda one: spoken(one.type)),
        Column("attribute", _("Attribute"), "code", get=lambda one: one.name or "*"),
        Column("place", _("Where"), get=lambda one: words(one.place.name) if one.place else _("everywhere")),
        Column(
            "class", _("Class"), get=lambda one: one.kind or PUBLIC, html=lambda one: _(CLASS_NAMES[one.kind])
        ),
        Column("read", _("Who reads it"), get=lambda one: _readers(rights, one), sortable=False),
        Column(
            "write", _("Who writes it"), get=lambda one: _writers(rights, one), sortable=False, phone=False
        ),
        Column("you", _("You read it"), get=you),
        Column("you_write", _("You change it"), get=you_write, phone=False),
    ]
    nothing = _("No contract names such an attribute: it is public.")
    return Table(request, _("Attributes, and who reads them"), columns, rows, PAGE, nothing=nothing)


def _readers(rights: Rights, one: Shown) -> str:
    """Of an attribute of a type that is closed as a whole: whoever reads both."""
    found = [rights.readers_of(one.type, name, one.place) for name in {one.name or WHOLE, WHOLE}]
    lists = [readers for readers in found if readers is not None]
    if not lists:
        return _("everybody")
    return _roles(frozenset.intersection(*lists)) or _("nobody")


def _writers(rights: Rights, one: Shown) -> str:
    """As ``rights.yaml`` says of a type that it names, else as the table of actions does."""
    of_type = rights.writing.types.get(one.type) if rights.writing else None
    if of_type is None:
        return _roles(POLICY[WRITE])
    said: dict[str, list[str]] = {}
    for verb in VERBS:
        said.setdefault(_roles(of_type.who(one.name, verb)) or _("nobody"), []).append(_(VERB_NAMES[verb]))
    if len(said) == 1:
        return next(iter(said))
    return "; ".join(f"{', '.join(verbs)}: {who}" for who, verbs in said.items())


def _roles(roles: Iterable[str]) -> str:
    """Roles in words, those of people first."""
    names = {PUBLIC: N_("everybody"), **ROLE_NAMES, **OFFICE_NAMES, **KEY_NAMES}
    order: list[str] = [PUBLIC, *PEOPLE, *OFFICES, *SCOPES]
    known = sorted((role for role in roles if role in order), key=order.index)
    at = [role.partition(OF) for role in sorted(roles) if is_role(role, order) and OF in role]
    named = sorted(role for role in roles if not is_role(role, order))
    agencies = [_("%(role)s at %(agency)s", role=_(names[role]), agency=code) for role, _of, code in at]
    return ", ".join([*(_(names[role]) if role in names else role for role in known), *agencies, *named])


def _attributes(site: Site) -> list[Shown]:
    """As the broker enforces it (``Rights.class_of``): of a contract that cannot be read all is personal."""
    rights = site.node.rights
    found: dict[tuple[str, str, str], Shown] = {}
    for type, name, place in _named(site, rights):
        kind = rights.class_of(type, name or WHOLE, place)
        found[type, name, place.id if place else ""] = Shown(type, name, place, kind)
    order = {place: scope_of(one, site.places) for place, one in site.places.items()}
    return sorted(
        found.values(), key=lambda one: (spoken(one.type), order[one.place.id] if one.place else "", one.name)
    )


def _named(site: Site, rights: Rights) -> Iterator[tuple[str, str, Place | None]]:
    for type, of_type in rights.classes.items():
        for where, attributes in of_type.items():
            for name in attributes:
                yield type, "" if name == WHOLE else name, site.places.get(where)
    for type, written in (rights.writing.types if rights.writing else {}).items():
        for name in ("", *written.attributes):
            yield type, name, None
    for place in site.places.values():
        for path in place.files("contracts").values():
            try:
                contracts = load_all(path)
            except ContractError:  # its attributes are among the closed ones above
                continue
            for contract in contracts:
                for field in contract.fields.values():
                    yield contract.entity, field.name, place
