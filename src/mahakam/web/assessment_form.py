"""A self-assessment as it is typed: levels, evidence line by line, notes; from a form to answers and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import FormData
from starlette.requests import Request

from mahakam.config import Place
from mahakam.evaluation.files import MOST_PIECES, Answer, Framework, Piece, assessments_of
from mahakam.evaluation.standing import cited, found_piece
from mahakam.faults import Fault
from mahakam.feeds.known import datasets
from mahakam.indicators.definition import definitions_of
from mahakam.web import gate
from mahakam.web.language import reader, words
from mahakam.web.network_office import hosts
from mahakam.web.site import site_of

LONGEST_LINE = 600


def typed_of(framework: Framework, answers: Mapping[str, Answer], place: Place) -> dict[str, str]:
    """Field → what stands in it for answers that were given before."""
    typed: dict[str, str] = {}
    for number, question in enumerate(framework.questions):
        answer = answers.get(question.key)
        typed |= {f"level-{number}": "", f"evidence-{number}": "", f"note-{number}": ""}
        if answer is not None:
            typed[f"level-{number}"] = str(answer.level)
            typed[f"evidence-{number}"] = "\n".join(_line(piece, place) for piece in answer.pieces)
            typed[f"note-{number}"] = words(answer.note) if answer.note else ""
    return typed


def typed_in(form: FormData, framework: Framework) -> dict[str, str]:
    return {
        name: gate.text(form, name).replace("\r\n", "\n").strip()
        for number in range(len(framework.questions))
        for name in (f"level-{number}", f"evidence-{number}", f"note-{number}")
    }


def answers_of(
    request: Request, place: Place, framework: Framework, typed: Mapping[str, str]
) -> tuple[dict[str, Answer], dict[str, int], list[Fault]]:
    """(question → answer, question → pieces that the node has, what cannot be read). A question without a level is not
    answered."""
    site = site_of(request)
    known = {one.name: one for one in datasets(site.store, place)}
    own = cited(site.broker, place, framework)
    answers: dict[str, Answer] = {}
    there: dict[str, int] = {}
    faults: list[Fault] = []
    for number, question in enumerate(framework.questions):
        level, note = typed[f"level-{number}"], typed[f"note-{number}"]
        lines = [line.strip() for line in typed[f"evidence-{number}"].splitlines() if line.strip()]
        if not level:
            if lines or note:
                faults.append(Fault(f"level-{number}", "choose", {}))
            continue
        if len(lines) > MOST_PIECES:
            faults.append(Fault(f"evidence-{number}", "many", {"most": MOST_PIECES}))
            continue
        pieces = []
        for line in lines:
            piece = piece_of(request, place, line)
            if piece is None:
                faults.append(Fault(f"evidence-{number}", "piece", {"what": line[:120]}))
            elif not found_piece(site.broker, place, known, piece).there:
                faults.append(Fault(f"evidence-{number}", "nothing_there", {"what": line[:120]}))
            elif piece not in pieces:
                pieces.append(piece)
        of_itself = {one.piece.target for one in own.get(question.key, ())}
        given = {piece.target for piece in pieces if piece.kind == "indicator"}
        there[question.key] = len(pieces) + len(of_itself - given)
        said = {reader().language: note} if note else None
        answers[question.key] = Answer(
            int(level) if level.isdecimal() and len(level) < 4 else -1, tuple(pieces), said
        )
    wrong = {fault.field for fault in faults}
    for number, question in enumerate(framework.questions):
        if f"evidence-{number}" in wrong and question.key in answers:
            del answers[question.key]  # what is wrong with its lines is said, not how many are left of them
    return answers, there, faults


def piece_of(request: Request, place: Place, line: str) -> Piece | None:
    """A line of evidence: a dataset's or an indicator's page of the city on this node, or a document's https address
    with a title before it; None for anything else. ``file:PATH`` names a file that an assessment in the city's
    folder names: what else is in the folder is nobody's to publish from here."""
    if len(line) > LONGEST_LINE:
        return None
    title, _space, address = line.rpartition(" ")
    title = title.strip()
    if address.startswith("file:"):
        path = address.removeprefix("file:")
        return Piece({reader().language: title or path}, "file", path) if path in _files(place) else None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if (not parts.netloc and address.startswith("/")) or parts.netloc.lower() in hosts(request):
        return _of_node(request, place, [unquote(part) for part in parts.path.strip("/").split("/")])
    if parts.scheme != "https" or not parts.hostname:
        return None
    return Piece({reader().language: title or parts.hostname}, "https", address)


def _of_node(request: Request, place: Place, parts: list[str]) -> Piece | None:
    """Named as the node names it, in each language."""
    site = site_of(request)
    if len(parts) != 3:
        return None
    room, where, name = parts
    if room == "catalogue" and where == place.id:
        found = {one.name: one.title for one in datasets(site.store, place)}.get(name)
        return Piece(dict(found), "dataset", name) if found else None
    if room == "indicators" and where == place.id:
        one = definitions_of(place, site.places, []).get(name)
        return Piece(dict(one.name), "indicator", name) if one else None
    return None


def _files(place: Place) -> set[str]:
    given = (answer.pieces for one in assessments_of(place, []) for answer in one.answers.values())
    return {piece.target for pieces in given for piece in pieces if piece.kind == "file"}


def _line(piece: Piece, place: Place) -> str:
    room = {"dataset": "catalogue", "indicator": "indicators"}.get(piece.kind)
    if room:
        return f"/{room}/{place.id}/{quote(piece.target)}"
    return f"{words(piece.title)} {'file:' if piece.kind == 'file' else ''}{piece.target}"
