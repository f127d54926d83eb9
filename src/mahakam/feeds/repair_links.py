"""Signed links by which an agency without an account repairs its own held rows: made, opened, revoked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from mahakam.access.secrets import secrets_of, signing_secret
from mahakam.feeds.definition import Feed
from mahakam.feeds.repairing import cells_now
from mahakam.store.model import Held
from mahakam.store.protocol import EntityStore, Transaction

KIND = "repair-link"
DAYS = 14
LONGEST = 90
"""Days that a link may be good for."""
_TOKEN = re.compile(r"([A-Za-z0-9_-]{12})\.([A-Za-z0-9_-]{27})")


@dataclass(frozen=True, slots=True)
class Link:
    """The right to repair the rows of one agency in one feed until ``until`` (seconds since 1970).

    ``agency`` is what the feed's column of agencies says in those rows; "" where the feed has none: then all are its.
    ``name`` is what people call the agency; ``by`` who made the link, ``at`` when; ``used`` when it last wrote.
    """

    id: str
    place: str
    feed: str
    agency: str
    name: str
    by: str
    at: float
    until: float
    revoked: str = ""
    used: float = 0.0

    @property
    def is_good(self) -> bool:
        return not self.revoked and time.time() < self.until

    @property
    def until_text(self) -> str:
        """When it runs out, ISO 8601 UTC."""
        return _iso(self.until)

    @property
    def used_text(self) -> str:
        return _iso(self.used)

    @property
    def author(self) -> str:
        """Who the history says wrote, by this link."""
        return f"{self.name} ({self.id})"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def make(store: EntityStore, feed: Feed, agency: str, name: str, by: str, days: int = DAYS) -> Link:
    """A new link. Raises ValueError for an agency that the feed's rows do not tell apart, or for too many days."""
    if not 1 <= days <= LONGEST:
        raise ValueError(f"a link is good for 1 to {LONGEST} days, not {days}")
    if bool(agency) != bool(feed.agency):
        raise ValueError("an agency is named exactly where the feed has a column of agencies")
    at = time.time()
    link = Link(secrets.token_urlsafe(9), feed.place.id, feed.name, agency, name, by, at, at + days * 86400)
    store.write(lambda transaction: transaction.save_record(KIND, link.id, asdict(link)))
    return link


def token(store: EntityStore, link: Link) -> str:
    """What stands in the address: the link's number and the node's signature over all that it grants."""
    return f"{link.id}.{_signature(signing_secret(store), link)}"


def opened(store: EntityStore, text: str) -> Link | None:
    """The link of a token that we signed, whether it is still good or not; None for any other text."""
    match = _TOKEN.fullmatch(text)
    kept = store.record(KIND, match.group(1)) if match else None
    if match is None or kept is None:
        return None
    link = Link(**kept)
    good = secrets_of(store).signed(match.group(2), lambda secret: _signature(secret.value, link))
    return link if good else None


def links(store: EntityStore, place: str, feed: str) -> list[Link]:
    """The links of a feed, the newest first."""
    found = (Link(**kept) for kept in store.records(KIND).values())
    return sorted(
        (link for link in found if (link.place, link.feed) == (place, feed)), key=lambda link: -link.at
    )


def revoke(store: EntityStore, id: str, by: str) -> None:
    """The link opens nothing from now on. Raises KeyError for no such link."""
    _change(store, id, revoked=by or "somebody")


def used(store: EntityStore, id: str) -> None:
    """Remember that rows came back by the link."""
    _change(store, id, used=time.time())


def owns(feed: Feed, agency: str) -> Callable[[Held], bool]:
    """Whether a held row is of the agency."""
    return lambda held: not feed.agency or (cells_now(held).get(feed.agency) or "") == agency


def _change(store: EntityStore, id: str, **changes: object) -> None:
    def work(transaction: Transaction) -> None:
        kept = transaction.record(KIND, id)
        if kept is None:
            raise KeyError(id)
        transaction.save_record(KIND, id, kept | changes)

    store.write(work)


def _signature(secret: str, link: Link) -> str:
    granted = "\n".join((KIND, link.id, link.place, link.feed, link.agency, f"{link.until:.6f}"))
    digest = hmac.new(secret.encode(), granted.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:20]).decode().rstrip("=")
