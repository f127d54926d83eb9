"""What became of a write that several had a part in, as one answer (clause 5.2.16-5.2.18, 6.3.17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from mahakam.api.http import Response
from mahakam.ngsild.core import absolute
from mahakam.ngsild.problem import Problem


@dataclass(slots=True)
class Outcome:
    """One part of a write: of this node (``registration`` "") or of a source.

    ``ids``: the entities it was about; ``errors``: id → problem details; ``created``: the ids that are new;
    ``names``: canonical names of the attributes it was about, ``not_updated``: of those left, and why.
    """

    registration: str
    ids: tuple[str, ...]
    names: tuple[str, ...] = ()
    status: int = 204
    errors: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    not_updated: dict[str, str] = field(default_factory=dict)

    @property
    def fine(self) -> bool:
        return not self.errors and not self.not_updated

    def fail(self, details: dict[str, Any]) -> Outcome:
        """All of it failed."""
        self.status = int(details.get("status", 500))
        self.errors = dict.fromkeys(self.ids, details)
        return self


def outcome(registration: str, ids: Sequence[str], names: Sequence[str], status: int, body: bytes) -> Outcome:
    """The outcome that an answer tells of: this node's own or a source's."""
    found = Outcome(registration, tuple(ids), tuple(names), status)
    value = _json(body)
    if status == 201:
        found.created = (
            [one for one in value if one in ids] if isinstance(value, list) and value else list(ids)
        )
    elif status == 207:
        _in_part(found, value)
    elif not 200 <= status < 300:
        found.fail(_details(value, status))
    return found


def _in_part(found: Outcome, value: Any) -> None:
    """A BatchOperationResult or an UpdateResult; an answer that does not say which part failed: all of it."""
    members = value if isinstance(value, dict) else {}
    for one in _objects(members.get("errors")):
        id = one.get("entityId")
        error = one.get("error")
        found.errors[id if id in found.ids else found.ids[0]] = (
            error if isinstance(error, dict) else _details(None, 500)
        )
    for one in _objects(members.get("notUpdated")):
        found.not_updated[str(one.get("attributeName"))] = str(one.get("reason", "the source left it"))
    if found.fine:
        found.not_updated = {absolute(name): "the source did a part only" for name in found.names}
        if not found.names:
            found.fail(_details(None, 502))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return None


_KINDS = {404: "ResourceNotFound", 409: "AlreadyExists", 400: "BadRequestData"}


def _details(value: Any, status: int) -> dict[str, Any]:
    """The problem details of a source, or such as say what it answered."""
    if isinstance(value, dict) and "type" in value and "title" in value:
        return {**value, "status": status}
    kind = _KINDS.get(status, "InternalError")
    problem = Problem(kind, "The source refused", f"it answered {status}", status=status)
    return problem.details()


def conflict(detail: str) -> dict[str, Any]:
    """Clause 5.6.1.4: what a source alone holds, it must be able to write."""
    return Problem("Conflict", "The source does not take this operation", detail).details()


def batch_result(outcomes: Sequence[Outcome], *, proxied: frozenset[str]) -> tuple[int, Any]:
    """Status and body of an answer about many entities: 201 and new ids, 204, or 207 (clause 5.2.16)."""
    _forgive(outcomes, proxied)
    ids = dict.fromkeys(id for one in outcomes for id in one.ids)
    errors = _errors(outcomes)
    if errors:
        failed = {one["entityId"] for one in errors}
        return 207, {"success": [id for id in ids if id not in failed], "errors": errors}
    created = dict.fromkeys(id for one in outcomes for id in one.created)
    return (201, list(created)) if created else (204, None)


def entity_result(outcomes: Sequence[Outcome], *, proxied: frozenset[str]) -> tuple[int, Any]:
    """The same about one entity: what one part alone says; 207 if there are several and not all is well."""
    _forgive(outcomes, proxied)
    if all(one.fine for one in outcomes):
        return max(one.status for one in outcomes), None
    if len(outcomes) == 1 and outcomes[0].errors:
        only = outcomes[0]
        return only.status, next(iter(only.errors.values()))
    done = any(not one.errors for one in outcomes)
    if any(one.names for one in outcomes):
        return 207, _update_result(outcomes)
    return 207, {"success": list(outcomes[0].ids) if done else [], "errors": _errors(outcomes)}


def _forgive(outcomes: Sequence[Outcome], proxied: frozenset[str]) -> None:
    """Nothing here of an entity that a source alone holds is no error, if that source did its part."""
    served = {id for one in outcomes if one.registration in proxied for id in one.ids if id not in one.errors}
    for one in outcomes:
        if not one.registration:
            gone = [id for id, error in one.errors.items() if error.get("status") == 404 and id in served]
            for id in gone:
                del one.errors[id]
            if gone and not one.errors:
                one.status = 204


def _errors(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Clause 5.2.17."""
    found = []
    for one in outcomes:
        source = {"registrationId": one.registration} if one.registration else {}
        for id, error in one.errors.items():
            found.append({"entityId": id, **source, "error": error})
    return found


def _update_result(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Clause 5.2.18, 5.2.19: names are whole IRIs."""
    updated: dict[str, None] = {}
    left: list[dict[str, Any]] = []
    for one in outcomes:
        source = {"registrationId": one.registration} if one.registration else {}
        error = next(iter(one.errors.values()), None)
        for name in map(absolute, one.names):
            reason = one.not_updated.get(name)
            if error is not None:
                reason = str(error.get("detail") or error.get("title"))
            if reason is None:
                updated[name] = None
            else:
                left.append({"attributeName": name, "reason": reason, **source})
    failed = {one["attributeName"] for one in left}
    return {"updated": [name for name in updated if name not in failed], "notUpdated": left}


def answer_of(status: int, value: Any, headers: list[tuple[str, str]]) -> Response:
    """The answer: problem details where one part alone says so."""
    if value is None:
        return Response(status, headers)
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Response(status, [("content-type", kind), *headers], orjson.dumps(value, default=str))
