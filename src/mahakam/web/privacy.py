"""What contracts say to pages: which attributes are personal and hidden from whom, and what a rule means."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request

from mahakam.access.rights import PERSONAL
from mahakam.config import ConfigError, Place, place_of
from mahakam.feeds.parts import contract_file
from mahakam.store.protocol import Document
from mahakam.web.gate import visitor

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


def hidden(request: Request, site: Site, place: Place | None, type: str) -> frozenset[str]:
    """The attributes that this visitor may not see, as the API hides them too."""
    if place is None:
        return frozenset()
    sight = site.node.rights.sight(visitor(request))
    return sight.closed(type, place)


def hidden_of_feed(request: Request, site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of a feed's dataset that this visitor may not see.

    Raises ConfigError if its contract cannot be read: what it protects is not known then.
    """
    sight = site.node.rights.sight(visitor(request))
    return frozenset(name for name, kind in _classes_of_feed(site, place, feed) if not sight.may(kind, place))


def personal_of_feed(site: Site, place: Place, feed: str) -> frozenset[str]:
    """The columns of a feed's dataset that its contract calls personal. Raises ConfigError."""
    return frozenset(name for name, kind in _classes_of_feed(site, place, feed) if kind == PERSONAL)


def _classes_of_feed(site: Site, place: Place, feed: str) -> list[tuple[str, str]]:
    from mahakam.web.datasets import feed_of

    path = contract_file(site.places, place, feed_of(place, feed).contract)
    contracts = _contracts(path, path.stat().st_mtime_ns) if path else []
    return [(field.name, field.closed) for contract in contracts for field in contract.fields.values()]


def place_of_document(site: Site, document: Document) -> Place | None:
    """The place that an entity belongs to, by its scope."""
    scope = document.get("scope") or []
    return place_of([scope] if isinstance(scope, str) else scope, site.places)


def feed_is_closed(site: Site, place: Place, feed: str) -> bool:
    """Whether the feed's file holds what is not public: then only those who work with the rows get the file."""
    from mahakam.web.datasets import feed_of

    try:
        path = contract_file(site.places, place, feed_of(place, feed).contract)
    except ConfigError:
        return True
    if path is None:
        return True
    return any(
        field.closed
        for contract in _contracts(path, path.stat().st_mtime_ns)
        for field in contract.fields.values()
    )
