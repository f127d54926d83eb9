"""Errors of the NGSI-LD API as problem details (RFC 9457; ETSI GS CIM 009 clause 5.5.2, 6.3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_BASE = "https://uri.etsi.org/ngsi-ld/errors/"
STATUS = {
    "InvalidRequest": 400,
    "BadRequestData": 400,
    "ResourceNotFound": 404,
    "AlreadyExists": 409,
    "Conflict": 409,
    "PreconditionFailed": 412,
    "OperationNotSupported": 422,
    "TooComplexQuery": 403,
    "TooManyResults": 403,
    "LdContextNotAvailable": 504,
    "NonexistentTenant": 404,
    "InternalError": 500,
}


class Problem(Exception):
    """A refusal: ``kind`` is the last part of the standard's error type, ``reasons`` every single fault.

    A reason is a mapping ``{field, rule, value, expected, severity}`` as in :mod:`mahakam.quality.finding`.
    """

    def __init__(
        self,
        kind: str,
        title: str,
        detail: str = "",
        *,
        reasons: Sequence[dict[str, Any]] = (),
        status: int = 0,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.kind = kind
        self.title = title
        self.detail = detail
        self.reasons = list(reasons)
        self.status = status or STATUS.get(kind, 400)

    def details(self) -> dict[str, Any]:
        """The JSON body of the refusal."""
        body: dict[str, Any] = {"type": _BASE + self.kind, "title": self.title, "status": self.status}
        if self.detail:
            body["detail"] = self.detail
        if self.reasons:
            body["reasons"] = self.reasons
        return body


def bad_request(title: str, detail: str = "", **more: Any) -> Problem:
    """400 BadRequestData: the request's data does not follow the standard or the type's contract."""
    return Problem("BadRequestData", title, detail, **more)


def not_found(what: str) -> Problem:
    """404 ResourceNotFound."""
    return Problem("ResourceNotFound", "Resource not found", what)
