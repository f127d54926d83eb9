"""The node's mail, in one thread: write what is news, send what is owed."""

from __future__ import annotations

import asyncio
import logging
import threading

from mahakam.services.desk import Desk
from mahakam.services.outbox import Postman, Server, sender_of
from mahakam.store.errors import StoreError
from mahakam.web.letters import Letters
from mahakam.web.site import Node

LOOK = 3.0
"""Seconds between looks for news and for letters that are due."""
_log = logging.getLogger(__name__)


class Mailing:
    """Runs in the process that leads. Raises MailError if the settings name no mail server or no sender."""

    def __init__(self, node: Node) -> None:
        store = node.store.tenant()
        desk = Desk(node.broker, node.places, node.settings.data)
        self._letters = Letters(store, desk, node.places, node.settings.base)
        self._postman = Postman(store, Server.parse(node.settings.smtp), sender_of(node.settings.mail_from))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailing", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the letter under way; what is owed stays owed."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._letters.write_news()
                asyncio.run(self._postman.deliver())
            except StoreError as error:
                _log.error("mail waits: %s", error)
            self._ended.wait(LOOK)
