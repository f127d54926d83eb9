"""The two files of an evaluation: frameworks/NAME.yaml asks, assessments/NAME.yaml answers for a place.

What is answered on the pages instead is in ``kept.py``; both become the same Assessment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Place, Text, chain, checked_mapping, checked_text, read_yaml

MOST_PIECES = 20
SHIPPED = Path(__file__).parent / "frameworks"
"""Questionnaires that are of no country: a file of the same name in a place's folder takes their place."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level that can be claimed, and the pieces of evidence that a claim of it needs."""

    level: int
    name: Text
    needs: int


@dataclass(frozen=True, slots=True)
class Question:
    """``feeds`` are the collectors (``collect.py``) whose figures of this node belong to it; ``shows`` says of a level
    what its evidence shows; ``cites`` are the codes under which indicators name it (``Framework.scheme``)."""

    key: str
    name: Text
    aspect: Text
    weight: float
    feeds: tuple[str, ...]
    shows: Mapping[int, Text] = field(default_factory=dict)
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """The grade from this index on."""

    start: float
    name: Text


@dataclass(frozen=True)
class Framework:
    """``scheme``: what indicators call it in their ``frameworks:`` (``u4ssc``, ``iso37120``); "": none cites it."""

    id: str
    path: Path = field(repr=False)
    name: Text
    source: Text
    note: Text | None
    levels: tuple[Level, ...]
    cuts: tuple[Cut, ...]
    questions: tuple[Question, ...]
    scheme: str = ""

    def grade(self, index: float) -> Text | None:
        """The grade of an index; None below the first cut."""
        return next((cut.name for cut in reversed(self.cuts) if index >= cut.start), None)


@dataclass(frozen=True, slots=True)
class Piece:
    """What an answer points to: ``kind`` is ``dataset``, ``indicator``, ``file`` or ``https``."""

    title: Text
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class Answer:
    level: int
    pieces: tuple[Piece, ...]
    note: Text | None


@dataclass(frozen=True)
class Peer:
    """What another city (``by``) found when it looked, question by question: the claimed level accepts it, another one
    disputes it, with the reason."""

    by: str
    day: dt.date
    levels: Mapping[str, int]
    reasons: Mapping[str, str]


@dataclass(frozen=True)
class Assessment:
    """What a place, or one agency of it, says of itself on a day, and what peers found, the latest last."""

    id: str
    path: Path = field(repr=False)
    """Its file; of one that was answered on the pages the place's folder."""
    framework: str
    agency: str
    day: dt.date
    by: str
    answers: Mapping[str, Answer]
    peers: tuple[Peer, ...] = ()


def framework_of(place: Place, places: Mapping[str, Place], name: str) -> Framework | None:
    """The framework of this name, of the place or the nearest place above that has it, else one that is shipped."""
    folders = [one.folder / "frameworks" for one in chain(places, place)]
    for folder in (*folders, SHIPPED):
        path = folder / f"{name}.yaml"
        if path.is_file():
            return read_framework(path)
    return None


def frameworks_of(
    place: Place, places: Mapping[str, Place], problems: list[ConfigError]
) -> dict[str, Framework]:
    """Every framework that holds for a place by name, its own before those of places above, then what is shipped; what
    cannot be used goes to ``problems``."""
    found: dict[str, Framework] = {}
    shipped = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}
    for files in (*(one.files("frameworks") for one in chain(places, place)), shipped):
        for name, path in files.items():
            if name not in found:
                try:
                    found[name] = read_framework(path)
                except ConfigError as error:
                    problems.append(error)
    return found


def assessments_of(place: Place, problems: list[ConfigError] | None = None) -> list[Assessment]:
    """The assessments of a place, the oldest first. Raises ConfigError for the first file that cannot be used; with
    ``problems`` it goes there and the file is left out."""
    found = []
    for path in place.files("assessments").values():
        try:
            found.append(read_assessment(path, place))
        except ConfigError as error:
            if problems is None:
                raise
            problems.append(error)
    return sorted(found, key=lambda one: (one.framework, one.agency, one.day, one.id))


def read_framework(path: Path) -> Framework:
    """Raises ConfigError naming the file, the key and what would be right."""
    facts = checked_mapping(path, "", read_yaml(path),
                   ("name", "source", "note", "scheme", "levels", "cuts", "aspects"),
                   ("name", "source", "levels", "aspects"))  # fmt: skip
    levels = []
    for at, raw in enumerate(_list(path, "levels", facts["levels"])):
        where = f"levels[{at}]"
        one = checked_mapping(path, where, raw, ("level", "name", "needs"), ("level", "name"))
        level, needs = (
            _whole(path, f"{where}.level", one["level"]),
            _whole(path, f"{where}.needs", one.get("needs", 0)),
        )
        levels.append(Level(level, checked_text(path, f"{where}.name", one["name"]), needs))
    if [one.level for one in levels] != sorted({one.level for one in levels}):
        raise ConfigError(path, "levels: must rise, each once")
    cuts = []
    for at, raw in enumerate(_list(path, "cuts", facts.get("cuts") or [])):
        one = checked_mapping(path, f"cuts[{at}]", raw, ("from", "name"), ("from", "name"))
        start = _number(path, f"cuts[{at}].from", one["from"])
        cuts.append(Cut(start, checked_text(path, f"cuts[{at}].name", one["name"])))
    questions = []
    for at, raw in enumerate(_list(path, "aspects", facts["aspects"])):
        aspect = checked_mapping(path, f"aspects[{at}]", raw, ("name", "questions"), ("name", "questions"))
        name = checked_text(path, f"aspects[{at}].name", aspect["name"])
        for no, each in enumerate(_list(path, f"aspects[{at}].questions", aspect["questions"])):
            where = f"aspects[{at}].questions[{no}]"
            one = checked_mapping(
                path, where, each, ("key", "name", "weight", "feeds", "shows", "cites"), ("key", "name")
            )
            cites = one.get("cites") or []
            cites = [cites] if isinstance(cites, str) else _list(path, f"{where}.cites", cites)
            weight = _number(path, f"{where}.weight", one.get("weight", 1))
            feeds = tuple(str(feed) for feed in _list(path, f"{where}.feeds", one.get("feeds") or []))
            questions.append(
                Question(
                    str(one["key"]),
                    checked_text(path, f"{where}.name", one["name"]),
                    name,
                    weight,
                    feeds,
                    _shows(path, f"{where}.shows", one.get("shows") or {}, {level.level for level in levels}),
                    tuple(str(code) for code in cites),
                )
            )
    if len({one.key for one in questions}) < len(questions):
        raise ConfigError(path, "aspects: two questions have the same key")
    if not questions or sum(one.weight for one in questions) <= 0:
        raise ConfigError(path, "aspects: needs questions whose weights come to more than 0")
    name, source = checked_text(path, "name", facts["name"]), checked_text(path, "source", facts["source"])
    note = checked_text(path, "note", facts["note"]) if facts.get("note") else None
    ordered = tuple(sorted(cuts, key=lambda one: one.start))
    return Framework(path.stem, path, name, source, note, tuple(levels), ordered, tuple(questions),
                     str(facts.get("scheme") or ""))  # fmt: skip


def read_assessment(path: Path, place: Place) -> Assessment:
    """Raises ConfigError naming the file, the key and what would be right."""
    keys = ("framework", "agency", "day", "by", "answers", "peer")
    facts = checked_mapping(path, "", read_yaml(path), keys, ("framework", "day", "by", "answers"))
    if not isinstance(facts["answers"], Mapping):
        raise ConfigError(path, "answers: must map questions to answers")
    answers = {}
    for key, raw in facts["answers"].items():
        where = f"answers.{key}"
        one = checked_mapping(path, where, raw, ("level", "evidence", "note"), ("level",))
        raw_pieces = _list(path, f"{where}.evidence", one.get("evidence") or [])
        if len(raw_pieces) > MOST_PIECES:
            raise ConfigError(path, f"{where}.evidence: at most {MOST_PIECES} pieces")
        pieces = tuple(
            _piece(path, f"{where}.evidence[{at}]", each, place) for at, each in enumerate(raw_pieces)
        )
        note = checked_text(path, f"{where}.note", one["note"]) if one.get("note") else None
        answers[str(key)] = Answer(_whole(path, f"{where}.level", one["level"]), pieces, note)
    peers = (_peer(path, facts["peer"]),) if facts.get("peer") else ()
    return Assessment(
        path.stem, path, str(facts["framework"]), str(facts.get("agency") or ""), _day(path, "day", facts["day"]),
        str(facts["by"]), answers, peers,
    )  # fmt: skip


def _peer(path: Path, raw: object) -> Peer:
    one = checked_mapping(path, "peer", raw, ("by", "day", "levels", "reasons"), ("by", "day", "levels"))
    levels, reasons = one["levels"], one.get("reasons") or {}
    for name, mapping in (("levels", levels), ("reasons", reasons)):
        if not isinstance(mapping, Mapping):
            raise ConfigError(path, f"peer.{name}: must map questions to {name}")
    return Peer(
        str(one["by"]),
        _day(path, "peer.day", one["day"]),
        {str(key): _whole(path, f"peer.levels.{key}", level) for key, level in levels.items()},
        {str(key): str(reason) for key, reason in reasons.items()},
    )


def _shows(path: Path, where: str, raw: object, levels: set[int]) -> dict[int, Text]:
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"{where}: must map levels to what their evidence shows")
    if unknown := [key for key in raw if key not in levels]:
        raise ConfigError(path, f"{where}: there is no level {unknown[0]!r}; the levels are {sorted(levels)}")
    return {int(key): checked_text(path, f"{where}.{key}", text) for key, text in raw.items()}


def _piece(path: Path, where: str, raw: object, place: Place) -> Piece:
    kinds = ("dataset", "indicator", "file", "https")
    one = checked_mapping(path, where, raw, ("title", *kinds), ("title",))
    given = [kind for kind in kinds if one.get(kind)]
    if len(given) != 1:
        raise ConfigError(path, f"{where}: needs one of {', '.join(kinds)}")
    target = str(one[given[0]])
    if given[0] == "file":
        place.inside(target)
    if given[0] == "https" and not target.startswith("https://"):
        raise ConfigError(path, f"{where}.https: must begin with https://, not {target[:80]!r}")
    return Piece(checked_text(path, f"{where}.title", one["title"]), given[0], target)


def _list(path: Path, where: str, raw: object) -> list[Any]:
    if not isinstance(raw, list):
        raise ConfigError(path, f"{where}: must be a list")
    return raw


def _whole(path: Path, where: str, raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise ConfigError(path, f"{where}: must be a whole number, not {raw!r}")
    return raw


def _number(path: Path, where: str, raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw < 1e6:
        raise ConfigError(path, f"{where}: must be a number from 0, not {raw!r}")
    return float(raw)


def _day(path: Path, where: str, raw: object) -> dt.date:
    if isinstance(raw, dt.datetime) or not isinstance(raw, dt.date):
        raise ConfigError(path, f"{where}: must be a day, e.g. 2026-11-27, not {raw!r}")
    return raw
