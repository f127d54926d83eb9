"""Workflows as YAML files, and requests that go through them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.app import Node
from mahakam.broker.writes import Modify
from mahakam.config import ConfigError
from mahakam.ngsild import patch
from mahakam.ngsild.problem import Problem
from mahakam.services.catalogue import _recent, catalogue
from mahakam.services.desk import Desk, revision_of
from mahakam.services.moves import state_of, ways
from mahakam.services.request import Draft, Refused, Request, entity_id
from mahakam.services.states import OPEN
from mahakam.services.workflow import HEAD, OFFICER, RESIDENT
from mahakam.services.workflow_file import SHIPPED, read_workflow
from support.routed import MARKET, opened, routed_town
from support.stores import on_both_stores

GOOD: dict[str, Any] = {
    "name": {"en": "Permit", "id": "Izin"},
    "states": {
        "received": None,
        "checked": {"status": "inProgress", "name": {"en": "Checked", "id": "Diperiksa"}},
        "visited": {"status": "inProgress", "name": {"en": "Visited", "id": "Ditinjau"}},
        "granted": {"status": "answered", "name": {"en": "Granted", "id": "Dikabulkan"}},
        "closed": None,
    },
    "transitions": {
        "check": {"from": "received", "to": "checked", "by": "officer", "message": {"en": "We look", "id": "Dilihat"}},
        "visit": {"from": "checked", "to": "visited", "by": "officer"},
        "grant": {"from": ["checked", "visited"], "to": "granted", "by": "head", "needs": "words"},
        "again": {"from": "granted", "to": "checked", "by": "resident", "name": "Again", "once": True},
        "drop": {"from": ["received", "checked", "visited"], "to": "closed", "by": "resident", "name": "Drop it"},
    },
}  # fmt: skip


def _with(path: str, value: object) -> dict[str, Any]:
    """GOOD with one part changed; ``path`` as states.checked.status; ... takes it out."""
    made: dict[str, Any] = yaml.safe_load(yaml.safe_dump(GOOD, sort_keys=False))
    *above, last = path.split(".")
    part = made
    for name in above:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return made


def _file(folder: Path, raw: object) -> Path:
    path = folder / "permit.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_what_is_shipped_is_right_and_named_in_both_languages(path: Path) -> None:
    found = read_workflow(path)
    assert set(found.name) == {"en", "id"}
    for named in (*found.states.values(), *found.transitions):
        assert not named.name or set(named.name) == {"en", "id"}
    assert all(set(way.message) in (set(), {"en", "id"}) for way in found.transitions)


def test_a_good_one_is_read(tmp_path: Path) -> None:
    found = read_workflow(_file(tmp_path, GOOD))
    assert found.start.code == "received"
    assert [way.code for way in found.ways("checked", [], OFFICER)] == ["visit"]
    assert [way.code for way in found.ways("checked", [], HEAD)] == ["visit", "grant"]
    assert [way.code for way in found.ways("granted", ["checked"], RESIDENT)] == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("name", ..., "needs a name"),
        ("nane", "x", "unknown 'nane' \\(did you mean 'name'\\?\\); it has name, states, transitions"),
        ("states", {}, "states maps 2 to 60 codes"),
        ("states.checked", "x", "states.checked is a mapping"),
        ("states.checked.status", "inprogress", "not 'inprogress' \\(did you mean 'inProgress'\\?\\)"),
        ("states.checked.name", ..., "states.checked needs a name"),
        ("states.checked.colour", "red", "states.checked: unknown 'colour'"),
        ("states.received", {"status": "answered"}, "is called received has that status"),
        ("states.lost", {"status": "inProgress", "name": "Lost"}, "states.lost: no transition leads here"),
        ("transitions.drop.to", "visited", "states.closed: no transition leads here from received"),
        (
            "transitions.grant.to",
            "closd",
            "transitions.grant.to: unknown 'closd' \\(did you mean 'closed'\\?\\)",
        ),
        (
            "transitions.grant.by",
            "mayor",
            "transitions.grant.by: unknown 'mayor'; it may be resident, officer",
        ),
        ("transitions.grant.needs", "luck", "transitions.grant.needs: unknown 'luck'"),
        ("transitions.grant.from", 7, "transitions.grant.from is one or a list of received, checked"),
        ("transitions.grant.from", ..., "transitions.grant needs from"),
        ("transitions.grant.to", ["closed", "granted"], "transitions.grant.to is one state"),
        ("transitions.grant.does", "letter", "a letter is issued by its last approval"),
        ("transitions.drop.name", ..., "transitions.drop needs a name: what the resident's button says"),
        ("transitions.again.once", "yes", "once is true or false, not 'yes'"),
        (
            "transitions.second",
            GOOD["transitions"]["visit"],
            "transitions.second: visit leads from checked there",
        ),
        ("transitions.a b", GOOD["transitions"]["visit"], "a code is letters, digits and -"),
        ("transitions", [], "transitions maps 1 to 60 codes"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, path: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        read_workflow(_file(tmp_path, _with(path, value)))
    assert "permit.yaml" in str(error.value)


def test_an_open_state_without_a_way_out_is_refused(tmp_path: Path) -> None:
    raw = _with("transitions.grant.from", "checked")
    raw["transitions"]["drop"]["from"] = ["received", "checked"]
    with pytest.raises(ConfigError, match=r"states\.visited: no way leads out of it to a settled state"):
        read_workflow(_file(tmp_path, raw))


def test_the_first_state_is_one_that_a_request_can_begin_in(tmp_path: Path) -> None:
    raw = _with("states.received", ...)
    with pytest.raises(ConfigError, match=r"states\.checked: the first state is where a request begins"):
        read_workflow(_file(tmp_path, raw))


class Office:
    def __init__(self, node: Node, desk: Desk) -> None:
        self.node, self.desk = node, desk
        self.sent = 0

    def send(self) -> Request:
        self.sent += 1
        draft = Draft("town", "permit", f"A permit for stall {self.sent}", MARKET)
        return self.now(self.desk.send(draft).number)

    def now(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found is not None
        return found

    def step(self, request: Request, state: str, words: str = "", head: bool = False) -> Request:
        who = HEAD if head else OFFICER
        return self.desk.step(request.number, revision_of(request), state, words, "", "siti", who)


@pytest.fixture
def office(tmp_path: Path, story_store: str) -> Iterator[Office]:
    root = routed_town(tmp_path / "places")
    (town,) = root.glob("**/town")
    (town / "workflows").mkdir()
    _file(town / "workflows", GOOD)
    (town / "services" / "permit.yaml").write_text("name: Permit\nworkflow: permit\n")
    node, desk, _hands = opened(tmp_path / "data", root, story_store)
    yield Office(node, desk)
    node.close()


@on_both_stores
def test_a_request_goes_through_its_own_states(office: Office) -> None:
    request = office.step(office.send(), "checked")
    assert (request.state, request.workflow_state) == ("inProgress", "checked")
    assert request.steps[-1].reason == {"en": "We look", "id": "Dilihat"}
    request = office.step(request, "visited")
    assert (request.state, request.workflow_state) == ("inProgress", "visited")
    said = office.step(request, "visited", "We come on Monday")
    assert (said.state, said.workflow_state, said.steps[-1].text) == (
        "inProgress",
        "visited",
        "We come on Monday",
    )
    with pytest.raises(Refused, match="way"):
        office.step(said, "granted", "Yes, it is granted")  # the head does that
    request = office.step(said, "granted", "Yes, it is granted", head=True)
    assert (request.state, request.workflow_state, request.open) == ("answered", "granted", False)


def test_a_status_stands_for_the_first_state_that_means_it(office: Office) -> None:
    request = office.step(office.send(), "inProgress")
    assert request.workflow_state == "checked"
    assert office.step(request, "answered", "Granted", head=True).workflow_state == "granted"


def test_an_agency_that_sets_the_status_alone_is_followed(office: Office) -> None:
    request = office.send()

    def sets(status: str) -> None:
        news = {"status": {"type": "Property", "value": status}}
        write = Modify(entity_id(request.number), lambda document, at: patch.merge(document, news, at))
        office.node.broker.together([write])

    sets("inProgress")
    found = office.now(request.number)
    assert state_of(office.desk.workflow(found), found).code == "checked"
    with pytest.raises(Problem, match="the decision of the agency's head"):
        sets("answered")


def test_a_request_of_a_service_that_changed_its_workflow_can_still_be_settled(office: Office) -> None:
    request = office.step(office.send(), "checked")
    place = next(one for one in office.node.places.values() if one.id == "town")
    raw = _with("states.checked", ...)
    raw["transitions"] = {"grant": {"from": ["received", "visited"], "to": "granted", "by": "officer"}} | {
        "go": {"from": "received", "to": "visited", "by": "officer"},
        "drop": {"from": "received", "to": "closed", "by": "resident", "name": "Drop it"},
    }
    _file(place.folder / "workflows", raw)
    _recent.clear()  # the catalogue looks at its files once a second
    assert office.step(office.now(request.number), "granted").state == "answered"


def test_a_service_that_names_no_workflow_there_is_refused(office: Office) -> None:
    place = next(one for one in office.node.places.values() if one.id == "town")
    (place.folder / "services" / "stall.yaml").write_text("name: Stall\nworkflow: permt\n")
    _recent.clear()  # the catalogue looks at its files once a second
    with pytest.raises(ConfigError, match="no workflow 'permt' in workflows/; did you mean 'permit'"):
        catalogue(place, office.node.places)


MOVES = st.tuples(st.sampled_from(["officer", "head", "resident"]), st.integers(0, 6), st.booleans())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(MOVES, max_size=12))
def test_only_what_the_file_allows_happens(office: Office, moves: list[tuple[str, int, bool]]) -> None:
    """The file is the oracle: a try succeeds exactly if the file lists it, and a refusal changes nothing."""
    request = office.send()
    codes, here, been = list(GOOD["states"]), "received", {"received"}
    for who, pick, says in moves:
        words = "good words" if says else ""
        before = office.now(request.number)
        if who == "resident":
            code = list(GOOD["transitions"])[pick % len(GOOD["transitions"])]
            way = GOOD["transitions"][code]
            allowed = (
                "resident" in way["by"]
                and here in way["from"]
                and not (way.get("once") and way["to"] in been)
            )
            target = way["to"] if allowed else here
            attempt = lambda: office.desk.by_resident(request.number, revision_of(before), code, words)  # noqa: B023, E731
        else:
            target = codes[pick % len(codes)]
            found = [
                way for way in GOOD["transitions"].values()
                if here in way["from"] and way["to"] == target and way["by"] in ("officer", who)
            ]  # fmt: skip
            stays = target == here
            allowed = (stays and says) or any("needs" not in way or says for way in found)
            attempt = lambda: office.step(before, target, words, who == "head")  # noqa: B023, E731
        if allowed:
            attempt()
            here = target
            been.add(here)
        else:
            with pytest.raises(Refused):
                attempt()
            assert office.now(request.number) == before
        after = office.now(request.number)
        workflow = office.desk.workflow(after)
        assert state_of(workflow, after).code == here
        assert after.open == (workflow.states[here].status in OPEN)
        assert all(way.target in workflow.states for way in ways(workflow, after, HEAD | RESIDENT))
