"""Rules beyond an expression, as a contract states them: ``implementation: {rule: …, field: …}``. Most look at rows
beside each other, some at the file as a whole, some at one row."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mahakam.quality.expression import Call, Column, Literal, Node
from mahakam.quality.lexical import Kind
from mahakam.quality.odcs import nearest
from mahakam.quality.parse import value_type
from mahakam.quality.pattern import portable
from mahakam.quality.rule import Across, Check, Holds, OfFile, OneOf, Unmarked
from mahakam.quality.units import spellings

_NUMBERS: Final = ("integer", "number")
_MOMENTS: Final = ("date", "timestamp")
_ORDERED: Final = (*_NUMBERS, *_MOMENTS, "time")
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}


class AcrossError(ValueError):
    """A rule that cannot be used: ``where`` in the implementation, and what would be right."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(problem)
        self.where = where


@dataclass(frozen=True, slots=True)
class Form:
    """What a rule takes. ``kinds``: the logical types of its field (none: any). ``needs`` and ``may``: settings;
    ``given``: what stands for a setting that is left out."""

    dimension: str
    kinds: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


FORMS: Final[dict[str, Form]] = {
    "determined": Form("consistency", needs=("by",), may=("majority",), given={"majority": False}),
    "spelling": Form("accuracy", ("string",)),
    "monotone": Form("consistency", _ORDERED, ("order",), ("per", "falling"), {"falling": False}),
    "gap": Form("completeness", _MOMENTS, ("most",), ("per",)),
    "frozen": Form("accuracy", (), ("order", "rows"), ("per",)),
    "outlier": Form("accuracy", _NUMBERS, may=("per", "times"), given={"times": 10}),
    "total": Form("consistency", _NUMBERS, ("in", "is"), ("per", "within"), {"within": 0}),
    "similar": Form(
        "uniqueness", ("string",), may=("near", "metres", "per", "likeness"),
        given={"near": (), "metres": 100, "likeness": 92},
    ),
    "marker": Form("conformity"),
    "mojibake": Form("conformity", ("string",)),
    "unit": Form("conformity", ("string",), ("is",)),
    "inDistrict": Form("accuracy", ("string",), ("near", "of")),
    "totalRow": Form("consistency", may=("named", "blank"), given={"named": (), "blank": False}),
    "fresh": Form("timeliness", _MOMENTS, ("most",)),
    "rowsSinceLast": Form("completeness", needs=("most",)),
    "sameColumns": Form("consistency"),
}  # fmt: skip
"""The rules by name; docs/contracts.md says what each is for."""
MOJIBAKE: Final = "[\u00c2-\u00c3\u00c5][\u0080-\u00bf]|\u00e2\u20ac|\u00ef\u00bf\u00bd|\ufffd"
"""What UTF-8 looks like that was read as Latin-1 or Windows-1252, and the sign for what could not be read."""
TOTAL_WORDS: Final = (
    r"^[^a-z0-9]*(grand[ -]?total|sub[ -]?total|total|jumlah|jml|rata[ -]?rata|rerata|average|mean)([^a-z]|$)"
)
"""What a row that adds up others is called, in lower case: English, Indonesian and Malay."""
OF_ROW: Final = ("marker", "mojibake", "unit", "inDistrict", "totalRow")
OF_FILE: Final = ("fresh", "rowsSinceLast", "sameColumns")
WITHOUT_FIELD: Final = ("rowsSinceLast", "sameColumns")


def read(given: Mapping[str, Any], own: str, kinds: Mapping[str, Kind]) -> tuple[Check, str, str, str]:
    """(the check, its name, what would be right, its dimension) of an implementation.

    ``own``: the property that the rule stands with, "" at the schema object. Raises AcrossError.
    """
    name = given.get("rule")
    if name not in FORMS:
        raise AcrossError("rule", f"unknown rule {name!r}{nearest(str(name), FORMS)}")
    form = FORMS[name]
    known = ("rule", "field", *form.needs, *form.may) if name not in WITHOUT_FIELD else ("rule", *form.needs)
    for key in given:
        if key not in known:
            raise AcrossError(str(key), f"unknown setting {key!r} of {name}{nearest(str(key), known)}")
    for key in form.needs:
        if given.get(key) is None:
            raise AcrossError("", f"{name} needs {key}: {_EXAMPLES[key]}")
    settings = {**form.given, **given}
    at = "" if name in WITHOUT_FIELD else _field(given.get("field", own), "field", kinds)
    if form.kinds and kinds[at].logical not in form.kinds:
        raise AcrossError(
            "field", f"{name} goes with {' or '.join(form.kinds)}; {at!r} is a {kinds[at].logical}"
        )
    if name in OF_ROW:
        return *_of_row(name, at, settings, kinds), form.dimension
    check = _of_file(name, at, settings) if name in OF_FILE else _across(name, at, settings, kinds)
    return check, name, expected(check), form.dimension


def _of_row(
    name: str, at: str, settings: Mapping[str, Any], kinds: Mapping[str, Kind]
) -> tuple[Check, str, str]:
    if name == "marker":
        return Unmarked(at), name, "an empty cell where there is no value"
    if name == "mojibake":
        found = Call("matches", (Column(at, "text"), Literal(portable(MOJIBAKE), "text")), "boolean")
        return (
            Holds(Call("not", (found,), "boolean")),
            name,
            "text read in the encoding that it was written in",
        )
    if name == "unit":
        unit = str(settings["is"])
        return OneOf(at, spellings(unit)), name, f"the unit {unit}"
    if name == "totalRow":
        return Holds(_no_total(at, settings, kinds)), name, "a row of its own, not one that adds up others"
    near = tuple(_field(one, "near", kinds) for one in _names(settings["near"], "near"))
    if len(near) != 2 or any(kinds[one].logical not in _NUMBERS for one in near):
        raise AcrossError("near", "must be two numbers: [longitude, latitude]")
    target = str(settings["of"])
    place: list[Node] = [
        Column(at, "text"),
        *(Column(one, "number") for one in near),
        Literal(target, "text"),
    ]
    return Holds(Call("in_district", tuple(place), "boolean")), name, f"a place in its district of {target}"


def _no_total(at: str, settings: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Call:
    """What is true of a row that is no total: by its name, by names that are listed, or because it has one."""
    if _flag(settings["blank"], "blank"):
        return Call("not", (Call("is null", (Column(at, value_type(kinds[at])),), "boolean"),), "boolean")
    if kinds[at].logical != "string":
        raise AcrossError("field", f"totalRow goes with string, or with blank: true; {at!r} is none")
    text = Column(at, "text")
    named = [Literal(str(one), "text") for one in _names(settings["named"], "named")]
    if named:
        found = Call("in", (text, *named), "boolean")
    else:
        words = Literal(portable(TOTAL_WORDS), "text")
        found = Call("matches", (Call("lower", (text,), "text"), words), "boolean")
    return Call("not", (found,), "boolean")


_EXAMPLES: Final = {
    "by": "the field, or the list of fields, that decides it",
    "order": "the field that orders the rows, e.g. time",
    "most": "how much at most, e.g. 1 day",
    "rows": "how many rows on end, e.g. 12",
    "in": "the field that names the total's row",
    "is": "what must stand there, e.g. TOTAL, or µg/m3",
    "near": "the place: [longitude, latitude]",
    "of": "the file of areas and its property, e.g. districts.code for codes/districts.geojson",
}


def _across(name: str, at: str, settings: Mapping[str, Any], kinds: Mapping[str, Kind]) -> Across:
    by_key = "by" if name == "determined" else "per"
    by = tuple(_field(one, by_key, kinds) for one in _names(settings.get(by_key), by_key))
    if at in by:
        raise AcrossError(by_key, f"{at!r} cannot be beside itself")
    order = _field(settings["order"], "order", kinds) if settings.get("order") is not None else ""
    more: dict[str, Any] = {}
    for key in ("majority", "falling"):
        if key in settings:
            more[key] = _flag(settings[key], key)
    if name == "gap":
        more["most"] = seconds(settings["most"])
    if name == "frozen":
        more["rows"] = _number(settings["rows"], "rows", 2, whole=True)
    if name == "outlier":
        more["times"] = _number(settings["times"], "times", 1)
    if name == "total":
        more |= {"in": _field(settings["in"], "in", kinds), "is": str(settings["is"])}
        more["within"] = _number(settings["within"], "within", 0)
        if kinds[more["in"]].logical != "string":
            raise AcrossError("in", f"the total's row is named by a string; {more['in']!r} is none")
    if name == "similar":
        near = tuple(_field(one, "near", kinds) for one in _names(settings["near"], "near"))
        if near and (len(near) != 2 or any(kinds[one].logical not in _NUMBERS for one in near)):
            raise AcrossError("near", "must be two numbers: [longitude, latitude]")
        more |= {"near": near, "metres": _number(settings["metres"], "metres", 0)}
        more["likeness"] = _number(settings["likeness"], "likeness", 50)
    return Across(name, at, by, order, tuple(sorted(more.items())))


def _of_file(name: str, at: str, settings: Mapping[str, Any]) -> OfFile:
    most: float = 0
    if name == "fresh":
        most = seconds(settings["most"])
    elif name == "rowsSinceLast":
        most = _number(str(settings["most"]).removesuffix("%").strip(), "most", 0)
    return OfFile(name, at, most)


def seconds(text: Any) -> float:
    """``1 day``, ``15 minutes``, ``2 weeks`` in seconds. Raises AcrossError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s+([a-z]+?)s?\s*", str(text).lower())
    if not found or found[2] not in _SECONDS or not float(found[1]):
        raise AcrossError(
            "most", f"{text!r} is no time; write a number and a unit ({', '.join(_SECONDS)}): 1 day"
        )
    return float(found[1]) * _SECONDS[found[2]]


def duration(length: float) -> str:
    """Seconds as :func:`seconds` reads them, in the largest unit that is whole."""
    unit = next((u for u in reversed(_SECONDS) if length % _SECONDS[u] == 0), "second")
    number = length / _SECONDS[unit]
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def expected(check: Across | OfFile) -> str:
    """What would be right, of the rule as a whole."""
    if isinstance(check, OfFile):
        return {
            "fresh": f"a newest value not older than {duration(check.most) if check.most else ''}",
            "rowsSinceLast": f"rows within {check.most:g} % of the last file's",
            "sameColumns": "the columns of the last file",
        }[check.rule]
    together = ", ".join(check.by)
    match check.rule:
        case "determined":
            return f"one value for each {together}"
        case "spelling":
            return "the usual spelling"
        case "monotone":
            way = "not more" if check.setting("falling") else "not less"
            return f"{way} than before (by {check.order})"
        case "gap":
            return f"not more than {duration(check.setting('most'))} after the one before"
        case "frozen":
            return f"not the same in {check.setting('rows'):g} rows on end (by {check.order})"
        case "outlier":
            return f"within {check.setting('times'):g} times the usual distance from the middle"
        case "total":
            return "the sum of the other rows"
        case _:
            return "a name that no other row has, nearly alike"


def _names(given: Any, key: str) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if isinstance(given, list | tuple):
        return list(given)
    raise AcrossError(key, f"must be a field or a list of fields, not {given!r}")


def _field(name: Any, key: str, kinds: Mapping[str, Kind]) -> str:
    if not name:
        raise AcrossError(key, "must name a field")
    if name not in kinds:
        raise AcrossError(key, f"unknown field {name!r}{nearest(str(name), kinds)}")
    return str(name)


def _flag(value: Any, key: str) -> bool:
    if not isinstance(value, bool):
        raise AcrossError(key, f"must be true or false, not {value!r}")
    return value


def _number(value: Any, key: str, least: float, *, whole: bool = False) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < least or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise AcrossError(key, f"must be {kind} from {least:g}, not {value!r}")
    return number
