"""The letter of intent of a cooperation: a typeset PDF (typst) that links to what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin

from starlette.responses import Response

from mahakam.network.cooperation import SIDES, Cooperation
from mahakam.web.cooperation_desk import CooperationDesk
from mahakam.web.documents import PDF
from mahakam.web.language import _, date, reader
from mahakam.web.network_office import ROLES, network_name, spoken
from mahakam.web.typeset import typeset


def letter_of_intent(
    one: Cooperation,
    found: CooperationDesk,
    parts: Sequence[tuple[str, dict[str, str]]],
    about: Sequence[tuple[str, str]],
    base: str,
    address: str,
) -> Response:
    """``base`` is the node's address, before which links stand, ``address`` the page's own path. There is a letter."""
    assert one.agreement is not None
    signed, agreed = one.signed(), one.happened("agreed")
    data = {
        "lang": reader().language,
        "kind": _("Letter of intent"),
        "title": one.title,
        "number": one.key,
        "address": base + address,
        "network": network_name(found.desk),
        "draft": "" if agreed else _("Draft: not signed by both sides"),
        "between": _("between"),
        "and": _("and"),
        "sides": [found.party_name(one.party(side)) for side in SIDES],
        "agreed": _("Agreed on %(when)s", when=date(agreed)) if agreed else "",
        "about_title": _("What it is about"),
        "about": [{"name": name, "href": urljoin(base, href) if href else ""} for name, href in about],
        "parts": [[heading, spoken(text)] for heading, text in parts],
        "period_title": _("From when to when"),
        "period": f"{date(one.agreement.begins)} – {date(one.agreement.ends)}",
        "nature": _("This letter says what both sides intend. It binds neither in law and moves no money."),
        "signed_title": _("Signed off by"),
        "head": [_("For"), _("Name and office"), _("When")],
        "signatures": [
            [
                found.party_name(one.party(side)),
                f"{mark.by.name}, {_(ROLES[mark.by.role])}" if mark else _("not yet"),
                date(mark.at) if mark else "",
            ]
            for side in SIDES
            for mark in (signed.get(side),)
        ],
    }
    made = typeset("letter-of-intent.typ", data)
    headers = {
        "Content-Disposition": f'inline; filename="{one.key}-{reader().language}.pdf"',
        "Cache-Control": "no-store",
    }
    return Response(made, media_type=PDF, headers=headers)
