"""A hub takes in what its nodes publish over NATS: from a durable consumer, acknowledged once it is stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import orjson
from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import NotFoundError

from mahakam.broker.broker import Broker
from mahakam.broker.nats_link import Target, connected, ended, why
from mahakam.broker.rounds import Rounds
from mahakam.ngsild.problem import Problem
from mahakam.nodes.faults import LATER, NodeError
from mahakam.nodes.intake import take
from mahakam.nodes.over_nats import STREAM, SUBJECTS, signer
from mahakam.store.errors import StoreError

_log = logging.getLogger(__name__)
DURABLE = "mahakam-hub"
WAIT = 10.0
AT_ONCE = 50
"""Messages that are fetched at once."""
AGAIN = 60.0
"""Seconds after which the server offers again what was not acknowledged."""
SOON = 5.0
"""Seconds after which a message that cannot be taken yet is wanted again."""


class Receiving(Rounds):
    """In one process of the hub. A round lasts as long as the connection."""

    PATIENCE = 5.0

    def __init__(self, broker: Callable[[], Broker], url: str) -> None:
        super().__init__("nodes over NATS")
        self._broker = broker
        self._target = Target.of(url)
        self._said = ""

    def round(self) -> None:
        try:
            asyncio.run(self._receive())
        except (OSError, Error) as error:
            said = why(error, None, WAIT)
            if said != self._said:
                _log.warning("%s: %s: %s", self.name, self._target.shown, said)
            self._said = said

    async def _receive(self) -> None:
        # The administrator of the hub names the server: it may be on this machine.
        client = await connected(
            self._target, wait=WAIT, private_addresses=True, name="mahakam hub", configured=True
        )
        try:
            messages = await _consumer(client.jetstream(timeout=WAIT))
            self._said = ""
            while client.is_connected and not self.ended.is_set():
                try:
                    some = await messages.fetch(AT_ONCE, timeout=1)
                except TimeoutError:
                    continue
                for message in some:
                    if self.ended.is_set():
                        return
                    await self._take(message)
        finally:
            await ended(client)

    async def _take(self, message: Msg) -> None:
        """One after the other, and acknowledged after the store's commit: what is lost between comes again."""
        try:
            await asyncio.to_thread(self._stored, message)
        except NodeError as error:
            if error.kind == LATER:
                await message.nak(delay=SOON)
            else:
                _log.warning("%s: %s: %s", self.name, message.subject, error)
                await message.term()
        except (StoreError, Problem) as error:
            _log.warning("%s: %s waits: %s", self.name, message.subject, error)
            await message.nak(delay=SOON)
        else:
            await message.ack()

    def _stored(self, message: Msg) -> None:
        broker = self._broker()
        node = signer(broker.store, message.subject, message.headers or {}, message.data)
        try:
            said = orjson.loads(message.data)
        except orjson.JSONDecodeError as error:
            raise NodeError(f"no JSON: {error.msg}") from None
        if not isinstance(said, dict):
            raise NodeError("a JSON object was expected")
        take(broker, node, said)


async def _consumer(js: JetStreamContext) -> JetStreamContext.PullSubscription:
    """The stream keeps each message on its disk until it was acknowledged; both are made where they are missing."""
    try:
        await js.stream_info(STREAM)
    except NotFoundError:
        await js.add_stream(
            StreamConfig(
                name=STREAM,
                subjects=[f"{SUBJECTS}.*"],
                retention=RetentionPolicy.WORK_QUEUE,
                storage=StorageType.FILE,
            )
        )
    try:
        await js.consumer_info(STREAM, DURABLE)
    except NotFoundError:
        await js.add_consumer(
            STREAM,
            ConsumerConfig(
                durable_name=DURABLE,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=AGAIN,
                max_ack_pending=AT_ONCE * 4,
            ),
        )
    return await js.pull_subscribe_bind(DURABLE, STREAM)
