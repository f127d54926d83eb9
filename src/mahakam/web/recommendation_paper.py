"""A recommendation as it goes to the leaders: a typeset PDF (typst) whose every claim links to its evidence."""

from __future__ import annotations

from typing import Any
from urllib.parse import urljoin

from starlette.responses import Response

from mahakam.network.recommendation import PUBLIC, Evidence, Recommendation
from mahakam.web.documents import PDF
from mahakam.web.language import _, date, reader
from mahakam.web.network_office import Desk, evidence_address, network_name, spoken
from mahakam.web.typeset import typeset


def paper(one: Recommendation, found: Desk, base: str, address: str) -> Response:
    """``base`` is the node's address, before which evidence on this node stands; ``address`` the page's own."""
    adopted = one.happened("adopted")
    data: dict[str, Any] = {
        "lang": reader().language,
        "title": spoken(one.text.title),
        "number": one.key,
        "address": address,
        "network": network_name(found),
        "draft": "" if one.state in PUBLIC else _("Draft: not adopted"),
        "adopted": _("Adopted by consensus on %(when)s", when=date(adopted)) if adopted else "",
        "why": spoken(one.text.why),
        "claims_title": _("What we found"),
        "evidence_title": _("Evidence"),
        "claims": [
            {
                "text": spoken(claim.text),
                "evidence": [_evidence(piece, base) for piece in claim.evidence],
            }
            for claim in one.text.claims
        ],
        "actions_title": _("What we recommend"),
        "head": [_("To do"), _("Who"), _("Until when")],
        "actions": [
            [spoken(action.text), action.who, date(action.due) if action.due else ""]
            for action in one.text.actions
        ],
        "consensus_title": _("Consensus of the countries"),
        "countries": _countries(one, found) if one.state in PUBLIC else [],
    }
    made = typeset("recommendation.typ", data)
    headers = {"Content-Disposition": f'inline; filename="{one.key}-{reader().language}.pdf"'}
    return Response(made, media_type=PDF, headers=headers)


def _evidence(piece: Evidence, base: str) -> dict[str, str]:
    cited = _("as of %(when)s", when=date(piece.cited)) if piece.cited else ""
    return {
        "name": piece.name,
        "value": piece.value,
        "cited": cited,
        "href": urljoin(base, evidence_address(piece)),
    }


def _countries(one: Recommendation, found: Desk) -> list[list[str]]:
    """Country, who spoke for it, when."""
    return [
        [found.countries.get(code, code), position.by.name, date(position.at)]
        for code, position in sorted(
            one.standing_positions().items(), key=lambda pair: found.countries.get(pair[0], pair[0])
        )
    ]
