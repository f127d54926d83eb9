"""Mail that is owed: kept in the store with the change it tells of, sent by SMTP, tried again, at last given up."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import logging
import random
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from mahakam.store.protocol import EntityStore, Transaction

KIND, DEAD = "mail", "mail-dead"
TRIES = 12
_FIRST, _MOST = 30.0, 6 * 3600.0
"""Seconds between tries: the first, doubling up to the most; twelve tries are about a day."""
BATCH = 50
_log = logging.getLogger(__name__)


class MailError(ValueError):
    """A mail server's address, or a sender, that cannot be used: says what would be right."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of text that a mail brings: ``subtype`` of text/ (RFC 2046) and its parameters besides the charset."""

    name: str
    subtype: str
    text: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is owed. ``key`` becomes its Message-ID: a receiver that got it twice can tell.

    ``headers`` are ours alone (List-Unsubscribe …); ``to`` is one address.
    """

    to: str
    subject: str
    text: str
    language: str
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Letter:
        """The letter that :func:`owe` put down."""
        kept = {one.name: raw[one.name] for one in fields(cls) if one.name in raw}
        return cls(**kept | {"attachments": tuple(Attachment(**one) for one in raw.get("attachments", ()))})


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server: ``smtp://USER:PASSWORD@HOST:587`` (STARTTLS) or ``smtps://…:465`` (TLS from the start)."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Server:
        """Raises MailError."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise MailError(f"MAHAKAM_SMTP is no address of a mail server: {error}") from None
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise MailError("MAHAKAM_SMTP is smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465")
        tls = parts.scheme == "smtps"
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port or (465 if tls else 587), tls, user, password)

    @property
    def here(self) -> bool:
        """Whether it is on this machine, where nobody listens in."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def sender_of(text: str) -> str:
    """``City of Samarinda <noreply@example.id>`` as a From header. Raises MailError."""
    name, address = parseaddr(text)
    if "@" not in address or any(ord(letter) < 32 for letter in text):
        raise MailError(f"MAHAKAM_MAIL_FROM is an address as Samarinda <noreply@example.id>, not {text!r}")
    return formataddr((name, address))


def owe(transaction: Transaction, letter: Letter, now: float | None = None) -> str:
    """Put a letter into the outbox; its key, by which letters go out in the order they were owed."""
    at = time.time() if now is None else now
    key = f"{int(at * 1e6):017d}-{secrets.token_hex(8)}"
    transaction.save_record(KIND, key, asdict(letter) | {"due": at, "tries": 0, "error": ""})
    return key


def drop(transaction: Transaction, number: str, address: str = "") -> None:
    """Letters about a request that wait, or were given up, are not sent: all, or those to one address."""
    for kind in (KIND, DEAD):
        for key, raw in transaction.records(kind).items():
            if _names(raw, number) and address in ("", raw["to"]):
                transaction.save_record(kind, key, None)


def readdress(transaction: Transaction, number: str, address: str, to: str, words: Mapping[str, str]) -> None:
    """Letters about a request that wait for one address, or were given up, go to another; ``words`` in their text and
    headers (tokens of links) become others."""

    def put(text: str) -> str:
        for old, new in words.items():
            text = text.replace(old, new)
        return text

    for kind in (KIND, DEAD):
        for key, raw in transaction.records(kind).items():
            if _names(raw, number) and raw["to"] == address:
                headers = {name: put(value) for name, value in raw.get("headers", {}).items()}
                changed = {"to": to, "text": put(raw["text"]), "headers": headers}
                transaction.save_record(kind, key, raw | changed)


def _names(raw: Mapping[str, Any], number: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(number)}(?!\w)", raw["text"]) is not None


def message(letter: Letter, sender: str, key: str) -> EmailMessage:
    """The letter as it is sent. Raises ValueError for a header with a line break in it: nothing may be put in."""
    made = EmailMessage(policy=SMTP)
    made["From"] = sender
    made["To"] = letter.to
    made["Subject"] = letter.subject
    made["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    made["Message-ID"] = f"<{key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    for name, value in letter.headers.items():
        made[name] = value
    made.set_content(letter.text)
    made["Content-Language"] = letter.language
    for file in letter.attachments:
        made.add_attachment(file.text, subtype=file.subtype, filename=file.name, params=dict(file.parameters))
    return made


class Postman:
    """Sends what is owed, from one process of all that share the store."""

    def __init__(self, store: EntityStore, server: Server, sender: str) -> None:
        self._store = store
        self._server = server
        self._sender = sender

    async def refusal(self) -> str:
        """Why the mail server takes no mail; "" if it does."""
        try:
            client = await self._connected()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        await _quit(client)
        return ""

    async def deliver(self, now: float | None = None) -> int:
        """Send what is due, over one connection; how many arrived. What fails is tried again later."""
        at = time.time() if now is None else now
        due = [(key, raw) for key, raw in sorted(self._store.records(KIND).items()) if raw["due"] <= at][
            :BATCH
        ]
        if not due:
            return 0
        try:
            client = await self._connected()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            said = str(error)
            _log.warning("the mail server %s does not take mail: %s", self._server.host, said)
            # Not the letters' fault: they wait without having been tried.
            self._store.write(lambda transaction: _wait(transaction, due, at + _FIRST, said))
            return 0
        arrived = 0
        try:
            for key, raw in due:
                why, final = await self._send(client, key, raw)
                self._store.write(lambda t, k=key, r=raw, e=why, f=final: _settle(t, k, r, e, f, at))  # type: ignore[misc]
                arrived += not why
                if why and not client.is_connected:
                    break
        finally:
            await _quit(client)
        return arrived

    async def _send(self, client: aiosmtplib.SMTP, key: str, raw: Mapping[str, Any]) -> tuple[str, bool]:
        """Why it was not taken ("" if it was), and whether it will never be."""
        letter = Letter.of(raw)
        try:
            await client.send_message(message(letter, self._sender, key))
        except ValueError as error:
            return f"cannot be written as mail: {error}", True
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = max((one.code for one in refused.recipients), default=550)
            return str(refused.recipients), code >= 500
        except aiosmtplib.SMTPResponseException as error:
            return f"{error.code} {error.message}", error.code >= 500
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__, False
        return "", False

    async def _connected(self) -> aiosmtplib.SMTP:
        server = self._server
        # Passwords go over an open line on this machine only.
        starttls = None if server.here or not server.user else True
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls,
            start_tls=False if server.tls else starttls,
            timeout=30,
        )
        await client.connect()
        if server.user:
            await client.login(server.user, server.password)
        return client


def revive(store: EntityStore) -> int:
    """Put the letters that were given up back into the outbox; how many."""
    dead = store.records(DEAD)

    def work(transaction: Transaction) -> None:
        for key, raw in dead.items():
            transaction.save_record(DEAD, key, None)
            transaction.save_record(KIND, key, raw | {"due": time.time(), "tries": 0})

    store.write(work)
    return len(dead)


def _wait(transaction: Transaction, due: list[tuple[str, dict[str, Any]]], until: float, error: str) -> None:
    for key, raw in due:
        transaction.save_record(KIND, key, raw | {"due": until, "error": error[:300]})


def _settle(
    transaction: Transaction, key: str, raw: Mapping[str, Any], error: str, final: bool, at: float
) -> None:
    transaction.save_record(KIND, key, None)
    if not error:
        return
    tries = raw["tries"] + 1
    kept = dict(raw) | {"tries": tries, "error": error[:300]}
    if final or tries >= TRIES:
        _log.warning("a letter is given up: %s", error)
        transaction.save_record(DEAD, key, kept)
    else:
        pause = min(_FIRST * 2 ** (tries - 1), _MOST) * random.uniform(0.9, 1.1)  # noqa: S311
        transaction.save_record(KIND, key, kept | {"due": at + pause})


async def _quit(client: aiosmtplib.SMTP) -> None:
    try:
        if client.is_connected:
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError, asyncio.CancelledError):
        client.close()
