"""The audit trail as people use it: verified, exported, filtered; and the entry of a reading of personal data."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from mahakam.config import ConfigError
from mahakam.ngsild.duration import DURATION_RULE, seconds_of
from mahakam.store.model import AuditEntry
from mahakam.store.protocol import EntityStore
from mahakam.store.sql.audit import START, digest_of

READ = "read"
DAY, MOST_DAYS = 86_400, 36_500
Heads = Mapping[int, tuple[int, str]]
"""Lane → (number, digest) of its newest entry."""
_HEAD = re.compile(r"(\d{1,4}):(\d{1,18}):([0-9a-f]{64})")


class HeadError(ValueError):
    """A text that is no head, and what would be one, in a sentence."""


@dataclass(slots=True)
class Verified:
    """What looking at every entry found. ``faults``: of each lane the first broken link; "" if all hold."""

    entries: int = 0
    faults: list[str] = field(default_factory=list)
    heads: dict[int, tuple[int, str]] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return head_text(self.heads)


def heads_of(store: EntityStore) -> dict[int, tuple[int, str]]:
    """Where the trail stands now."""
    return {lane: (n, digest) for lane, n, digest in store.audit_heads()}


def head_text(heads: Heads) -> str:
    """``LANE:NUMBER:DIGEST`` of each lane, with commas; "" of an empty trail. To be kept elsewhere."""
    return ",".join(f"{lane}:{n}:{digest}" for lane, (n, digest) in sorted(heads.items()))


def parse_head(text: str) -> dict[int, tuple[int, str]]:
    """The heads that :func:`head_text` wrote. Raises HeadError."""
    heads: dict[int, tuple[int, str]] = {}
    for part in filter(None, re.split(r"[,\s]+", text.strip())):
        match = _HEAD.fullmatch(part)
        if match is None:
            raise HeadError(
                f"{part[:80]!r} is no head; one is LANE:NUMBER:DIGEST, e.g. 0:1520:9f86d0…, as `audit head` says"
            )
        heads[int(match[1])] = int(match[2]), match[3]
    if not heads:
        raise HeadError("the head is empty; `mahakam audit head` says the trail's own")
    return heads


def verify(entries: Iterable[AuditEntry], known: Heads | None = None) -> Verified:
    """Work out every digest anew. ``entries``: lane by lane, in the order of their numbers.

    A lane may begin after an entry that an ``audit.cut`` in the trail names with its digest: what was before was
    removed when its time was over, and what is there follows it.

    ``known``: a head that was kept elsewhere: the trail must have these entries, as they were. A change, a removal or
    an exchange of entries is found by itself; a removal of the newest ones, or a trail made anew as a whole, is found
    by a known head, or (on PostgreSQL) by what other lanes noted.
    """
    found = Verified()
    wanted = dict(known or {})
    noted: list[tuple[str, int, int, str]] = []
    seen: dict[tuple[int, int], str] = {}
    begun: dict[int, tuple[AuditEntry, str]] = {}
    cut: dict[tuple[int, int], str] = {}
    lane, number, digest, broken = -1, 0, START, False
    for entry in entries:
        found.entries += 1
        if entry.lane != lane:
            lane, number, digest, broken = entry.lane, 0, START, False
        where = (
            f"lane {entry.lane}, entry {entry.n} ({entry.at} {entry.principal} {entry.action} {entry.object})"
        )
        if number == 0 and entry.n > 1:
            begun[lane] = entry, where
            number, digest = entry.n, bytes.fromhex(entry.digest)
        elif not broken and entry.n != number + 1:
            gone = (
                f"entry {number + 1}" if entry.n == number + 2 else f"entries {number + 1} to {entry.n - 1}"
            )
            found.faults.append(f"lane {entry.lane}: {gone} missing before {where}")
            broken = True
        digest = digest if lane in begun and begun[lane][0] is entry else digest_of(digest, fields_of(entry))
        if not broken and digest.hex() != entry.digest:
            found.faults.append(f"{where}: is not as it was written, or does not follow the entry before it")
            broken = True
        number, digest = entry.n, bytes.fromhex(entry.digest)
        found.heads[lane] = number, entry.digest
        if lane in wanted and wanted[lane][0] == number:
            seen[lane, number] = entry.digest
        if entry.action == "audit.lane":
            noted += [(where, *one) for one in orjson.loads(entry.detail)["heads"]]
        if entry.action == "audit.cut":
            cut |= {(of, n): was for of, n, was in orjson.loads(entry.detail)["cuts"]}
    for of, (first, where) in begun.items():
        was = cut.get((of, first.n - 1), "")
        if not was:
            found.faults.insert(0, f"lane {of}: entries 1 to {first.n - 1} missing before {where}")
        elif digest_of(bytes.fromhex(was), fields_of(first)).hex() != first.digest:
            found.faults.insert(0, f"{where}: is not as it was written, or does not follow what was cut off")
        elif of in wanted and wanted[of][0] < first.n - 1:
            found.faults.append(
                f"lane {of}: entry {wanted[of][0]} of the head that was given was cut off; compare with the head "
                "since, or with the export of what was cut"
            )
            wanted.pop(of)
        elif of in wanted and wanted[of][0] == first.n - 1:
            seen[of, first.n - 1] = was
    found.faults += _missing(found, wanted, seen)
    for where, of, n, _ in noted:
        newest = found.heads.get(of, (0, ""))[0]
        if n > newest:
            found.faults.append(f"lane {of}: ends with entry {newest}, but {where} knew its entry {n}")
            break
    return found


def _missing(found: Verified, wanted: Heads, seen: Mapping[tuple[int, int], str]) -> Iterator[str]:
    for lane, (number, digest) in sorted(wanted.items()):
        newest = found.heads.get(lane, (0, ""))[0]
        if newest < number:
            yield (
                f"lane {lane}: ends with entry {newest}, but the head that was given is entry {number}:"
                " the newest are gone"
            )
        elif seen.get((lane, number)) != digest:
            yield f"lane {lane}, entry {number}: is not the one of the head that was given: the trail was made anew"


def fields_of(entry: AuditEntry) -> list[Any]:
    """What the digest of an entry is over, besides the digest of the entry before it."""
    return [
        entry.lane, entry.n, entry.at, entry.principal, entry.kind, entry.action, entry.object, entry.count,
        entry.content, entry.request, entry.detail,
    ]  # fmt: skip


def kept_seconds(text: str) -> float | None:
    """For how long the trail is kept (ISO 8601 duration); None for "": as long as the store. Raises ConfigError."""
    if not text:
        return None
    found = seconds_of(text)
    if not found or not DAY <= found <= MOST_DAYS * DAY:
        raise ConfigError(
            Path("MAHAKAM_AUDIT_KEEP"), f"{text!r} is not {DURATION_RULE}, from a day to a century"
        )
    return found


def cut_kept(store: EntityStore, seconds: float, now: dt.datetime | None = None) -> int:
    """Remove what is older than so many seconds. How many entries."""
    at = (now or dt.datetime.now(dt.UTC)) - dt.timedelta(seconds=seconds)
    return cut(store, at.strftime("%Y-%m-%dT%H:%M:%S.000Z"))


def cut(store: EntityStore, before: str) -> int:
    """Remove what was written before a time (ISO 8601 UTC), so that the rest verifies. How many entries."""
    return store.write(lambda transaction: transaction.cut_audit(before))


def as_json(entry: AuditEntry) -> dict[str, Any]:
    """An entry for people and programs: ``detail`` as it was written, a text, so that the digest can be worked out."""
    return asdict(entry)


def lines(store: EntityStore) -> Iterator[bytes]:
    """The whole trail as JSON lines, and where it stood at its end: ``{"head": …, "entries": …}``."""
    heads: dict[int, tuple[int, str]] = {}
    number = 0
    for entry in store.audit_chain():
        heads[entry.lane] = entry.n, entry.digest
        number += 1
        yield orjson.dumps(as_json(entry)) + b"\n"
    yield orjson.dumps({"head": head_text(heads), "entries": number}) + b"\n"


def read_lines(source: Iterable[bytes]) -> Iterator[AuditEntry]:
    """The entries of an export. Raises ValueError for lines that are none."""
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
            if "head" not in value:
                yield AuditEntry(**value)
        except (TypeError, orjson.JSONDecodeError) as error:
            raise ValueError(f"line {number} is no entry of an audit trail: {error}") from None
