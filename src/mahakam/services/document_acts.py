"""Documents of a request: sent by the resident, accepted or returned with a reason by an officer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mahakam.ngsild.problem import Problem
from mahakam.services.asked_documents import AskedDocument, FileKind
from mahakam.services.desk import Changed, Desk
from mahakam.services.document_check import DocumentError, checked
from mahakam.services.dossier import KIND, SentDocument, delete_files, doom, keep_files, spare, sweep
from mahakam.services.request import Fault, Refused, Request, Step, clean, utc_now, utc_text, words_faults
from mahakam.store.protocol import Transaction

MOST_SENDINGS = 50
"""Times that a resident may send documents for one request."""


def send(
    desk: Desk,
    data: Path,
    seen: tuple[Request, int],
    asked: Sequence[AskedDocument],
    files: Mapping[str, bytes],
) -> Request:
    """Take documents in from the resident: all or none. ``seen``: the request and the revision that the page showed.

    Raises Refused with a fault ``document-CODE`` for each file that cannot be taken, Changed if somebody was faster.
    """
    request, revision = seen
    known = {one.code: one for one in asked}
    faults, good = list[Fault](), dict[str, tuple[FileKind, bytes]]()
    if not files:
        faults.append(Fault("documents", "missing", {}))
    for code, raw in files.items():
        try:
            good[code] = checked(raw, known[code])
        except KeyError:
            faults.append(Fault("documents", "unknown", {"code": code[:40]}))
        except DocumentError as error:
            most = round(known[code].largest / 2**20, 1)
            faults.append(Fault(f"document-{code}", error.reason, {"most": most}))
    if faults:
        raise Refused(faults)
    now = dt.datetime.now(dt.UTC)
    names = keep_files(desk.store, data, [raw for _kind, raw in good.values()], now)
    fresh = {
        code: SentDocument(code, name, kind, len(raw), utc_text(now))
        for name, (code, (kind, raw)) in zip(names, good.items(), strict=True)
    }

    def decide(before: Request, _words: str) -> Step:
        if not before.open or before.merged_into:
            raise Refused([Fault("documents", "settled", {})])
        if sum(step.act == "sent" for step in before.steps) >= MOST_SENDINGS:
            raise Refused([Fault("documents", "many", {"most": MOST_SENDINGS})])
        return Step(before.state, "", "", "", "sent", tuple(fresh))

    def also(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, request.number) or {}
        if settled := [code for code in fresh if kept.get(code, {}).get("state") == "accepted"]:
            raise Refused([Fault(f"document-{settled[0]}", "accepted", {})])
        for code, one in fresh.items():
            spare(transaction, one.file)
            if code in kept:
                doom(transaction, kept[code]["file"], now)
        transaction.save_record(
            KIND, request.number, kept | {code: asdict(one) for code, one in fresh.items()}
        )

    try:
        done = desk.advance(request.number, revision, "", decide, "resident", also=also)
    except (Refused, Changed, Problem):
        delete_files(desk.store, data, names)
        raise
    sweep(desk.store, data, now)
    return done


def judge(
    desk: Desk, seen: tuple[Request, int], code: str, accept: bool, reason: str, officer: str
) -> Request:
    """Accept a document, or return it for a reason, which the resident reads. Raises Refused, Changed."""
    request, revision = seen
    reason = clean(reason)
    if not accept and (found := words_faults(f"document-{code}", reason)):
        raise Refused(found)
    at = utc_now()

    def decide(before: Request, _words: str) -> Step:
        if not before.open or before.merged_into:
            raise Refused([Fault("documents", "settled", {})])
        return Step(before.state, "", before.agency, "", "accepted" if accept else "returned", (code,))

    def also(transaction: Transaction) -> None:
        kept: dict[str, Any] = transaction.record(KIND, request.number) or {}
        if code not in kept:
            raise Refused([Fault("documents", "unknown", {"code": code[:40]})])
        state = "accepted" if accept else "returned"
        verdict = {"state": state, "reason": "" if accept else reason, "judged": at, "by": officer}
        transaction.save_record(KIND, request.number, kept | {code: kept[code] | verdict})

    return desk.advance(request.number, revision, "", decide, officer, also=also)
