"""Workflows as YAML files: those that come with Mahakam, and a place's own in ``workflows/``."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mahakam.config import ConfigError, Place, Text, as_text, chain, read_yaml
from mahakam.services.states import STATES
from mahakam.services.workflow import DEEDS, NEEDS, WHO, Transition, Workflow, WorkflowState

ROOM = "workflows"
SHIPPED = Path(__file__).with_name(ROOM)
DEFAULT = "report"
_CODE = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,39}")
_FIELDS = ("name", "states", "transitions")
_STATE = ("status", "name")
_TRANSITION = ("from", "to", "by", "name", "needs", "does", "message", "once")
_MOST = 60


def workflow_files(place: Place, places: Mapping[str, Place]) -> dict[str, Path]:
    """The workflows that a place's services may name: the shipped ones, its parents' over them, its own over all."""
    found = {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}
    for owner in reversed(chain(places, place)):
        found |= owner.files(ROOM)
    return found


def read_workflow(path: Path) -> Workflow:
    """One ``workflows/NAME.yaml``, read again when it changed. Raises ConfigError: which part, what is wrong with it,
    what would be right."""
    return _read_again(path, path.stat().st_mtime_ns if path.exists() else 0)


@functools.lru_cache(256)
def _read_again(path: Path, _changed: int) -> Workflow:
    raw = read_yaml(path)
    _known(path, "the file", raw, _FIELDS)
    if not raw.get("name"):
        raise ConfigError(path, "needs a name, e.g. name: {en: Licence, id: Izin}")
    states = _states(path, raw.get("states"))
    transitions = _transitions(path, raw.get("transitions"), states)
    found = Workflow(path.stem, as_text(raw["name"]), states, transitions)
    _reachable(path, found)
    _unambiguous(path, found)
    return found


def _states(path: Path, raw: object) -> dict[str, WorkflowState]:
    if not isinstance(raw, Mapping) or not 2 <= len(raw) <= _MOST:
        raise ConfigError(
            path,
            f"states maps 2 to {_MOST} codes to a status and a name, the first is where a request begins, "
            "e.g. states: {received: {}, checking: {status: inProgress, name: {en: Checked, id: Diperiksa}}}",
        )
    found = {str(code): _state(path, str(code), given) for code, given in raw.items()}
    first = next(iter(found.values()))
    if first.status not in ("received", "waiting"):
        raise ConfigError(
            path,
            f"states.{first.code}: the first state is where a request begins: its status is received, or waiting where "
            "the resident has to do something first",
        )
    return found


def _state(path: Path, code: str, raw: object) -> WorkflowState:
    at = f"states.{code}"
    _coded(path, at, code)
    given = _mapping(
        path, at, {} if raw is None else raw, "{status: inProgress, name: {en: Checked, id: Diperiksa}}"
    )
    _known(path, at, given, _STATE)
    status = given.get("status", code)
    if status not in STATES:
        raise ConfigError(
            path,
            f"{at}: its status is one of {', '.join(STATES)}, not {status!r}{_near(str(status), STATES)}",
        )
    if code in STATES and code != status:
        raise ConfigError(
            path, f"{at}: a state that is called {code} has that status; call it something else"
        )
    if code != status and not given.get("name"):
        raise ConfigError(path, f"{at} needs a name, e.g. name: {{en: Checked, id: Diperiksa}}")
    return WorkflowState(code, status, _text(path, f"{at}.name", given.get("name")))


def _transitions(path: Path, raw: object, states: Mapping[str, WorkflowState]) -> tuple[Transition, ...]:
    if not isinstance(raw, Mapping) or not 1 <= len(raw) <= _MOST:
        raise ConfigError(
            path,
            f"transitions maps 1 to {_MOST} codes to from, to and by, "
            "e.g. transitions: {grant: {from: checking, to: answered, by: officer, needs: words}}",
        )
    return tuple(_transition(path, str(code), given, states) for code, given in raw.items())


def _transition(path: Path, code: str, raw: object, states: Mapping[str, WorkflowState]) -> Transition:
    at = f"transitions.{code}"
    _coded(path, at, code)
    given = _mapping(path, at, raw, "{from: received, to: answered, by: officer}")
    _known(path, at, given, _TRANSITION)
    for key in ("from", "to", "by"):
        if not given.get(key):
            raise ConfigError(path, f"{at} needs {key}; a transition has from, to and by")
    sources = _some(path, f"{at}.from", given["from"], states)
    target = _some(path, f"{at}.to", given["to"], states)
    if len(target) != 1:
        raise ConfigError(path, f"{at}.to is one state; a transition for each of {', '.join(target)}")
    by = _some(path, f"{at}.by", given["by"], WHO)
    once = given.get("once", False)
    if not isinstance(once, bool):
        raise ConfigError(path, f"{at}.once is true or false, not {once!r}")
    name = _text(path, f"{at}.name", given.get("name"))
    if "resident" in by and not name:
        raise ConfigError(
            path,
            f"{at} needs a name: what the resident's button says, e.g. name: {{en: Withdraw it, id: Batalkan}}",
        )
    does = _some(path, f"{at}.does", given.get("does", ()), DEEDS)
    if "letter" in does and by != ("approval",):
        raise ConfigError(path, f"{at}.does: a letter is issued by its last approval: by: approval")
    if "book" in does and "approval" in by:
        raise ConfigError(path, f"{at}.does: people book: by: resident or officer")
    return Transition(
        code=code,
        sources=sources,
        target=target[0],
        by=frozenset(by),  # type: ignore[arg-type]  # _some has looked: these are names of WHO
        name=name,
        needs=_some(path, f"{at}.needs", given.get("needs", ()), NEEDS),  # type: ignore[arg-type]
        does=does,  # type: ignore[arg-type]
        message=_text(path, f"{at}.message", given.get("message")),
        once=once,
    )


def _reachable(path: Path, workflow: Workflow) -> None:
    """Every state can be reached from the first one, and from every open one a settled one can be reached."""
    after = {
        code: {way.target for way in workflow.transitions if code in way.sources} for code in workflow.states
    }
    reached = _closure({workflow.start.code}, after)
    if unreached := [code for code in workflow.states if code not in reached]:
        raise ConfigError(
            path,
            f"states.{unreached[0]}: no transition leads here from {workflow.start.code}; add one, or take it out",
        )
    for code, state in workflow.states.items():
        if state.open and not any(not workflow.states[to].open for to in _closure({code}, after)):
            raise ConfigError(
                path,
                f"states.{code}: no way leads out of it to a settled state (answered, closed, rejected); "
                f"add a transition with from: {code}",
            )


def _closure(start: set[str], after: Mapping[str, set[str]]) -> set[str]:
    found, new = set[str](), set(start)
    while new:
        found |= new
        new = {to for code in new for to in after[code]} - found
    return found


def _unambiguous(path: Path, workflow: Workflow) -> None:
    """An officer chooses the state, so that one way leads there; approvals have one way for each of their two ends."""
    taken: dict[tuple[str, ...], str] = {}
    for way in workflow.transitions:
        ends = [(who, way.target) for who in way.by & {"officer", "head"}]
        ends += [("approval", "letter" if "letter" in way.does else "")] if "approval" in way.by else []
        for key in {(source, *end) for source in way.sources for end in ends}:
            if key in taken:
                raise ConfigError(
                    path,
                    f"transitions.{way.code}: {taken[key]} leads from {key[0]} there already for the same people; "
                    "keep one of them",
                )
            taken[key] = way.code


def _some(path: Path, at: str, raw: object, known: Collection[str]) -> tuple[str, ...]:
    given = [raw] if isinstance(raw, str) else raw
    if not isinstance(given, list | tuple):
        raise ConfigError(path, f"{at} is one or a list of {', '.join(known)}, not {raw!r}")
    for one in given:
        if one not in known:
            raise ConfigError(
                path, f"{at}: unknown {one!r}{_near(str(one), known)}; it may be {', '.join(known)}"
            )
    return tuple(dict.fromkeys(given))


def _known(path: Path, at: str, given: Mapping[Any, Any], fields: Collection[str]) -> None:
    if unknown := sorted(str(name) for name in given if name not in fields):
        raise ConfigError(
            path, f"{at}: unknown {unknown[0]!r}{_near(unknown[0], fields)}; it has {', '.join(fields)}"
        )


def _near(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, 1)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _mapping(path: Path, at: str, raw: object, example: str) -> Mapping[Any, Any]:
    if not isinstance(raw, Mapping):
        raise ConfigError(path, f"{at} is a mapping, e.g. {example}, not {raw!r}")
    return raw


def _coded(path: Path, at: str, code: str) -> None:
    if not _CODE.fullmatch(code):
        raise ConfigError(path, f"{at}: a code is letters, digits and -, at most 40, e.g. checking")


def _text(path: Path, at: str, raw: object) -> Text:
    if raw is None:
        return {}
    if not raw or isinstance(raw, list | bool):
        raise ConfigError(path, f"{at} is a text or {{en: …, id: …}}, not {raw!r}")
    return as_text(raw)
