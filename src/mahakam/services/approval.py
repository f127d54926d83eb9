"""The way of a letter: approved by officers in their order, never twice by the same one, then issued; or revoked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Set
from dataclasses import replace
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.services import issued
from mahakam.services.desk import Desk
from mahakam.services.issued import Issued
from mahakam.services.moves import ways
from mahakam.services.product import Product
from mahakam.services.request import Fault, Refused, Request, Step, utc_text, words_faults
from mahakam.services.workflow import APPROVAL, OFFICER, Transition, Who
from mahakam.store.protocol import EntityStore, Transaction

Maker = Callable[[Issued, str], bytes]
"""Makes the PDF of a letter, given the code under which it is verified."""


def fault_of(
    desk: Desk, store: EntityStore, product: Product, request: Request, officer: str, who: Set[Who]
) -> Fault | None:
    """Why an officer, who may do so much, cannot give the next approval; None if they can."""
    if not request.open or request.merged_into:
        return Fault("approval", "closed", {})
    if request.state == "waiting":
        return Fault("approval", "waiting", {})
    given = issued.approvals_of(store, request.number, request.steps)[: len(product.approvals)]
    if any(one.by == officer for one in given):
        return Fault("approval", "twice", {})
    if _issuing(desk, request) is None:
        return Fault("approval", "early", {})
    following = product.approvals[min(len(given), len(product.approvals) - 1)]
    return None if following.by in who else Fault("approval", following.by, {})


def approve(
    desk: Desk,
    store: EntityStore,
    place: Place,
    product: Product,
    seen: tuple[Request, int],
    officer: str,
    make: Maker,
    now: dt.datetime | None = None,
    who: Set[Who] = OFFICER,
) -> Request:
    """Give the next approval to a request as it was ``seen`` (with its revision); the last one issues the letter.

    Raises Refused if the officer may not approve it now, Changed if somebody was faster: nothing is written then.
    """
    request, revision = seen
    at = now or dt.datetime.now(dt.UTC)
    if fault := fault_of(desk, store, product, request, officer, who):
        raise Refused([fault])
    given = issued.approvals_of(store, request.number, request.steps)
    name = product.approvals[len(given)].name
    last = len(given) + 1 == len(product.approvals)
    letter, made = _made(store, place, product, request, make, at) if last else (None, b"")

    def decide(before: Request, _words: str) -> Step:
        way = _issuing(desk, before) if last else _approving(desk, before)
        step = desk.take(before, way, before.agency, "") if way else Step(before.state, "", before.agency)
        return replace(step, act="issued" if last else "approved", reason=name)

    def also(transaction: Transaction) -> None:
        issued.approve(transaction, request.number, len(request.steps), officer, utc_text(at))
        if letter is not None:
            issued.keep(transaction, request.number, letter, made)

    return desk.advance(request.number, revision, "", decide, officer, also=also)


def revoke(
    desk: Desk, store: EntityStore, request: Request, revision: int, reason: str, officer: str
) -> Request:
    """Take a letter back, for a public reason. Raises Refused, Changed."""
    if issued.pdf_of(store, request.number) is None:
        raise Refused([Fault("approval", "none", {})])

    def decide(before: Request, words: str) -> Step:
        if found := words_faults("revoke", words, 3):
            raise Refused(found)
        return Step(before.state, "", before.agency, words, "revoked")

    def also(transaction: Transaction) -> None:
        issued.revoke(transaction, request.number, utc_text(dt.datetime.now(dt.UTC)))

    return desk.advance(request.number, revision, reason, decide, officer, also=also)


def _issuing(desk: Desk, request: Request) -> Transition | None:
    """The way that the last approval takes; None where nothing is to be approved yet."""
    offered = ways(desk.workflow(request), request, APPROVAL)
    return next((way for way in offered if "letter" in way.does), None)


def _approving(desk: Desk, request: Request) -> Transition | None:
    """The way that an approval before the last one takes; None: it stays where it is."""
    offered = ways(desk.workflow(request), request, APPROVAL)
    return next((way for way in offered if "letter" not in way.does), None)


def _made(
    store: EntityStore, place: Place, product: Product, request: Request, make: Maker, at: dt.datetime
) -> tuple[Issued, bytes]:
    today = at.astimezone(ZoneInfo(place.timezone)).date()
    until = (today + dt.timedelta(days=product.valid)).isoformat() if product.valid else ""
    count = len(issued.letters_of(store, request.number)) + 1
    letter = Issued(f"{request.number}-{count}", request.service, request.place, today.isoformat(), until)
    made = make(letter, issued.code_of(store, letter))
    return issued.signed(store, letter, made), made
