"""The way of a letter: approved by officers in their order, never twice by the same one, then issued; or revoked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.services import issued
from mahakam.services.desk import Desk
from mahakam.services.issued import Issued
from mahakam.services.product import Product
from mahakam.services.request import Fault, Refused, Request, Step, utc_text, words_faults
from mahakam.store.protocol import EntityStore, Transaction

Maker = Callable[[Issued, str], bytes]
"""Makes the PDF of a letter, given the code under which it is verified."""


def fault_of(store: EntityStore, request: Request, officer: str) -> Fault | None:
    """Why an officer cannot give the next approval; None if they can."""
    if not request.open or request.merged_into:
        return Fault("approval", "closed", {})
    if request.state == "waiting":
        return Fault("approval", "waiting", {})
    if any(one.by == officer for one in issued.approvals_of(store, request.number, request.steps)):
        return Fault("approval", "twice", {})
    return None


def approve(
    desk: Desk,
    store: EntityStore,
    place: Place,
    product: Product,
    seen: tuple[Request, int],
    officer: str,
    make: Maker,
    now: dt.datetime | None = None,
) -> Request:
    """Give the next approval to a request as it was ``seen`` (with its revision); the last one issues the letter.

    Raises Refused if the officer may not approve it now, Changed if somebody was faster: nothing is written then.
    """
    request, revision = seen
    at = now or dt.datetime.now(dt.UTC)
    if fault := fault_of(store, request, officer):
        raise Refused([fault])
    given = issued.approvals_of(store, request.number, request.steps)
    name = product.approvals[len(given)]
    last = len(given) + 1 == len(product.approvals)
    letter, made = _made(store, place, product, request, make, at) if last else (None, b"")

    def decide(before: Request, _words: str) -> Step:
        if letter is not None:
            return Step("answered", "", before.agency, "", "issued", reason=name)
        return Step("inProgress", "", before.agency, "", "approved", reason=name)

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


def _made(
    store: EntityStore, place: Place, product: Product, request: Request, make: Maker, at: dt.datetime
) -> tuple[Issued, bytes]:
    today = at.astimezone(ZoneInfo(place.timezone)).date()
    until = (today + dt.timedelta(days=product.valid)).isoformat() if product.valid else ""
    count = len(issued.letters_of(store, request.number)) + 1
    letter = Issued(f"{request.number}-{count}", request.service, request.place, today.isoformat(), until)
    made = make(letter, issued.code_of(store, letter))
    return issued.signed(store, letter, made), made
