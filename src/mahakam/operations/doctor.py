"""What is wrong with an installation, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from urllib.parse import urlsplit

from mahakam.access.accounts import accounts
from mahakam.access.identify import LOOPBACK
from mahakam.access.rights import reader_fault
from mahakam.access.second_step import required
from mahakam.config import ConfigError, Place
from mahakam.indicators.definition import read_definition
from mahakam.operations.due import backups, breaches, keys, stuck
from mahakam.operations.finding import Finding as Finding
from mahakam.operations.finding import Level
from mahakam.operations.node import Node, Startable
from mahakam.operations.reach import hosts
from mahakam.operations.state import feeds_of, queues_of
from mahakam.quality.load import load_all
from mahakam.quality.odcs import ContractError
from mahakam.services.catalogue import catalogue
from mahakam.services.outbox import MailError, Postman, Server, sender_of
from mahakam.store.errors import StoreError

_NEEDED = ("settings", "folder", "store")
"""Checks after an error of which nothing else can be looked at."""
SCARCE, NONE_LEFT = 1 << 30, 100 << 20
"""Bytes free beside the data: below the first it is time to act, below the second the next write may fail."""


@dataclass(frozen=True, slots=True)
class Check:
    """``deep``: it reads the whole store."""

    name: str
    find: Callable[[Startable], Iterator[Finding]]
    deep: bool = False


def examine(node: Startable, *, deep: bool = False) -> Iterator[tuple[str, list[Finding]]]:
    """The name of each check with what it found, in order; once there is no store, nothing that needs one."""
    for check in CHECKS:
        if check.deep and not deep:
            continue
        found = list(check.find(node))
        yield check.name, found
        if check.name in _NEEDED and any(one.level == "error" for one in found):
            return


def _settings(node: Startable) -> Iterator[Finding]:
    for error in node.setting_faults():
        yield Finding("settings", "error", str(error.path), error.problem, "correct it: docs/settings.md")


def _places(node: Node) -> Iterator[Finding]:
    try:
        places = node.places
    except ConfigError as error:
        yield Finding("places", "error", str(error.path), error.problem, "correct the file")
        return
    if not places:
        yield Finding(
            "places", "warning", "MAHAKAM_CONFIG", "no place is configured",
            "name a folder with a city.yaml in it or below: --config /etc/mahakam; docs/add-your-city.md",
        )  # fmt: skip
    for place in places.values():
        yield from _files(node, place)


def _files(node: Node, place: Place) -> Iterator[Finding]:
    """Feeds are looked at with their state."""
    for path in place.files("contracts").values():
        try:
            contracts = load_all(path)
        except (ContractError, ConfigError) as error:
            yield Finding("places", "error", str(path), str(error), "correct the contract: docs/contracts.md")
            continue
        for field in (one for contract in contracts for one in contract.fields.values()):
            if fault := reader_fault(field.readers or ()):
                yield Finding(
                    "places", "error", str(path), f"readers of {field.name}: {fault}",
                    "name roles that there are: docs/security.md; until then nobody reads it by that name",
                )  # fmt: skip
    for path in place.files("indicators").values():
        try:
            read_definition(path)
        except ConfigError as error:
            yield Finding(
                "places", "error", str(path), error.problem, "correct the indicator: docs/indicators.md"
            )
    try:
        catalogue(place, node.places)
    except ConfigError as error:
        yield Finding(
            "places", "error", str(error.path), error.problem, "correct the service: docs/services.md"
        )


def _folder(node: Node) -> Iterator[Finding]:
    folder = node.settings.data
    if not folder.exists():
        yield Finding(
            "folder", "error", str(folder), "does not exist: the node has never run here",
            "start it once (mahakam serve), or name the right folder with --data",
        )  # fmt: skip
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            "folder", "error", str(folder), "may not be read and written by this user",
            f"run as the node's user, or: chown -R USER {folder}",
        )  # fmt: skip
    if folder.stat().st_mode & 0o007:
        yield Finding(
            "folder", "warning", str(folder), "can be looked into by every user of this machine, personal data too",
            f"chmod o-rwx {folder}",
        )  # fmt: skip
    free = shutil.disk_usage(folder).free
    if free < SCARCE:
        level: Level = "error" if free < NONE_LEFT else "warning"
        yield Finding(
            "folder", level, str(folder), f"only {free >> 20:,} MiB are free",
            "make room or move the data to a larger disk; a write that finds no room is refused, nothing is lost",
        )  # fmt: skip


def _store(node: Node) -> Iterator[Finding]:
    try:
        store = node.store.tenant()
        store.size()
        store.write(lambda _transaction: None)
    except StoreError as error:
        where = "MAHAKAM_STORE" if node.settings.store else str(node.settings.data)
        yield Finding(
            "store",
            "error",
            where,
            str(error),
            "docs/stores.md says what a store needs; docs/backup.md how to restore one",
        )


def _integrity(node: Node) -> Iterator[Finding]:
    for name in node.store.tenants():
        for problem in node.store.tenant(name).problems():
            yield Finding(
                "integrity", "error", f"tenant {name or '(default)'}", problem,
                "stop the node and restore the last backup: docs/backup.md",
            )  # fmt: skip


def _pages(_node: Node) -> Iterator[Finding]:
    static = resources.files("mahakam.web") / "static"
    if not static.is_dir() or not any(one.name.startswith("app") for one in static.iterdir()):
        yield Finding(
            "pages", "error", str(static), "the browser's files are missing: pages come without style and scripts",
            "install the wheel, which has them, or run make setup in the source folder",
        )  # fmt: skip


def _access(node: Node) -> Iterator[Finding]:
    settings = node.settings
    if settings.open:
        yield Finding("access", "warning", "MAHAKAM_OPEN", "everybody on this machine may do everything",
                      "leave --open out, and: mahakam user add NAME --role admin")  # fmt: skip
    elif not any("admin" in one.roles for one in accounts(node.store.tenant())):
        yield Finding("access", "warning", "accounts", "nobody is an administrator",
                      "mahakam user add NAME --role admin")  # fmt: skip
    else:
        roles = {role for one in accounts(node.store.tenant()) for role in one.roles} - {"resident"}
        if alone := sorted(role for role in roles if not required(settings, [role])):
            yield Finding("access", "warning", "MAHAKAM_SECOND_STEP", f"a password alone signs in: {', '.join(alone)}",
                          "MAHAKAM_SECOND_STEP=officer,head,steward,supervisor,admin; docs/access.md")  # fmt: skip
    if settings.demo:
        yield Finding("access", "warning", "MAHAKAM_DEMO", "visitors from this machine sign in with one click",
                      "unset it on a node that people use")  # fmt: skip
    url = urlsplit(settings.url)
    if not settings.url:
        yield Finding("access", "warning", "MAHAKAM_URL", f"not set: links in mails lead to {settings.base}",
                      "set the address by which people reach the node: https://layanan.example.id")  # fmt: skip
    elif url.scheme != "https" and url.hostname not in LOOPBACK:
        yield Finding("access", "error", "MAHAKAM_URL", f"{settings.url} is not encrypted: passwords can be overheard",
                      "put a proxy with a certificate before the node and set an https:// address")  # fmt: skip


def _mail(node: Node) -> Iterator[Finding]:
    settings = node.settings
    if not settings.smtp:
        yield Finding("mail", "warning", "MAHAKAM_SMTP", "no mail server: residents and officers hear nothing by mail",
                      "set MAHAKAM_SMTP and MAHAKAM_MAIL_FROM: docs/settings.md")  # fmt: skip
        return
    try:
        postman = Postman(node.store.tenant(), Server.parse(settings.smtp), sender_of(settings.mail_from))
    except MailError as error:
        yield Finding(
            "mail", "error", "MAHAKAM_SMTP", str(error), "docs/settings.md shows what it looks like"
        )
        return
    refused = asyncio.run(postman.refusal())
    if refused:
        yield Finding("mail", "error", "MAHAKAM_SMTP", f"the mail server takes no mail: {refused}",
                      "correct the address or the password, or ask who runs it; letters wait meanwhile")  # fmt: skip


_SEND_AGAIN = {
    "notifications": "mend the receivers, then: mahakam subscription replay (or the page /subscriptions/dead)",
    "mail": "look why: mahakam mail list; then: mahakam mail replay",
}


def _queues(node: Node) -> Iterator[Finding]:
    for name, queue in queues_of(node).items():
        if queue.dead:
            yield Finding("queues", "warning", name, f"{queue.dead:,} given up",
                          _SEND_AGAIN.get(name, "docs/operations.md"))  # fmt: skip
    yield from stuck(node)


def _feeds(node: Node) -> Iterator[Finding]:
    for feed in feeds_of(node, datetime.now(UTC)):
        if feed.failing:
            what = feed.problem or "its last run was interrupted"
            yield Finding(
                "feeds", "error", feed.name, what, f"correct it, then: mahakam feed run {feed.name}"
            )
        elif feed.overdue:
            yield Finding(
                "feeds", "warning", feed.name, f"should have run {_long(feed.overdue)} ago",
                "keep mahakam feed due --watch running, as docs/operations.md says",
            )  # fmt: skip
        if feed.held:
            yield Finding("feeds", "warning", feed.name, f"{feed.held:,} rows are held",
                          f"see why, correct them: mahakam quarantine list {feed.name}, or /quarantine")  # fmt: skip


def _long(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} hours"


CHECKS = (
    Check("settings", _settings),
    Check("places", _places),
    Check("folder", _folder),
    Check("pages", _pages),
    Check("store", _store),
    Check("access", _access),
    Check("mail", _mail),
    Check("hosts", hosts),
    Check("keys", keys),
    Check("queues", _queues),
    Check("feeds", _feeds),
    Check("backups", backups),
    Check("breaches", breaches),
    Check("integrity", _integrity, deep=True),
)
"""What is looked at, in this order; docs/operations.md says of each what it finds."""
