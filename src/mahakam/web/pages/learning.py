"""Learning paths: exercises on a city's own data, verified by the node's facts, and who did which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from mahakam.config import ConfigError, Place
from mahakam.indicators.series import all_series
from mahakam.learning.facts import CHECKS, Named, Proof, row_traced
from mahakam.learning.kept import Completion, completions, keep
from mahakam.learning.paths import Exercise, LearningPath, paths_of
from mahakam.network.recommendation import Author
from mahakam.network.register import register_of
from mahakam.web import gate
from mahakam.web import indicator_views as views
from mahakam.web.faults import Errors, now
from mahakam.web.language import N_, _, in_timezone, time, words
from mahakam.web.network_office import desk, may_in, require_in
from mahakam.web.render import render
from mahakam.web.site import site_of
from mahakam.web.tables import Column, Table, table_routes

if TYPE_CHECKING:
    from mahakam.web.site import Site

PATH = "/learning"
TAKE = "learning.take"
PROOFS = {
    "feed_run": N_("%(what)s brought rows in on %(when)s (run %(detail)s)"),
    "row_repaired": N_("a row of %(what)s was repaired on %(when)s (%(detail)s)"),
    "row_traced": N_("%(what)s was traced to its row on %(when)s (%(detail)s)"),
    "indicator_fed": N_("%(what)s was computed from these rows on %(when)s (run %(detail)s)"),
}
"""What proves an exercise, in words."""
NOT_YET = {
    "feed_run": N_("The node knows no run of yours here that brought rows in. Send a file first."),
    "row_repaired": N_("The node knows no held row here that you changed and that was let in since."),
    "row_traced": N_(
        "This row is not behind that value, or no cell of it that the value uses says this. "
        "Follow “Where from?” once more."
    ),
    "indicator_fed": N_("No indicator's latest value here rests on rows that you brought in."),
}  # fmt: skip
WHERE = {
    "feed_run": ("/upload?place=", N_("Add a spreadsheet")),
    "row_repaired": ("/quarantine", N_("The quarantine")),
    "row_traced": ("/indicators/", N_("Indicators")),
    "indicator_fed": ("/indicators/", N_("Indicators")),
}
_TYPED = ("value", "file", "row", "cell")


@dataclass(frozen=True, slots=True)
class Task:
    """An exercise and the visitor's own completion of it."""

    exercise: Exercise
    done: Completion | None
    link: tuple[str, str]


def routes(_site: Site) -> list[BaseRoute]:
    one = PATH + "/{place}/{path}"
    return [
        Route(PATH, cities, methods=["GET"]),
        *table_routes(one, show, done_table),
        Route(one + "/{exercise}", gate.posted(_check), methods=["POST"]),
    ]


def cities(request: Request) -> Response:
    """Every path of every city in which the visitor may take one; to a stranger what there is."""
    site, problems = site_of(request), list[ConfigError]()
    rows = []
    for place in site.places.values():
        if place.kind != "city":
            continue
        for path in _paths(request, place, problems).values():
            found = completions(site.store, path.id, place.id)
            mine = may_in(request, TAKE, place)
            rows.append((place, path, len({one.account for one in found}), mine))
    rows.sort(key=lambda row: (not row[3], words(row[0].name), words(row[1].name)))
    return render(
        request,
        "learning.html",
        title=_("Learning paths"),
        section="network",
        rows=rows,
        any_mine=any(row[3] for row in rows),
        problems=[f"learning/{one.path.name}: {one.problem}" for one in problems]
        if gate.may(request, "node.manage") else [],
    )  # fmt: skip


def _paths(request: Request, place: Place, problems: list[ConfigError]) -> dict[str, LearningPath]:
    places = site_of(request).places
    register = register_of(places)
    return paths_of(place, places, [register.place] if register else [], problems)


def _one(request: Request) -> tuple[Place, LearningPath]:
    """Raises HTTPException 404."""
    place = site_of(request).place(request.path_params["place"])
    path = _paths(request, place, []).get(request.path_params["path"])
    if path is None:
        raise HTTPException(404, _("There is no such learning path."))
    return place, path


def show(request: Request) -> Response:
    return _page(request)


def _page(
    request: Request,
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    place, path = _one(request)
    in_timezone(place.timezone)
    visitor = gate.visitor(request)
    mine = {
        one.exercise: one
        for one in completions(site_of(request).store, path.id, place.id)
        if visitor and one.account == visitor.name
    }
    tasks = [Task(one, mine.get(one.key), _where(one, place)) for one in path.exercises]
    answer = render(
        request,
        "learning-path.html",
        status,
        title=words(path.name),
        place=place,
        path=path,
        here=f"{PATH}/{place.id}/{path.id}",
        tasks=tasks,
        done=len(mine),
        proof=proof_words,
        values=_values(request, place),
        may=may_in(request, TAKE, place),
        names=_sees_names(request, place),
        table=done_table(request),
        token=gate.token(request),
        typed=dict.fromkeys(_TYPED, "") | (typed or {}),
        errors=Errors(errors or {}),
        blank=Errors(),
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _where(one: Exercise, place: Place) -> tuple[str, str]:
    address, name = WHERE[one.verify]
    return address + (place.id if address != "/quarantine" else ""), _(name)


def _values(request: Request, place: Place) -> list[tuple[str, str]]:
    """Values of the place that can be traced: (indicator/period, its name with the value)."""
    found = []
    for one in all_series(site_of(request).broker, place, above=False):
        if one.latest is not None:
            shown = views.with_unit(one.latest, one.definition.decimals)[0]
            name = f"{words(one.definition.name)}, {views.when(one.latest) or one.latest.label}: {shown}"
            found.append((f"{one.definition.id}/{one.latest.label}", name))
    return found


def proof_words(proof: Proof) -> str:
    return _(PROOFS[proof.fact], what=proof.what, when=time(proof.at), detail=proof.detail)


def _sees_names(request: Request, place: Place) -> bool:
    """Who did which is for those of the city and people in office; others see how many."""
    if may_in(request, TAKE, place):
        return True
    known = gate.visitor(request) is not None and register_of(site_of(request).places) is not None
    return known and desk(request).may("network.discuss")


def done_table(request: Request) -> Table:
    """One row a person and exercise; for everybody else one row an exercise with how many did it."""
    place, path = _one(request)
    found = completions(site_of(request).store, path.id, place.id)
    caption, here = _("Who did which"), f"{PATH}/{place.id}/{path.id}"
    names = {one.key: words(one.name) for one in path.exercises}
    if not _sees_names(request, place):
        rows = [(one, sum(each.exercise == one.key for each in found)) for one in path.exercises]
        columns = [
            Column("exercise", _("Exercise"), get=lambda row: words(row[0].name)),
            Column("people", _("People who did it"), "number", get=lambda row: row[1]),
        ]
        return Table(request, caption, columns, rows, path=here, anchor="done")
    columns = [
        Column("name", _("Who"), get=lambda one: one.name),
        Column("exercise", _("Exercise"), get=lambda one: names.get(one.exercise, one.exercise)),
        Column("at", _("Verified"), "time", get=lambda one: one.at),
        Column("proof", _("What proves it"), get=lambda one: proof_words(one.proof), html=_proof_link),
        Column("account", get=lambda one: one.account, hidden=True),
        Column("fact", get=lambda one: one.proof.fact, hidden=True),
        Column("href", get=lambda one: one.proof.href, hidden=True),
    ]
    return Table(request, caption, columns, found, path=here, anchor="done", nothing=_("Nobody yet."))


def _proof_link(one: Completion) -> Markup:
    return Markup('<a href="{}">{}</a>').format(one.proof.href, proof_words(one.proof))


def _check(request: Request, form: FormData) -> Response:
    """The node looks whether the visitor did an exercise, and keeps it if so."""
    place, path = _one(request)
    by = require_in(request, TAKE, place)
    exercise = next((one for one in path.exercises if one.key == request.path_params["exercise"]), None)
    if exercise is None:
        raise HTTPException(404, _("There is no such exercise."))
    typed = {name: gate.text(form, name).strip()[:500] for name in _TYPED}
    if not gate.is_ours(request, form):
        return _page(request, typed, {exercise.key: gate.stale()}, 403)
    proof = _proof(request, place, exercise, by, typed)
    if proof is None:
        return _page(request, typed, {exercise.key: _(NOT_YET[exercise.verify])}, 422)
    keep(
        site_of(request).store,
        Completion(
            account=by.account,
            name=by.name,
            place=place.id,
            path=path.id,
            exercise=exercise.key,
            at=now(),
            proof=proof,
        ),
    )
    return RedirectResponse(f"{PATH}/{place.id}/{path.id}#exercise-{exercise.key}", 303)


def _proof(
    request: Request, place: Place, exercise: Exercise, by: Author, typed: dict[str, str]
) -> Proof | None:
    broker = site_of(request).broker
    if exercise.verify == "row_traced":
        indicator, _slash, period = typed["value"].partition("/")
        return row_traced(
            broker, place, Named(indicator, period, typed["file"], typed["row"], typed["cell"]), now()
        )
    return CHECKS[exercise.verify](broker, place, by.account)
