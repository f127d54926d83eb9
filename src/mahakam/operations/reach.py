"""What a node was told to ask, and may not by its own list of hosts (``addresses``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from mahakam.access.provider.configured import read_provider
from mahakam.addresses import SETTING, allowed
from mahakam.broker.federation.registration import of_payload
from mahakam.broker.federation.registrations import KIND as REGISTRATION
from mahakam.broker.subscriptions import KIND as SUBSCRIPTION
from mahakam.config import ConfigError, Place
from mahakam.feeds import definition
from mahakam.feeds.origins import with_secrets
from mahakam.feeds.sources.model import SourceError
from mahakam.ngsild.subscription import Subscription
from mahakam.operations.finding import Finding
from mahakam.operations.node import Node
from mahakam.services.exchange_servers import servers_of


def hosts(node: Node) -> Iterator[Finding]:
    """Feeds, subscriptions, registrations, other Open311 servers and the sign-in provider whose host is not listed."""
    listed = allowed()
    if not listed:
        return
    for where, url in _asked(node):
        host = _host(url)
        if host and not listed.has(host):
            yield Finding(
                "hosts", "error", where, f"{host} is not in {SETTING}: the node does not connect to it",
                f"add the host to {SETTING} and restart, or take it out there; docs/security.md",
            )  # fmt: skip


def _asked(node: Node) -> Iterator[tuple[str, str]]:
    """Where a host is named, and the URL."""
    for place in node.places.values():
        yield from _of_place(place)
    for name in node.store.tenants():
        store = node.store.tenant(name)
        for id, record in sorted(store.records(SUBSCRIPTION).items()):
            yield f"subscription {id}", Subscription.from_record(record).endpoint.uri
        for id, record in sorted(store.records(REGISTRATION).items()):
            yield f"registration {id}", of_payload(record["payload"]).endpoint
    try:
        provider = read_provider(node.settings.folders, node.places, node.settings.signin_secret)
    except ConfigError:  # of another check
        provider = None
    if provider is not None:
        yield "signin.yaml", provider.issuer


def _of_place(place: Place) -> Iterator[tuple[str, str]]:
    for name in sorted(place.files("feeds")):
        try:
            feed = definition.load(place, name)
        except ConfigError:  # of another check
            continue
        yield from (
            (f"{place.id}/{name}", url) for url in _urls(feed.fetched[1] if feed.fetched else {}, name)
        )
    try:
        yield from ((f"{place.id}/exchange.yaml", server.url) for server in servers_of(place))
    except ConfigError:
        return


def _urls(options: Mapping[str, Any], feed: str) -> Iterator[str]:
    """The addresses among a feed's options, as far as their secrets are set in this environment."""
    for value in options.values():
        if isinstance(value, str) and "://" in value:
            try:
                yield with_secrets(value, feed)
            except SourceError:
                continue


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
