"""The community satisfaction survey (Permenpan-RB 14/2017): nine elements, the index, its grade and how sure it is."""

from __future__ import annotations

import functools
import math
import secrets
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.config import Text, as_text, read_yaml
from mahakam.ngsild.entity import scopes_of
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.services import consent
from mahakam.services.purposes import SURVEY
from mahakam.services.request import Request
from mahakam.services.suppression import hidden_counts
from mahakam.store.protocol import Transaction

TYPE = "SatisfactionSurvey"
_RATED = "request-rated"
_FILE = Path(__file__).with_name("satisfaction.yaml")
_Z = 1.96
"""Two-sided 95 % of the normal distribution."""


class AlreadyRated(Exception):
    """The request was rated before; each may be rated once."""


@dataclass(frozen=True, slots=True)
class Element:
    code: str
    title: Text
    question: Text


@dataclass(frozen=True, slots=True)
class Survey:
    """``answers``: value (1 to 4) → its words; ``grades``: lower bound of the index, grade, words, best first."""

    elements: tuple[Element, ...]
    answers: Mapping[int, Text]
    grades: tuple[tuple[Decimal, str, Text], ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The index of some answers. ``half`` is half of the 95 % interval, None for a single answer."""

    answers: int
    index: Decimal
    grade: str
    title: Text
    half: Decimal | None
    means: Mapping[str, Decimal]


@functools.cache
def survey() -> Survey:
    raw = read_yaml(_FILE)
    elements = tuple(
        Element(code, as_text(one["title"]), as_text(one["question"]))
        for code, one in raw["elements"].items()
    )
    answers = {int(one["value"]): as_text(one["title"]) for one in raw["answers"]}
    grades = tuple(
        (Decimal(str(one["from"])), str(one["grade"]), as_text(one["title"])) for one in raw["grades"]
    )
    return Survey(elements, answers, grades)


def result(rows: Iterable[Mapping[str, int]]) -> Result | None:
    """The index of complete answers (element → 1 to 4); None without any."""
    rows = list(rows)
    if not rows:
        return None
    codes = [element.code for element in survey().elements]
    means = {code: Fraction(sum(row[code] for row in rows), len(rows)) for code in codes}
    index = _rounded(25 * sum(means.values(), Fraction(0)) / len(codes))
    grade, title = grade_of(index)
    scores = [25 * sum(row[code] for code in codes) / len(codes) for row in rows]
    half = _Z * statistics.stdev(scores) / math.sqrt(len(scores)) if len(scores) > 1 else None
    return Result(
        len(rows),
        index,
        grade,
        title,
        None if half is None else _rounded(Fraction(half)),
        {code: _rounded(mean) for code, mean in means.items()},
    )


def grade_of(index: Decimal) -> tuple[str, Text]:
    """The grade of an index of two decimals, and its words."""
    return next((grade, title) for bound, grade, title in survey().grades if index >= bound)


def rate(
    broker: Broker,
    request: Request,
    scope: str,
    given: Mapping[str, int],
    date: str,
    also: Callable[[Transaction], object] = lambda _transaction: None,
) -> None:
    """Keep an answer, without saying whose request it was about; ``also`` is done in the transaction that notes that
    it was rated. Raises AlreadyRated, consent.Withdrawn, or as :func:`keep` does."""
    _complete(given)

    def once(transaction: Transaction) -> bool:
        if transaction.record(_RATED, request.number):
            return False
        consent.require(transaction, request.number, SURVEY)
        transaction.save_record(_RATED, request.number, {"at": date})
        also(transaction)
        return True

    if not broker.store.write(once):
        raise AlreadyRated(request.number)
    keep(broker, secrets.token_hex(12), scope, request.service, request.agency, given, date)


def keep(
    broker: Broker, key: str, scope: str, service: str, agency: str, given: Mapping[str, int], date: str
) -> None:
    """Keep an answer under a key that says nothing. Raises KeyError and ValueError for an element that is missing or
    an answer that is none, Problem (AlreadyExists) for a key that is taken."""
    properties: dict[str, Any] = {
        "serviceCode": service,
        "agencyResponsible": agency,
        "dateObserved": date,
        **_complete(given),
    }
    broker.create(
        {
            "id": f"urn:ngsi-ld:{TYPE}:{key}",
            "type": TYPE,
            "scope": [scope],
            **{name: {"type": "Property", "value": value} for name, value in properties.items() if value},
        }
    )


def _complete(given: Mapping[str, int]) -> dict[str, int]:
    known = survey()
    answers = {element.code: given[element.code] for element in known.elements}
    if wrong := [code for code, value in answers.items() if value not in known.answers]:
        raise ValueError(wrong[0])
    return answers


def rated(broker: Broker, number: str) -> bool:
    return broker.store.record(_RATED, number) is not None


def published(broker: Broker, scope: str, fewest: int) -> dict[tuple[str, str], Result | None]:
    """(service, agency) → result, as everybody may see it; None: of so few answers that it may point at a person.

    Not shown either is the smallest of the other cities' with the same service and agency, where the sum of several
    cities, which is shown for the place above, would give a hidden one back.
    """
    cells: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for key, at, _row in _rows(broker, ""):
        cells[key][at] += 1
    found: dict[tuple[str, str], Result | None] = dict(results(broker, scope))
    for key, one in found.items():
        above = {at.rpartition("/")[0] for at in cells[key]} | {""}
        hidden = frozenset[str]().union(
            *(
                hidden_counts({at: n for at, n in cells[key].items() if _within(at, top)}, fewest)
                for top in above
            )
        )
        inside = [at for at in cells[key] if _within(at, scope)]
        if one is not None and (one.answers < fewest or (len(inside) == 1 and inside[0] in hidden)):
            found[key] = None
    return found


def _within(at: str, scope: str) -> bool:
    return not scope or at == scope or at.startswith(f"{scope}/")


def results(broker: Broker, scope: str) -> dict[tuple[str, str], Result]:
    """(service, agency) → result, of a place and those below."""
    grouped: dict[tuple[str, str], list[dict[str, int]]] = {}
    for key, _at, row in _rows(broker, scope):
        grouped.setdefault(key, []).append(row)
    return {key: found for key, rows in grouped.items() if (found := result(rows))}


def _rows(broker: Broker, scope: str) -> Iterator[tuple[tuple[str, str], str, dict[str, int]]]:
    """Of each complete answer of a place and those below: (service, agency), the scope of its place, the answers."""
    selection = Selection(types=Types(((TYPE,),)), scopes=Scopes(((f"{scope}/#",),)) if scope else None)
    codes = [element.code for element in survey().elements]
    for document in broker.scan(selection):
        value = {name: part.get("value") for name, part in document.items() if isinstance(part, Mapping)}
        row = {code: value.get(code) for code in codes}
        if all(isinstance(one, int) and one in survey().answers for one in row.values()):
            key = str(value.get("serviceCode") or ""), str(value.get("agencyResponsible") or "")
            yield key, next(iter(scopes_of(document)), ""), row  # type: ignore[misc]  # every value was looked at


def _rounded(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
