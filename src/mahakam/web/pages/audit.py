"""The audit trail for administrators: who did or read what, filtered, and where the chain stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from mahakam.access.audit import head_text, heads_of
from mahakam.store.model import AuditEntry
from mahakam.store.protocol import EntityStore
from mahakam.web import gate
from mahakam.web.language import N_, _
from mahakam.web.render import render
from mahakam.web.site import Site, site_of
from mahakam.web.tables import Column, Table, table_routes

PAGE, SEE = "/audit", "audit.read"
_STEP = 1000
_LONGEST = 300
ACTIONS = {
    "create": N_("created"),
    "change": N_("changed"),
    "delete": N_("deleted"),
    "read": N_("read personal data"),
    "sign-in": N_("signed in"),
    "sign-in.refused": N_("sign-in refused"),
    "second-step": N_("second steps of sign-ins"),
    "account": N_("accounts"),
    "key": N_("API keys"),
    "feed.run": N_("runs of feeds"),
    "quarantine": N_("held rows"),
    "export": N_("exports"),
    "backup": N_("backups"),
    "restore": N_("restored backups"),
}
"""What can be chosen, in words; a part before a dot stands for all that begins so."""
ALSO = {
    "read.person": N_("looked up a person's data"),
    "export.person": N_("gave a person their copy"),
    "correct.person": N_("put a person's data right"),
    "forget.again": N_("forgot again after a restore"),
    "forget.tables": N_("erased a person from a table"),
    "consent.withdraw": N_("consent taken back"),
    "breach.save": N_("register of breaches written"),
    "account.save": N_("account written"),
    "key.save": N_("API key written"),
    "token.issue": N_("token given"),
    "token.revoke": N_("token ended"),
    "quarantine.correct": N_("held row corrected"),
    "subscription.save": N_("subscription written"),
    "audit.cut": N_("trail cut"),
}
"""Others that have words; what has none is shown by its code."""
KINDS = {
    "person": N_("account"),
    "key": N_("API key"),
    "command": N_("command"),
    "node": N_("the node itself"),
    "stranger": N_("without an account"),
    "open": N_("open node"),
}


def routes(_site: Site) -> list[BaseRoute]:
    return [*table_routes(PAGE, show, entries_table)]


@dataclass(frozen=True)
class Entries:
    """The entries that are asked for, the newest first, as a table's rows."""

    store: EntityStore
    asked: Mapping[str, Any]

    def count(self) -> int:
        return self.store.count_audit(**self.asked)

    def window(self, limit: int, offset: int) -> Sequence[AuditEntry]:
        return self.store.audit_entries(**self.asked, limit=limit, offset=offset)

    def scan(self) -> Iterator[AuditEntry]:
        before = None
        while found := self.store.audit_entries(**self.asked, before=before, limit=_STEP):
            yield from found
            before = found[-1].at, found[-1].lane, found[-1].n


def show(request: Request) -> Response:
    gate.require(request, SEE)
    site = site_of(request)
    answer = render(
        request,
        "audit.html",
        title=_("Audit trail"),
        section="data",
        table=entries_table(request),
        typed={name: request.query_params.get(name, "")[:_LONGEST] for name in _FIELDS},
        actions=ACTIONS,
        audited=site.settings.audited,
        head=head_text(heads_of(site.store)),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def entries_table(request: Request) -> Table:
    """The entries that the query asks for; a day of ``until`` is part of what is shown."""
    gate.require(request, SEE)

    def what(one: AuditEntry) -> str:
        word = ACTIONS.get(one.action) or ALSO.get(one.action)
        return _(word) if word else one.action

    def who(one: AuditEntry) -> Markup:
        kind = Markup('<span class="small mute">{}</span>').format(
            _(KINDS[one.kind]) if one.kind in KINDS else one.kind
        )
        return Markup("{} {}").format(one.principal, kind) if one.kind != "node" else kind

    def of(one: AuditEntry) -> Markup:
        more = _more(one)
        shown = Markup('<span class="raw-text">{}</span>').format(one.object)
        return shown + (
            Markup('<br><span class="small mute raw-text">{}</span>').format(more) if more else ""
        )

    columns = [
        Column("at", _("When"), "time", sortable=False),
        Column("principal", _("Who"), html=who, sortable=False),
        Column("action", _("What"), html=what, sortable=False),
        Column("object", _("Of what"), html=of, sortable=False),
        Column("count", _("Things written"), "number", sortable=False),
        Column("request", _("Request"), "code", sortable=False, phone=False),
        *(
            Column(name, hidden=True, sortable=False)
            for name in ("kind", "lane", "n", "content", "detail", "digest")
        ),
    ]
    nothing = _("No entry is like that.")
    return Table(
        request,
        _("Audit trail"),
        columns,
        Entries(site_of(request).store, _asked(request)),
        PAGE,
        nothing=nothing,
    )


_FIELDS = ("principal", "object", "action", "since", "until")


def _asked(request: Request) -> dict[str, str]:
    asked = {name: request.query_params.get(name, "").strip()[:_LONGEST] for name in _FIELDS}
    asked["since"], asked["until"] = _day(asked["since"]), _day(asked["until"], 1)
    return asked


def _day(text: str, later: int = 0) -> str:
    """A day as the trail has it, in UTC; "" for what is none."""
    try:
        day = dt.date.fromisoformat(text) + dt.timedelta(days=later)
    except (ValueError, OverflowError):
        return ""
    return day.isoformat()


def _more(one: AuditEntry) -> str:
    """The route or command, fields that were read, and other things of the same piece of work, in a line."""
    detail: dict[str, Any] = orjson.loads(one.detail) if one.detail else {}
    parts = [str(detail.pop("route", ""))]
    parts += [", ".join(map(str, detail.pop("fields", ())))]
    parts += [", ".join(f"{name} {n}" for name, n in (detail.pop("counts", None) or {}).items())]
    others = [str(of) for _action, of in detail.pop("objects", ()) if of != one.object]
    parts += [", ".join(others[:5]) + (" …" if len(others) > 5 else "")]
    return " · ".join(part for part in parts if part)
