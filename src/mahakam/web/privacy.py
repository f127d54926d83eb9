"""What contracts say to pages: which attributes are personal and hidden from whom, and what a rule means."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from mahakam.config import ConfigError, Place, chain, place_of
from mahakam.feeds.parts import contract_file
from mahakam.store.protocol import Document
from mahakam.web.gate import may

if TYPE_CHECKING:
    from mahakam.quality.contract import Contract
    from mahakam.web.site import Site


def contracts_of(site: Site, place: Place, type: str) -> list[Contract]:
    """The contracts for an entity type that hold in a place: its own, then those of the places above."""
    found = []
    for above in chain(site.places, place):
        for path in above.files("contracts").values():
            found += [
                contract for contract in _contracts(path, path.stat().st_mtime_ns) if contract.entity == type
            ]
    return found


@lru_cache(maxsize=256)
def _contracts(path: Path, _modified: int) -> list[Contract]:
    from mahakam.quality.load import load_all
    from mahakam.quality.odcs import ContractError

    try:
        return load_all(path)
    except ContractError as error:
        raise ConfigError(path, str(error)) from error


def rule_messages(site: Site, place: Place, feed: str) -> dict[tuple[str, str], str]:
    """(rule, field) → what should hold, in the words of the feed's contract."""
    from mahakam.web.datasets import feed_of

    try:
        path = contract_file(site.places, place, feed_of(place, feed).contract)
        contracts = _contracts(path, path.stat().st_mtime_ns) if path else []
    except ConfigError:
        return {}
    return {
        (rule.name, rule.field): rule.message or rule.expected
        for contract in contracts
        for rule in contract.rules
    }


def personal(site: Site, place: Place, type: str) -> frozenset[str]:
    """The attributes of the type that are personal in this place."""
    return frozenset(
        field.name
        for contract in contracts_of(site, place, type)
        for field in contract.fields.values()
        if field.personal
    )


def hidden(request: Request, site: Site, place: Place | None, type: str) -> frozenset[str]:
    """The attributes that this visitor may not see: the personal ones, unless they work with the rows."""
    if place is None:
        return frozenset()
    marked = personal(site, place, type)
    return marked if marked and not may(request, "quarantine.read", place) else frozenset()


def hidden_of_feed(request: Request, site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of a feed's dataset that this visitor may not see.

    Raises ConfigError if its contract cannot be read: what it protects is not known then.
    """
    from mahakam.web.datasets import feed_of

    if may(request, "quarantine.read", place):
        return frozenset()
    path = contract_file(site.places, place, feed_of(place, feed).contract)
    contracts = _contracts(path, path.stat().st_mtime_ns) if path else []
    return frozenset(f.name for contract in contracts for f in contract.fields.values() if f.personal)


def place_of_document(site: Site, document: Document) -> Place | None:
    """The place that an entity belongs to, by its scope."""
    scope = document.get("scope") or []
    return place_of([scope] if isinstance(scope, str) else scope, site.places)


def feed_is_personal(site: Site, place: Place, feed: str) -> bool:
    """Whether the feed's file holds personal data: then only those who work with the rows get the file."""
    from mahakam.web.datasets import feed_of

    try:
        path = contract_file(site.places, place, feed_of(place, feed).contract)
    except ConfigError:
        return True
    if path is None:
        return True
    return any(
        field.personal
        for contract in _contracts(path, path.stat().st_mtime_ns)
        for field in contract.fields.values()
    )
