"""What contracts say to pages: which attributes are personal and hidden from whom, and what a rule means."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from mahakam.access.rights import Sight
from mahakam.config import ConfigError, Place, place_of
from mahakam.feeds.catalogue.entry import hidden_fields
from mahakam.feeds.parts import contract_file
from mahakam.ngsild.entity import scopes_of
from mahakam.store.protocol import Document
from mahakam.web.gate import visitor
from mahakam.web.site import site_of

if TYPE_CHECKING:
    from mahakam.quality.contract import Contract
    from mahakam.web.site import Site


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


def sight_of(request: Request, site: Site | None = None) -> Sight:
    """What this visitor sees."""
    return (site or site_of(request)).node.rights.sight(visitor(request))


def hidden(request: Request, site: Site, place: Place | None, type: str) -> frozenset[str]:
    """The attributes that this visitor may not see, as the API hides them too."""
    if place is None:
        return frozenset()
    return sight_of(request, site).closed(type, place)


def hidden_of_feed(request: Request, site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of a feed's dataset that this visitor may not see.

    Raises ConfigError if its contract cannot be read: what it protects is not known then.
    """
    return _hidden_fields(site, place, feed, sight_of(request, site))


def personal_of_feed(site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of a feed's dataset that its contract calls personal. Raises ConfigError."""
    return _hidden_fields(site, place, feed, site.node.rights.personal)


def _hidden_fields(site: Site, place: Place, feed: str, sight: Sight) -> frozenset[str]:
    from mahakam.web.datasets import feed_of

    path = contract_file(site.places, place, feed_of(place, feed).contract)
    contracts = _contracts(path, path.stat().st_mtime_ns) if path else []
    return frozenset(name for contract in contracts for name in hidden_fields(contract, place, sight))


def place_of_document(site: Site, document: Document) -> Place | None:
    """The place that an entity belongs to, by its scope."""
    return place_of(scopes_of(document), site.places)


def feed_is_closed(site: Site, place: Place, feed: str) -> bool:
    """Whether the feed's file holds what is not public: then only those who work with the rows get the file."""
    from mahakam.web.datasets import feed_of

    try:
        path = contract_file(site.places, place, feed_of(place, feed).contract)
    except ConfigError:
        return True
    if path is None:
        return True
    contracts = _contracts(path, path.stat().st_mtime_ns)
    return any(hidden_fields(contract, place, site.node.rights.open) for contract in contracts)
