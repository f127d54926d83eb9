"""Evaluations: a claim counts for no more than its evidence carries; the package opens off-line and can be checked."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from mahakam.app import Node
from mahakam.config import ConfigError, Settings, load_places
from mahakam.evaluation.collect import COLLECTORS, collected
from mahakam.evaluation.files import (
    assessments_of,
    framework_of,
    frameworks_of,
    read_assessment,
    read_framework,
)
from mahakam.evaluation.standing import Line, Standing, standing
from mahakam.indicators.compute import compute_all
from mahakam.web.evidence_package import package
from mahakam.web.language import reading
from mahakam.web.site import build

EXAMPLES = Path(__file__).parents[2] / "examples"
FRAMEWORK = """
name: Ready
source: {en: "<b>Ours</b>", id: Kami}
levels: [{level: 1, name: None}, {level: 2, name: Begun, needs: 1}, {level: 3, name: Done, needs: 2}]
cuts: [{from: 1, name: Low}, {from: 2, name: High}]
aspects:
  - name: Data
    questions: [{key: a, name: First, weight: 3, feeds: [datasets]}, {key: b, name: Second, weight: 1}]
"""
PERMITS = """
apiVersion: v3.1.0
kind: DataContract
id: permits
version: 1.0.0
status: active
schema:
  - name: Permit
    properties:
      - {name: number, logicalType: string, required: true, primaryKey: true}
      - {name: applicant, logicalType: string, classification: personal}
"""
ASSESSMENT = """
framework: ready
day: 2026-05-01
by: Siti
answers:
  a:
    level: 3
    evidence:
      - {title: A paper, file: paper.txt}
      - {title: Nothing, indicator: none}
  b: {level: 2}
"""


@pytest.fixture
def node(tmp_path: Path, store_url: str) -> Iterator[Node]:
    folder = tmp_path / "config/town"
    for room in ("frameworks", "assessments"):
        (folder / room).mkdir(parents=True)
    (folder / "city.yaml").write_text("name: Town\ntimezone: Asia/Makassar\n")
    (folder / "frameworks/ready.yaml").write_text(FRAMEWORK)
    (folder / "assessments/ready-2026.yaml").write_text(ASSESSMENT)
    (folder / "paper.txt").write_text("what was decided")
    node = Node(Settings(tmp_path / "data", (tmp_path / "config",), store=store_url))
    yield node
    node.close()


def stands(node: Node) -> Standing:
    place = node.places["town"]
    framework = framework_of(place, node.places, "ready")
    assert framework
    return standing(node.broker, place, framework, assessments_of(place)[0])


def test_a_claim_counts_for_no_more_than_its_evidence(node: Node) -> None:
    found = stands(node)
    first, second = found.lines
    assert (first.claimed, first.carried, first.bare) == (3, 2, True)  # one of two pieces is there
    assert (second.claimed, second.carried, second.bare) == (2, 1, True)  # none was given
    assert (found.claimed, found.carried) == (2.75, 1.75)
    assert (found.framework.grade(found.claimed), found.peer) == ({"id": "High", "en": "High"}, None)


def test_evidence_that_goes_takes_its_level_along(node: Node) -> None:
    (node.places["town"].folder / "paper.txt").unlink()
    assert stands(node).carried == 1


def test_the_package_can_be_checked_and_opened_without_a_network(node: Node) -> None:
    with reading("en"):
        made = [
            package(node.broker, node.places["town"], stands(node), "2026-05-02", "https://x") for _ in "ab"
        ]
    assert made[0] == made[1]
    archive = zipfile.ZipFile(io.BytesIO(made[0]))
    manifest = json.loads(archive.read("manifest.json"))
    for one in manifest["files"]:
        assert hashlib.sha256(archive.read(one["name"])).hexdigest() == one["sha256"]
    assert {one["name"] for one in manifest["files"]} == set(archive.namelist()) - {
        "manifest.json",
        "SHA256SUMS",
    }
    assert manifest["withoutEvidence"] == ["a", "b"]
    page = archive.read("index.html").decode()
    assert "The evidence does not carry this claim." in page
    assert 'href="documents/paper.txt"' in page
    assert "<script" not in page
    assert "src=" not in page
    assert "<b>Ours</b>" not in page  # escaped


def test_a_stranger_sees_no_assessment(node: Node) -> None:
    client = TestClient(build(node), follow_redirects=False)
    assert client.get("/evaluation/town").status_code == 303
    assert client.get("/evaluation/town/ready-2026.csv").status_code == 401
    assert client.get("/evaluation/town/ready-2026.zip").status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("by: Siti", "by: ''", "needs 'by'"),
        ("file: paper.txt", "file: ../../secret", "leads out of the folder"),
        ("file: paper.txt", "https: http://x", "must begin with https"),
        ("file: paper.txt", "", "needs one of dataset, indicator, file, https"),
        ("day: 2026-05-01", "day: soon", "must be a day"),
        ("answers:", "answer:", "did you mean 'answers'"),
    ],
)
def test_a_wrong_assessment_says_what_would_be_right(node: Node, old: str, new: str, said: str) -> None:
    path = node.places["town"].folder / "assessments/ready-2026.yaml"
    path.write_text(ASSESSMENT.replace(old, new))
    with pytest.raises(ConfigError, match=said):
        read_assessment(path, node.places["town"])


def test_the_index_pemdi_has_twenty_indicators_and_weights_of_a_hundred() -> None:
    found = read_framework(EXAMPLES / "kaltim/frameworks/pemdi-2026.yaml")
    assert (len(found.questions), sum(one.weight for one in found.questions)) == (20, 100)
    assert len({one.aspect["id"] for one in found.questions}) == 7
    grades = [(found.grade(index) or {}).get("id") for index in (1.49, 1.5, 2.5, 3.5, 3.99, 4.0)]
    assert grades == ["Kurang", "Cukup", "Baik", "Sangat Baik", "Sangat Baik", "Memuaskan"]
    assert {feed for one in found.questions for feed in one.feeds} <= COLLECTORS.keys()


def test_the_examples_can_be_used(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "kaltim", tmp_path / "kaltim")
    places = load_places([tmp_path])
    found = assessments_of(places["samarinda"])
    assert [one.id for one in found] == ["pemdi-2026", "readiness-bpbd-2025", "readiness-bpbd-2026"]
    assert all(framework_of(places["samarinda"], places, one.framework) for one in found)


def test_frameworks_of_no_country_are_shipped_and_a_place_may_replace_them(node: Node) -> None:
    place = node.places["town"]
    for name, questions in (("u4ssc", 91), ("iso-37120", 19)):
        found = framework_of(place, node.places, name)
        assert found
        assert len(found.questions) == questions
        assert all(one.cites and set(one.name) == {"en", "id"} for one in found.questions)
    (place.folder / "frameworks/u4ssc.yaml").write_text(FRAMEWORK)
    replaced = frameworks_of(place, node.places, [])
    assert len(replaced["u4ssc"].questions) == 2
    assert "iso-37120" in replaced


def test_an_indicator_that_cites_a_question_is_its_evidence_by_itself(node: Node) -> None:
    place = node.places["town"]
    (place.folder / "indicators").mkdir()
    (place.folder / "indicators/clinics.yaml").write_text(
        "name: Clinics\nfrom: Clinic\nformula: count(*)\nper: none\nunit: ''\nframeworks: [{iso37120: health}]\n"
    )
    written = place.folder / "assessments/iso-2026.yaml"
    answers = "answers: {'11': {level: 1}, '8': {level: 3}}"
    written.write_text(f"framework: iso-37120\nday: 2026-05-01\nby: Siti\n{answers}\n")

    def lines() -> dict[str, Line]:
        framework = framework_of(place, node.places, "iso-37120")
        assert framework
        found = standing(node.broker, place, framework, read_assessment(written, place))
        return {one.question.key: one for one in found.lines}

    before = lines()["11"]
    assert (before.claimed, before.carried, before.found) == (1, 0, ())  # there is no value yet
    node.broker.create({"id": "urn:ngsi-ld:Clinic:1", "type": "Clinic", "scope": "/town"})
    assert [one.state for one in compute_all(node.broker)] == ["computed"]
    after = lines()
    assert [(one.piece.target, one.cites) for one in after["11"].found] == [("clinics", True)]
    assert after["11"].carried == 1
    assert (after["8"].claimed, after["8"].carried, after["8"].found) == (3, 0, ())


def test_what_a_node_knows_of_personal_data_exchange_and_support_goes_along(node: Node) -> None:
    place = node.places["town"]
    (place.folder / "contracts").mkdir()
    (place.folder / "contracts/permits.yaml").write_text(PERMITS)
    shown = {name: collected(node.broker, place, name) for name in COLLECTORS}
    assert all(shown.values())
    personal = shown["personal_data"]
    assert personal
    assert ("personal fields", "Permit", "1", "applicant") in personal.rows
    assert any(row[0] == "purpose" and row[3] for row in personal.rows)
    joined = shown["interoperability"]
    assert joined
    assert ("type with a contract", "Permit", "", "") in joined.rows
    assert ("subscriptions of this node", "", "0", "") in joined.rows
