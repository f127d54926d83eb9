"""News to browsers, in one thread: write what is news, send what is owed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import parseaddr
from urllib.parse import quote, urlsplit

from mahakam.broker.rounds import Rounds
from mahakam.config import Place, Settings
from mahakam.services import push
from mahakam.services.desk import Desk
from mahakam.services.owner import key_of
from mahakam.services.push import Browser, Pusher
from mahakam.services.request import Request
from mahakam.services.watch import Watch
from mahakam.store.protocol import EntityStore, Transaction
from mahakam.web.language import _, reading
from mahakam.web.request_desk import public_requests
from mahakam.web.request_words import state_words, step_words
from mahakam.web.site import Node

_LONGEST = 240
"""Letters of a step's words: what a notification shows."""


class Pushing(Rounds):
    """Runs in the process that leads."""

    def __init__(self, node: Node) -> None:
        super().__init__("news to browsers")
        self._store = node.store.tenant()
        settings = node.settings
        self._watch = Watch(self._store, Desk(node.broker, node.places, settings.data), "push-cursor")
        self._places = node.places
        self._public = public_requests(node)
        self._pusher = Pusher(self._store, subject_of(settings), private_addresses=settings.private_addresses)

    def write_news(self) -> int:
        """Owe a message to every browser that follows a request that has news; how many. Each step is told once."""
        if not self._store.record_keys(push.KIND, 1):
            self._watch.skip()
            return 0
        return self._watch.look(self._tell)

    def send(self) -> int:
        """Send what is owed; how many were taken."""
        return asyncio.run(self._pusher.deliver())

    def _tell(self, request: Request) -> int:
        if self._store.record(push.KIND, request.number) is None:
            return 0
        shown = self._public(request.number)

        def work(transaction: Transaction) -> int:
            done, browsers = push.told(transaction.record(push.KIND, request.number))
            if done >= len(request.steps):
                return 0
            said = {
                browser: _said(self._store, self._places, one, browser)
                for browser in browsers
                if (one := request if browser.owner else shown) and one.steps
            }
            return push.owe(transaction, request.number, len(request.steps), said)

        return self._store.write(work)

    def round(self) -> None:
        self.write_news()
        self.send()


def subject_of(settings: Settings) -> str:
    """Where the push service finds who runs the node: the mail's sender, else the node's address."""
    address = parseaddr(settings.mail_from)[1]
    if "@" in address:
        return f"mailto:{address}"
    if settings.base.startswith("https:"):
        return settings.base
    return f"mailto:postmaster@{urlsplit(settings.base).hostname or 'localhost'}"


def _said(
    store: EntityStore, places: Mapping[str, Place], request: Request, browser: Browser
) -> dict[str, str]:
    with reading(browser.language):
        step = request.steps[-1]
        title = _("Report %(number)s: %(state)s", number=request.number, state=state_words(places, request))
        body = step.text or step_words(places, request, step)
    page = f"/requests/{request.number}"
    if browser.owner:
        page += f"?key={quote(key_of(store, request.number))}"
    return {"title": title, "body": body[:_LONGEST], "page": page, "tag": request.number}
