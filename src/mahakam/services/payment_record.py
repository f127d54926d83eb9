"""What a service costs (``fee:``), and the payments that were recorded for a request.

No money goes through Mahakam. That something was paid is public; how much and under which reference only the
resident and those who work on the request see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from mahakam.config import ConfigError
from mahakam.store.protocol import EntityStore, Transaction

KIND = "request-payments"
MOST = Decimal(10**12)
_CURRENCY = re.compile(r"[A-Z]{3}")
_EXAMPLE = "fee: {currency: IDR, amount: 50000}"


@dataclass(frozen=True, slots=True)
class Fee:
    """``currency`` as ISO 4217 has it; ``amount`` is None where it depends on the request."""

    currency: str
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """``amount`` is a decimal number in ``currency`` (ISO 4217), ``date`` when it was paid (ISO 8601), ``reference`` as
    the bank or the treasury gave it; recorded ``by`` an officer's account ``at`` a moment (ISO 8601 UTC)."""

    amount: str
    currency: str
    reference: str
    date: str
    by: str
    at: str


def read_fee(path: Path, raw: object) -> Fee | None:
    """``fee:`` of a service. Raises ConfigError."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or set(raw) - {"currency", "amount"}:
        raise ConfigError(path, f"fee has currency and perhaps amount, e.g. {_EXAMPLE}, not {raw!r}")
    currency = raw.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise ConfigError(
            path, f"fee.currency has three capital letters (ISO 4217), e.g. IDR, not {currency!r}"
        )
    if raw.get("amount") is None:
        return Fee(currency)
    amount = decimal_of(str(raw["amount"]))
    if amount is None:
        raise ConfigError(path, f"fee.amount is a number above 0, e.g. 50000, not {raw['amount']!r}")
    return Fee(currency, amount)


def payments_of(store: EntityStore | Transaction, number: str) -> list[Payment]:
    """What was recorded for a request, the oldest first."""
    return [Payment(**one) for one in (store.record(KIND, number) or {}).get("payments", ())]


def decimal_of(text: str) -> Decimal | None:
    """An amount above 0 with at most two decimals; None for anything else."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 < amount <= MOST or amount != round(amount, 2):
        return None
    return amount
