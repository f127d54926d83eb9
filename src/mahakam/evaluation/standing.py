"""Where an assessment stands: what it claims, and how much of the claim its evidence carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mahakam.config import Place
from mahakam.evaluation.files import Answer, Assessment, Framework, Piece, Question
from mahakam.feeds.known import Dataset, datasets
from mahakam.indicators.definition import definitions_of
from mahakam.indicators.series import series


@dataclass(frozen=True, slots=True)
class Found:
    """A piece of evidence as this node has it: ``there`` False where it names nothing; an address elsewhere counts as
    there and is not looked at. ``said`` is a figure and its day, ``unit`` the code of the figure's unit. ``cites``: an
    indicator that names the question itself, so that nobody had to point to it."""

    piece: Piece
    there: bool
    said: str
    address: str
    unit: str = ""
    cites: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A question: ``claimed`` level (None: not answered), and the ``carried`` one, the highest up to the claim
    whose need of evidence is met. ``peer``: what the last reviewing city found (None: not looked at)."""

    question: Question
    answer: Answer | None
    claimed: int | None
    carried: int
    found: tuple[Found, ...]
    peer: int | None

    @property
    def bare(self) -> bool:
        """Whether it claims more than its evidence carries."""
        return self.claimed is not None and self.claimed > self.carried


@dataclass(frozen=True)
class Standing:
    """The indices are weighted means of levels; a question without an answer stands at the lowest."""

    framework: Framework
    assessment: Assessment
    lines: tuple[Line, ...]
    claimed: float
    carried: float
    peer: float | None


def standing(broker: Any, place: Place, framework: Framework, assessment: Assessment) -> Standing:
    """Every question with its answer and the evidence as it is now."""
    known = {one.name: one for one in datasets(broker.store, place)}
    lowest = framework.levels[0].level
    own = cited(broker, place, framework)
    last = assessment.peers[-1] if assessment.peers else None
    lines = []
    for question in framework.questions:
        answer = assessment.answers.get(question.key)
        found = tuple(found_piece(broker, place, known, piece) for piece in answer.pieces) if answer else ()
        given = {(one.piece.kind, one.piece.target) for one in found}
        found += tuple(
            one for one in own.get(question.key, ()) if ("indicator", one.piece.target) not in given
        )
        there = sum(one.there for one in found)
        claimed = answer.level if answer else None
        allowed = [
            one.level for one in framework.levels if one.needs <= there and one.level <= (claimed or lowest)
        ]
        peer = last.levels.get(question.key) if last else None
        lines.append(Line(question, answer, claimed, max(allowed, default=lowest), found, peer))
    weights = sum(one.weight for one in framework.questions)
    total = [sum(one.question.weight * level for one, level in zip(lines, levels, strict=True)) / weights
             for levels in ([one.claimed or lowest for one in lines], [one.carried for one in lines],
                            [one.peer or lowest for one in lines])]  # fmt: skip
    peer_index = round(total[2], 4) if last else None
    return Standing(framework, assessment, tuple(lines), round(total[0], 4), round(total[1], 4), peer_index)


def cited(broker: Any, place: Place, framework: Framework) -> dict[str, tuple[Found, ...]]:
    """Question → the place's indicators that cite it (``frameworks: [{u4ssc: Air Pollution}]``) and have a value."""
    found: dict[str, tuple[Found, ...]] = {}
    if not framework.scheme:
        return found
    for definition in definitions_of(place, broker.places, []).values():
        codes = {code.casefold() for scheme, code in definition.frameworks if scheme == framework.scheme}
        asked = [one for one in framework.questions if codes & {code.casefold() for code in one.cites}]
        if asked:
            piece = found_piece(broker, place, {}, Piece(dict(definition.name), "indicator", definition.id))
            if piece.there:
                for one in asked:
                    found[one.key] = (*found.get(one.key, ()), replace(piece, cites=True))
    return found


def found_piece(broker: Any, place: Place, known: Mapping[str, Dataset], piece: Piece) -> Found:
    """A piece as this node has it now; ``known`` are the place's datasets by name."""
    if piece.kind == "dataset":
        one = known.get(piece.target)
        if one is None or one.run is None:
            return Found(piece, False, "", "")
        score = f"{one.score:.0%} · " if one.score is not None else ""
        return Found(piece, True, f"{score}{one.updated[:10]}", f"/catalogue/{place.id}/{one.name}")
    if piece.kind == "indicator":
        found = series(broker, place, piece.target)
        if found is None or found.latest is None:
            return Found(piece, False, "", "")
        said = f"{found.latest.label}: {found.latest.value:.6g}"
        return Found(piece, True, said, f"/indicators/{found.place.id}/{piece.target}", found.latest.unit)
    if piece.kind == "file":
        return Found(piece, place.inside(piece.target).is_file(), piece.target, "")
    return Found(piece, True, "", piece.target)
