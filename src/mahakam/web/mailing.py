"""The node's mail, in one thread: write what is news, send what is owed."""

from __future__ import annotations

import asyncio

from mahakam.broker.rounds import Rounds
from mahakam.services.desk import Desk
from mahakam.services.outbox import Postman, Server, sender_of
from mahakam.web.letters import Letters
from mahakam.web.request_desk import public_requests
from mahakam.web.site import Node


class Mailing(Rounds):
    """Runs in the process that leads. Raises MailError if the settings name no mail server or no sender."""

    def __init__(self, node: Node) -> None:
        super().__init__("mail")
        store = node.store.tenant()
        desk = Desk(node.broker, node.places, node.settings.data)
        self._letters = Letters(store, desk, node.places, node.settings.base, public_requests(node))
        self._postman = Postman(store, Server.parse(node.settings.smtp), sender_of(node.settings.mail_from))

    def round(self) -> None:
        self._letters.write_news()
        asyncio.run(self._postman.deliver())
