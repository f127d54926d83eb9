"""Messages of an MQTT broker (3.1.1), in batches: a message is acknowledged once it is on this machine's disk.

A broker sends only so many messages ahead of their acknowledgement (Mosquitto: 20), so a batch cannot wait for the end
of its run. It is written to a spool that outlives the run instead, and leaves it once each message is stored or held.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.enums import CallbackAPIVersion

from mahakam.feeds.origins import Ask, NothingNew, Origin, url_with_secrets
from mahakam.feeds.origins._messages import lines, mended, written
from mahakam.feeds.origins._mqtt_link import AHEAD, Client, Link
from mahakam.feeds.origins._tls import trusting
from mahakam.feeds.origins._web import address_of
from mahakam.feeds.sources.model import SourceError

MOST, WAIT, SECONDS = 100_000, 2.0, 30.0
CONNECT = 15.0
_TOPIC = "mqtt_topic"


def fetch(ask: Ask) -> list[Path]:
    """The messages of one batch as JSON lines, each with its topic; first those that an interrupted run left behind.

    Raises NothingNew, SourceError for a broker that cannot be reached or refuses.
    """
    assert ask.spool is not None
    ask.spool.mkdir(parents=True, exist_ok=True)
    batch = next(iter(sorted(ask.spool.glob("*.jsonl"))), None)
    if batch is None or not mended(batch):
        batch = _gathered(ask, ask.spool)
    path = written(batch, ask)
    ask.settled.append(lambda: batch.unlink(missing_ok=True))
    return [path]


def _gathered(ask: Ask, spool: Path) -> Path:
    options = ask.options
    most, wait = int(options.get("most", MOST)), float(options.get("wait", WAIT))
    end = time.monotonic() + float(options.get("seconds", SECONDS))
    name = ask.name.rpartition("/")[2]
    batch = spool / f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.jsonl"
    count, seen = 0, set[int]()
    with _connected(ask) as link, batch.open("wb") as file:
        while count < most and (left := min(wait, end - time.monotonic())) > 0:
            some = link.waiting(left, min(most - count, AHEAD))
            if not some:
                break
            for message in some:
                some_lines = b"".join(lines(message.payload, _TOPIC, message.topic))
                if message.dup and hash(some_lines) in seen:  # sent again after a broken connection
                    continue
                seen.add(hash(some_lines))
                file.write(some_lines)
                count += 1
            file.flush()
            os.fsync(file.fileno())
            link.acknowledge(some)
    if not count or not batch.stat().st_size:
        batch.unlink()
        if link.broken:
            raise SourceError(ask.name, "the connection to the broker broke before a message came")
        raise NothingNew("no message came")
    return batch


@contextmanager
def _connected(ask: Ask) -> Iterator[Link]:
    """A client under a name of its own, whose messages the broker keeps while it is away (a session that lasts)."""
    url = url_with_secrets(str(ask.options["url"]), ask.name)
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise SourceError(ask.name, "url must be as mqtt://host:1883 or mqtts://host:8883")
    topics, qos = _topics(ask), int(ask.options.get("qos", 1))
    if qos not in (0, 1, 2):
        raise SourceError(ask.name, f"qos: must be 0, 1 or 2, not {qos}")
    port = parts.port or (8883 if secure else 1883)
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=str(ask.options.get("client") or re.sub(r"[^A-Za-z0-9]", "-", f"mahakam-{ask.name}")),
        clean_session=False,
        manual_ack=True,
    )
    link = Link(client)
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    if secure:
        client.tls_set_context(trusting(ask))

    def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            link.said = f"the broker refuses: {reason}"
        else:
            client.subscribe([(topic, qos) for topic in topics])

    def on_subscribe(_client: Any, _data: Any, _mid: int, reasons: Sequence[Any], _more: Any) -> None:
        refused = [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        link.said = f"the broker refuses the topic {refused[0]}" if refused else ""

    client.on_connect, client.on_subscribe = on_connect, on_subscribe
    try:
        address = address_of(ask.name, parts.hostname, port, ask.private_addresses)
        client.connect(parts.hostname if secure else address, port)
    except OSError as error:
        raise SourceError(
            ask.name, f"the broker {parts.hostname}:{port} cannot be reached: {error}"
        ) from error
    try:
        end = time.monotonic() + CONNECT
        while link.said is None and not link.broken and (left := end - time.monotonic()) > 0:
            link.turn(left)
        if link.said is None:
            link.said = f"the broker {parts.hostname}:{port} does not answer"
        if link.said:
            raise SourceError(ask.name, link.said)
        yield link
    finally:
        client.disconnect()


def _topics(ask: Ask) -> list[str]:
    given = ask.options["topics"]
    topics = [str(one) for one in (given if isinstance(given, list) else [given])]
    for topic in topics:
        levels = topic.split("/")
        if (
            not topic
            or any(("#" in one or "+" in one) and len(one) > 1 for one in levels)
            or "#" in levels[:-1]
        ):
            raise SourceError(ask.name, f"topics: {topic!r} is no topic filter, as city/+/air or city/#")
    return topics


ORIGIN = Origin(
    fetch,
    "messages of an MQTT broker",
    {
        "url": "needed: as mqtts://feed:${PASSWORD}@host:8883, or mqtt:// without TLS",
        "topics": "needed: a topic filter or a list of them: city/+/air",
        "authority": "a PEM file with the authority that vouches for the broker (default: those of the machine)",
        "certificate": "a PEM file with the certificate that the feed shows, where the broker asks for one",
        "key": "a PEM file with the certificate's key (default: it stands in the same file)",
        "qos": "quality of service: 0, 1 (default) or 2",
        "client": "client id, under which the broker keeps messages between runs (default mahakam-PLACE-FEED)",
        "most": f"messages to a run (default {MOST})",
        "wait": f"seconds without a message after which a run goes on with what it has (default {WAIT:.0f})",
        "seconds": f"seconds that a run listens at most (default {SECONDS:.0f})",
    },
)
