"""Recording that something was paid for a request."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from mahakam.config import Place
from mahakam.services.desk import Desk
from mahakam.services.needs import service_of
from mahakam.services.payment_record import KIND, Payment, decimal_of
from mahakam.services.request import Fault, Refused, Request, Step, clean, utc_now
from mahakam.store.protocol import Transaction

LONGEST_REFERENCE = 80
_MOST_PAYMENTS = 20


def record(
    desk: Desk,
    places: Mapping[str, Place],
    seen: tuple[Request, int],
    typed: Mapping[str, str],
    officer: str,
) -> Request:
    """Record a payment: ``typed`` has amount, reference and date (ISO 8601) as an officer wrote them.

    Raises Refused with everything that is wrong at once, Changed if somebody was faster.
    """
    request, revision = seen
    service = service_of(places, request)
    fee = service.fee if service else None
    if fee is None:
        raise Refused([Fault("payment", "none", {})])
    amount, reference = decimal_of(typed["amount"]), clean(typed["reference"])
    faults = [] if amount is not None else [Fault("amount", "number", {"value": typed["amount"][:40]})]
    if not 1 <= len(reference) <= LONGEST_REFERENCE or "\n" in reference:
        faults.append(Fault("reference", "length", {"most": LONGEST_REFERENCE}))
    date = _date(typed["date"])
    today = dt.datetime.now(ZoneInfo(places[request.place].timezone)).date()
    if date is None or date > today:
        faults.append(Fault("date", "future" if date else "form", {}))
    if faults:
        raise Refused(faults)
    payment = Payment(f"{amount:f}", fee.currency, reference, str(date), officer, utc_now())

    def decide(before: Request, _words: str) -> Step:
        if not before.open or before.merged_into:
            raise Refused([Fault("payment", "settled", {})])
        return Step(before.state, "", before.agency, "", "paid")

    def also(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, request.number) or {}
        payments = list(kept.get("payments", ()))
        if any(one["reference"] == reference for one in payments):
            raise Refused([Fault("reference", "twice", {})])
        if len(payments) >= _MOST_PAYMENTS:
            raise Refused([Fault("payment", "many", {"most": _MOST_PAYMENTS})])
        transaction.save_record(KIND, request.number, {"payments": [*payments, asdict(payment)]})

    return desk.advance(request.number, revision, "", decide, officer, also=also)


def _date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        return None
