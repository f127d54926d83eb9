"""Self-assessments that are answered on the pages: kept as dated data, each level with its evidence, reviewed by a city
that was asked; what either says stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node
from mahakam.config import ConfigError, Settings
from mahakam.evaluation import kept
from mahakam.evaluation.files import Answer, Framework, Piece, framework_of, read_framework
from mahakam.evaluation.kept import Kept, Verdict
from mahakam.evaluation.standing import standing
from mahakam.faults import Changed, Refused
from mahakam.network.recommendation import Author

AT, DAY = "2026-11-27T01:00:00+00:00", "2026-11-27"
SITI = Author("siti", "Siti", "city_officer", "town")
BUDI = Author("budi", "Budi", "city_officer", "bontang")
PAPER = Piece({"en": "A paper"}, "https", "https://example.org/paper.pdf")
ORDER = Piece({"en": "An order"}, "https", "https://example.org/order.pdf")
FRAMEWORK = """
name: Ready
source: Ours
levels: [{level: 1, name: None}, {level: 2, name: Begun, needs: 1}, {level: 3, name: Done, needs: 2}]
aspects:
  - name: Data
    questions: [{key: a, name: First, weight: 3, shows: {2: one paper}}, {key: b, name: Second}]
"""


@pytest.fixture
def node(tmp_path: Path, store_url: str) -> Iterator[Node]:
    folder = tmp_path / "config/town"
    (folder / "frameworks").mkdir(parents=True)
    (folder / "city.yaml").write_text("name: Town\ntimezone: Asia/Makassar\n")
    (folder / "frameworks/ready.yaml").write_text(FRAMEWORK)
    node = Node(Settings(tmp_path / "data", (tmp_path / "config",), store=store_url))
    yield node
    node.close()


def framework(node: Node) -> Framework:
    found = framework_of(node.places["town"], node.places, "ready")
    assert found
    return found


def assess(
    node: Node, answers: dict[str, Answer], seen: int = 0, day: str = DAY, agency: str = "BPBD Kota"
) -> Kept:
    there = {key: len(answer.pieces) for key, answer in answers.items()}
    return kept.assess(
        node.store.tenant(), node.places["town"], framework(node), agency, answers, there, seen, SITI,
        f"{day}T01:00:00+00:00", day,
    )  # fmt: skip


def fields(refused: Refused) -> dict[str, str]:
    return {one.field: one.code for one in refused.faults}


def test_a_level_needs_its_evidence(node: Node) -> None:
    with pytest.raises(Refused) as refused:
        assess(node, {"a": Answer(3, (PAPER,), None), "b": Answer(2, (), None)})
    assert fields(refused.value) == {"evidence-0": "level_needs", "evidence-1": "level_needs"}
    with pytest.raises(Refused) as refused:
        assess(node, {"a": Answer(7, (PAPER,), None)})
    assert fields(refused.value) == {"level-0": "choose"}
    with pytest.raises(Refused) as refused:
        assess(node, {})
    assert fields(refused.value) == {"form": "answers"}
    assert kept.kept_of(node.store.tenant(), "town") == []


def test_what_was_answered_stands_as_any_assessment_day_by_day(node: Node) -> None:
    first = assess(node, {"a": Answer(2, (PAPER,), {"en": "Begun"})}, day="2025-11-27")
    second = assess(node, {"a": Answer(3, (PAPER, ORDER), None)})
    assert (first.key, second.key) == ("ready-bpbd-kota-2025-11-27", "ready-bpbd-kota-2026-11-27")
    place = node.places["town"]
    found = [
        standing(node.broker, place, framework(node), one)
        for one in kept.all_assessments(node.store.tenant(), place)
    ]
    assert [(one.assessment.day.isoformat(), one.claimed, one.carried) for one in found] == [
        ("2025-11-27", 1.75, 1.75), (DAY, 2.5, 2.5)
    ]  # fmt: skip
    assert found[0].assessment.answers["a"].note == {"en": "Begun"}


def test_another_answer_on_the_same_day_replaces_it_and_both_are_kept(node: Node) -> None:
    assess(node, {"a": Answer(2, (PAPER,), None)})
    with pytest.raises(Changed):
        assess(node, {"a": Answer(2, (ORDER,), None)})
    again = assess(node, {"a": Answer(2, (ORDER,), None)}, seen=1)
    assert [one.answers["a"].pieces for one in again.versions] == [(PAPER,), (ORDER,)]
    assert len(kept.kept_of(node.store.tenant(), "town")) == 1
    with pytest.raises(Refused) as refused:
        assess(node, {"a": Answer(2, (ORDER,), None)}, seen=2)
    assert fields(refused.value) == {"form": "same"}


def reviewed(node: Node, made: Kept, verdicts: dict[str, Verdict], by: Author = BUDI, seen: int = 1) -> Kept:
    return kept.change_kept(
        node.store.tenant(), "town", made.key,
        lambda one: kept.review(one, framework(node), verdicts, seen, by, "Bontang", AT),
    )  # fmt: skip


def test_a_city_that_was_asked_accepts_or_disputes_with_a_reason(node: Node) -> None:
    made = assess(node, {"a": Answer(3, (PAPER, ORDER), None), "b": Answer(2, (PAPER,), None)})
    with pytest.raises(Changed):
        reviewed(node, made, {"a": Verdict(3)})  # nobody asked it
    store = node.store.tenant()
    kept.change_kept(
        store, "town", made.key, lambda one: kept.ask_review(one, "bontang", "Bontang", SITI, AT)
    )
    with pytest.raises(Refused) as refused:
        reviewed(node, made, {"a": Verdict(3), "b": Verdict(1)})
    assert fields(refused.value) == {"reason-1": "reason"}
    with pytest.raises(Changed):
        reviewed(node, made, {"a": Verdict(3)}, seen=0)  # it read another version
    reviewed(node, made, {"a": Verdict(3), "b": Verdict(1, "The paper is of 2019.")})
    reviewed(node, made, {"b": Verdict(2)})
    place = node.places["town"]
    [one] = kept.all_assessments(store, place)
    assert [dict(peer.levels) for peer in one.peers] == [{"a": 3, "b": 1}, {"b": 2}]
    assert one.peers[0].reasons == {"b": "The paper is of 2019."}
    assert one.answers["b"].level == 2, "the claim stays beside it"
    # What was reviewed is not changed any more: an answer on the same day is another assessment.
    assert assess(node, {"a": Answer(2, (PAPER,), None)}).key == "ready-bpbd-kota-2026-11-27-2"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shows: {2: one paper}", "shows: {9: one paper}", "there is no level 9"),
        ("{2: one paper}", "[2]", "must map"),
    ],
)
def test_what_evidence_shows_is_said_of_levels_that_there_are(
    node: Node, old: str, new: str, said: str
) -> None:
    path = node.places["town"].folder / "frameworks/ready.yaml"
    path.write_text(FRAMEWORK.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read_framework(path)
