"""The contract before every live write: errors refuse it with all reasons, warnings flag the attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mahakam import tracing
from mahakam.broker.contracts import Checker, ContractBook
from mahakam.config import Place, place_of, scope_of
from mahakam.ngsild.entity import ENTITY_MEMBERS, VALUE_MEMBER, Document, scopes_of
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.quality.finding import Finding
from mahakam.quality.odcs import ContractError

FLAG = "quality"
"""Name of the sub-property that carries the rules an attribute's value failed with severity warning."""


class Guard:
    """Finds the contract of an entity by the place its scope names and its type, and applies it."""

    def __init__(self, book: ContractBook, places: Mapping[str, Place]) -> None:
        self._book = book
        self._places = places
        self._guarded: dict[str | tuple[str, ...], bool] = {}

    def guards(self, head: Mapping[str, Any]) -> bool:
        """Whether there is a contract for a type of the entity, so that it must be admitted.

        Raises Problem InternalError for a broken contract.
        """
        type = head["type"]
        try:
            return self._has_contract(type if isinstance(type, list) else [type])
        except ContractError as error:
            raise _broken(error) from error

    def history(self, head: Mapping[str, Any]) -> bool | None:
        """Whether the contract of an entity wants its changes kept; None if it says nothing, or there is none."""
        type = head["type"]
        types = type if isinstance(type, list) else [type]
        try:
            checker = self._checker(head, types) if self._has_contract(types) else None
        except ContractError:  # a write has been refused for it; a deletion may go on
            return None
        return None if checker is None else checker.history

    def admit(self, document: Document) -> Document:
        """The document, flagged with the warnings of its contract.

        Raises Problem BadRequestData with every failed rule, or with the scopes that would be right for a
        type that has contracts, but none for the place of this entity; InternalError for a broken contract.
        """
        try:
            with tracing.span("validate"):
                return self._admit(document)
        except ContractError as error:
            raise _broken(error) from error

    def _admit(self, document: Document) -> Document:
        type = document["type"]
        types = type if isinstance(type, list) else [type]
        if not self._has_contract(types):
            return document
        checker = self._checker(document, types)
        if checker is None:
            raise self._misplaced(types, scopes_of(document))
        record = record_of(document)
        findings = [*checker.check(record), *checker.personal(record)]
        if errors := [finding for finding in findings if finding.severity == "error"]:
            raise bad_request(
                "The entity does not follow its contract",
                f"{document['id']}: {len(errors)} " + ("rule fails" if len(errors) == 1 else "rules fail"),
                reasons=[finding.as_dict() for finding in errors],
            )
        return flagged(document, findings)

    def _checker(self, head: Mapping[str, Any], types: Sequence[str]) -> Checker | None:
        place = place_of(scopes_of(head), self._places)
        return self._book.checker_for(place.id if place else None, types)

    def _has_contract(self, types: Sequence[str]) -> bool:
        key = types[0] if len(types) == 1 else tuple(types)
        known = self._guarded.get(key)
        if known is None:
            if len(self._guarded) > 10_000:
                self._guarded.clear()
            known = self._guarded[key] = any(map(self._book.places_with, types))
        return known

    def _misplaced(self, types: Sequence[str], scopes: Sequence[str]) -> Exception:
        right = [
            scope_of(self._places[place], self._places) if place in self._places else "/" + place
            for place in dict.fromkeys(place for type in types for place in self._book.places_with(type))
        ]
        return bad_request(
            "The entity's scope names no place that has a contract for its type",
            f"{', '.join(types)} has a contract; give the scope of its place, e.g. {right[0]}",
            reasons=[
                Finding(0, "scope", "scope", ", ".join(scopes) or None, " or ".join(right)).as_dict(),
            ],
        )


def _broken(error: ContractError) -> Problem:
    return Problem("InternalError", "The type's contract cannot be used", str(error))


def record_of(document: Document) -> dict[str, Any]:
    """The record of a document: attribute name → value (of the default instance, where there are several)."""
    record: dict[str, Any] = {}
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        if isinstance(attribute, list):
            attribute = next((one for one in attribute if "datasetId" not in one), attribute[0])
        record[name] = attribute[VALUE_MEMBER[attribute["type"]]]
    return record


def flagged(document: Document, findings: Sequence[Finding]) -> Document:
    """The document with a ``quality`` sub-property on each attribute that a warning names, on no other."""
    if not findings and not _may_be_flagged(document):
        return document
    rules: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity == "warning":
            of_field = rules.setdefault(finding.field, [])
            if finding.rule not in of_field:
                of_field.append(finding.rule)
    out = document
    for name, attribute in document.items():
        if name in ENTITY_MEMBERS:
            continue
        wanted = {"type": "Property", "value": rules[name]} if name in rules else None
        is_list = isinstance(attribute, list)
        new = [_with_flag(one, wanted) for one in attribute] if is_list else _with_flag(attribute, wanted)
        if new != attribute:
            if out is document:
                out = dict(document)
            out[name] = new
    return out


def _may_be_flagged(document: Document) -> bool:
    """Whether a member has something by the flag's name; most documents have not, and are soon told."""
    for member in document.values():
        if type(member) is dict:
            if FLAG in member:
                return True
        elif type(member) is list and any(FLAG in one for one in member):
            return True
    return False


def _with_flag(instance: dict[str, Any], flag: dict[str, Any] | None) -> dict[str, Any]:
    if instance.get(FLAG) == flag or (flag is None and not _is_flag(instance.get(FLAG))):
        return instance
    new = {key: value for key, value in instance.items() if key != FLAG}
    if flag:
        new[FLAG] = flag
    return new


def _is_flag(value: Any) -> bool:
    """Ours, and not a quality that the data's author wrote."""
    return isinstance(value, dict) and isinstance(value.get("value"), list)
