"""Messages of a NATS JetStream stream, in batches: a message is acknowledged once its record is stored or held.

A batch is written to a spool that outlives the run, with what acknowledges it: a run that was cut off is made up for by
the next one before that asks for more, so that messages stay in their order.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nats.aio.msg import Msg
from nats.errors import Error
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from mahakam.broker.nats_link import NatsClient, Target, connected, ended, why
from mahakam.feeds.origins import Ask, NothingNew, Origin, url_with_secrets
from mahakam.feeds.origins._messages import lines, mended, written
from mahakam.feeds.origins._tls import FILES, trusting
from mahakam.feeds.sources.model import SourceError

MOST, WAIT, SECONDS = 10_000, 2.0, 30.0
CONNECT = 15.0
AGAIN = 30.0
"""Seconds after which the server offers again what was not acknowledged."""
_BATCH, _TAKEN, _SETTLED = ".jsonl", ".taken", ".settled"
"""Suffixes: the lines of a batch; what acknowledges it; the same, once it may be acknowledged."""
_PIECE = 500
_SUBJECT = "nats_subject"


def fetch(ask: Ask) -> list[Path]:
    """The messages of one batch as JSON lines, each with its subject; first those that an interrupted run left behind.

    Raises NothingNew, SourceError for a server that cannot be reached or refuses, or a stream that is not there.
    """
    assert ask.spool is not None
    ask.spool.mkdir(parents=True, exist_ok=True)
    batch = next(iter(sorted(ask.spool.glob(f"*{_BATCH}"))), None)
    if batch is None or not mended(batch):
        batch = asyncio.run(_gathered(ask, ask.spool))
    path = written(batch, ask)
    ask.settled.append(lambda: _settle(ask, batch))
    return [path]


def _settle(ask: Ask, batch: Path) -> None:
    """All is stored or held. A server that does not answer now hears of it in the next run."""
    taken = batch.with_suffix(_TAKEN)
    if taken.exists():
        taken.rename(batch.with_suffix(_SETTLED))
    batch.unlink(missing_ok=True)
    try:
        asyncio.run(_acknowledge_kept(ask, batch.parent))
    except SourceError:
        return


async def _acknowledge_kept(ask: Ask, spool: Path) -> None:
    client = await _link(ask)
    try:
        await _acknowledge(ask, client, spool)
    finally:
        await ended(client)


async def _acknowledge(ask: Ask, client: NatsClient, spool: Path) -> None:
    """Acknowledge the batches that are settled."""
    for kept in sorted(spool.glob(f"*{_SETTLED}")):
        replies = json.loads(kept.read_text("utf-8"))
        for first in range(0, len(replies), _PIECE):
            some = replies[first : first + _PIECE]
            await _asked(
                ask, client, asyncio.gather(*(client.request(one, b"+ACK", timeout=CONNECT) for one in some))
            )
        kept.unlink()


async def _gathered(ask: Ask, spool: Path) -> Path:
    options = ask.options
    most, wait = int(options.get("most", MOST)), float(options.get("wait", WAIT))
    end = time.monotonic() + float(options.get("seconds", SECONDS))
    client = await _link(ask)
    try:
        await _acknowledge(ask, client, spool)
        for unwritten in spool.glob(f"*{_TAKEN}"):
            unwritten.unlink()  # of a run that ended before it had the lines: the server has the messages
        messages = await _messages(ask, client, most, wait, end)
    finally:
        await ended(client)
    if not messages:
        raise NothingNew("no message came")
    name = f"{ask.name.rpartition('/')[2]}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    _durable(spool / f"{name}{_TAKEN}", json.dumps([message.reply for message in messages]).encode())
    batch = spool / f"{name}{_BATCH}"
    _durable(batch, b"".join(b"".join(_lines(one)) for one in messages))
    return batch


def _lines(message: Msg) -> list[bytes]:
    """The records of a message; of a notification of NGSI-LD (clause 5.3.1) its entities."""
    try:
        value = json.loads(message.data)
    except (ValueError, RecursionError):
        value = None
    told = value.get("data") if isinstance(value, dict) and value.get("type") == "Notification" else None
    if isinstance(told, list) and told and all(isinstance(one, dict) for one in told):
        return lines(json.dumps(told).encode(), _SUBJECT, message.subject)
    return lines(message.data, _SUBJECT, message.subject)


async def _messages(ask: Ask, client: NatsClient, most: int, wait: float, end: float) -> list[Msg]:
    """What there is, once each, in the order of the stream."""
    js = client.jetstream(timeout=CONNECT)
    subscription = await _consumer(ask, client, js)
    found: dict[int, Msg] = {}
    while len(found) < most and (left := min(wait, end - time.monotonic())) > 0:
        try:
            some = await _asked(ask, client, subscription.fetch(min(_PIECE, most - len(found)), timeout=left))
        except TimeoutError:
            break
        for message in some:
            found[message.metadata.sequence.stream] = message
        if some and not some[-1].metadata.num_pending:
            break
    return [found[number] for number in sorted(found)]


async def _consumer(ask: Ask, client: NatsClient, js: JetStreamContext) -> JetStreamContext.PullSubscription:
    """The feed's durable consumer, made by its first run; what it may have under way is as much as a batch has."""
    options = ask.options
    stream = str(options["stream"])
    durable = str(options.get("durable") or re.sub(r"[^A-Za-z0-9_-]", "-", f"mahakam-{ask.name}"))
    config = ConsumerConfig(
        durable_name=durable,
        ack_policy=AckPolicy.EXPLICIT,
        deliver_policy=DeliverPolicy.ALL,
        ack_wait=AGAIN,
        max_ack_pending=max(int(options.get("most", MOST)), 1),
        filter_subject=str(options["subject"]) if "subject" in options else None,
    )
    try:
        try:
            info = await _asked(ask, client, js.consumer_info(stream, durable))
        except NotFoundError:
            info = await _asked(ask, client, js.add_consumer(stream, config))
        if info.num_ack_pending:
            # A run that was cut off before it had them on the disk: they come again, and are to come first.
            await asyncio.sleep((info.config.ack_wait or AGAIN) + 0.5)
        found: JetStreamContext.PullSubscription = await _asked(
            ask, client, js.pull_subscribe_bind(durable, stream)
        )
        return found
    except APIError as error:
        raise SourceError(ask.name, f"stream {stream}, consumer {durable}: {error.description}") from error


async def _asked(ask: Ask, client: NatsClient, work: Any) -> Any:
    """Its result. Raises SourceError in words; lets pass that nothing came, and what JetStream refuses."""
    try:
        return await work
    except (TimeoutError, APIError):
        if client.said:
            raise SourceError(ask.name, f"the server refuses: {why(Error(), client, 0)}") from None
        raise
    except (OSError, Error) as error:
        raise SourceError(ask.name, f"the connection broke: {why(error, client, CONNECT)}") from error


async def _link(ask: Ask) -> NatsClient:
    url = url_with_secrets(str(ask.options["url"]), ask.name)
    parts = urlsplit(url)
    if parts.scheme not in ("nats", "tls") or not parts.hostname:
        raise SourceError(ask.name, "url must be as nats://host:4222, or tls://host:4222 for TLS")
    target = Target.of(url)
    own = any(name in ask.options for name in FILES)
    context = trusting(ask) if target.secure and own else None
    try:
        return await connected(
            target,
            wait=CONNECT,
            private_addresses=ask.private_addresses,
            name=f"mahakam feed {ask.name}",
            context=context,
        )
    except (OSError, ValueError, Error) as error:
        raise SourceError(ask.name, f"{target.shown} cannot be used: {why(error, None, CONNECT)}") from error


def _durable(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all, whatever ends the run."""
    beside = path.with_suffix(path.suffix + ".part")
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)


ORIGIN = Origin(
    fetch,
    "messages of a NATS JetStream stream",
    {
        "url": "needed: as tls://feed:${PASSWORD}@host:4222, or nats:// without TLS",
        "stream": "needed: the stream's name",
        "subject": "only of this subject, with wildcards as NATS has them: city.*.air (default: all of the stream)",
        "durable": "the consumer, for which the server keeps what was acknowledged (default mahakam-PLACE-FEED)",
        "authority": "a PEM file with the authority that vouches for the server (default: those of the machine)",
        "certificate": "a PEM file with the certificate that the feed shows, where the server asks for one",
        "key": "a PEM file with the certificate's key (default: it stands in the same file)",
        "most": f"messages to a run (default {MOST})",
        "wait": f"seconds that a run waits for the first message (default {WAIT:.0f})",
        "seconds": f"seconds that a run fetches at most (default {SECONDS:.0f})",
    },
)
