"""A newer version of an adopted solution: what the city did not touch is replaced, its own work stays; all or none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mahakam.app import Node, open_node
from mahakam.config import ConfigError, Settings
from mahakam.faults import Changed, Refused
from mahakam.feeds.parts import Parts
from mahakam.solutions.adoption import Adoption, Refusal, adopt, adoption
from mahakam.solutions.definition import solutions_of
from mahakam.solutions.preview import preview
from mahakam.solutions.renewal import Renewal, decline, renewal, take_over
from support.demo_part import EXAMPLES

AT, LATER = "2026-03-01T01:00:00Z", "2026-04-01T01:00:00Z"
KEY = "samarinda/health-centres"
FEED, INDICATOR, DATA = (
    "feeds/health-centres.yaml", "indicators/people-per-health-centre.yaml", "data/idn_puskesmas.csv.gz"
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES / "kaltim", tmp_path / "kaltim")
    for name in (FEED, INDICATOR, DATA):
        (tmp_path / "kaltim/bontang" / name).unlink()
    return tmp_path


@pytest.fixture
def node(config: Path, tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Node]:
    found = open_node(Settings(tmp_path_factory.mktemp("data"), (config,), store=store_url))
    place = found.places["samarinda"]
    first = preview(
        solutions_of(place, found.places)["health-centres"], found.places["bontang"], found.places, {}
    )
    adopt(Parts.of(found), first, by="budi", at=AT, seen=first.mark)
    yield found
    found.close()


def publish(node: Node, version: str = "2") -> None:
    """Samarinda makes a newer version, in which the indicator's words are others."""
    folder = node.places["samarinda"].folder
    path = folder / "solutions/health-centres.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("version:")]
    path.write_text("\n".join([f'version: "{version}"', *lines]) + "\n")
    indicator = folder / INDICATOR
    indicator.write_text(indicator.read_text() + f"# version {version}\n")


def found(node: Node) -> Renewal:
    place = node.places["samarinda"]
    kept = adoption(node.store.tenant(), "bontang", KEY)
    assert kept
    return renewal(kept, solutions_of(place, node.places)["health-centres"], node.places, {})


def take(node: Node, seen: Renewal, *names: str) -> Adoption:
    return take_over(Parts.of(node), seen, names, by="siti", at=LATER, seen=seen.mark)


def test_what_the_city_did_not_touch_is_replaced(node: Node) -> None:
    assert not found(node).waits
    publish(node)
    newer = found(node)
    assert newer.waits
    assert {one.name: one.state for one in newer.changes} == {
        "contracts/health-centre.yaml": "same", FEED: "same", INDICATOR: "replaced", DATA: "same"
    }  # fmt: skip
    [changed] = [one for one in newer.changes if one.name == INDICATOR]
    assert [line for line in changed.difference() if line[0] in "+-"] == ["+# version 2"]
    folder = node.places["bontang"].folder
    assert "# version 2" not in (folder / INDICATOR).read_text(), "looking writes nothing"
    made = take(node, newer)
    assert "# version 2" in (folder / INDICATOR).read_text()
    assert "191811" in (folder / INDICATOR).read_text(), "adapted to the city as before"
    assert (made.version, made.at, made.by) == ("2", AT, "budi"), "its effect is measured from the first day"
    assert [(one.version, one.by, one.taken, one.files) for one in made.looks] == [
        ("2", "siti", True, (INDICATOR,))
    ]
    assert not found(node).waits
    with pytest.raises(Changed):
        take(node, newer)
    publish(node, "3")
    assert {one.name: one.state for one in found(node).changes}[INDICATOR] == "replaced"


def test_the_citys_own_work_stays_unless_it_says_otherwise(node: Node) -> None:
    path = node.places["bontang"].folder / INDICATOR
    path.write_text(path.read_text() + "# our own note\n")
    publish(node)
    newer = found(node)
    assert {one.name: one.state for one in newer.changes}[INDICATOR] == "own"
    made = take(node, newer)
    assert "# our own note" in path.read_text()
    assert "# version 2" not in path.read_text()
    assert (made.version, made.kept) == ("2", (INDICATOR,))
    publish(node, "3")
    take(node, found(node), INDICATOR)
    assert "# our own note" not in path.read_text()
    assert "# version 3" in path.read_text()


def test_it_is_refused_with_the_reason_and_both_versions_are_remembered(node: Node) -> None:
    publish(node)
    newer, store = found(node), node.store.tenant()
    with pytest.raises(Refused):
        decline(store, newer, " ", by="siti", at=LATER)
    made = decline(store, newer, "We wait for our own register.", by="siti", at=LATER)
    assert (made.version, made.looks[-1].taken, made.looks[-1].reason) == (
        "1", False, "We wait for our own register."
    )  # fmt: skip
    assert not found(node).waits
    publish(node, "3")
    assert found(node).waits


def test_a_folder_that_changed_meanwhile_is_not_written_to(node: Node) -> None:
    publish(node)
    newer, path = found(node), node.places["bontang"].folder / INDICATOR
    path.write_text(path.read_text() + "# meanwhile\n")
    with pytest.raises(Changed):
        take_over(Parts.of(node), found(node), (), by="siti", at=LATER, seen=newer.mark)
    assert "# version 2" not in path.read_text()


def test_a_version_that_cannot_be_used_changes_nothing(node: Node) -> None:
    publish(node)
    origin = node.places["samarinda"].folder / INDICATOR
    origin.write_text(origin.read_text().replace("formula:", "formel:"))
    before = (node.places["bontang"].folder / INDICATOR).read_bytes()
    with pytest.raises(Refusal) as refused:
        take(node, found(node))
    assert INDICATOR in refused.value.problems[0]
    assert (node.places["bontang"].folder / INDICATOR).read_bytes() == before
    kept = adoption(node.store.tenant(), "bontang", KEY)
    assert kept
    assert (kept.version, kept.looks) == ("1", ())


def test_all_is_written_or_none(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(node)
    feed = node.places["samarinda"].folder / FEED
    feed.write_text(feed.read_text() + "# version 2\n")
    folder, write = node.places["bontang"].folder, Path.write_bytes
    before = {name: (folder / name).read_bytes() for name in (FEED, INDICATOR)}

    def full(path: Path, content: bytes) -> int:
        if path.name.startswith(".people-per") and b"# version 2" in content:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left"):
        take(node, found(node))
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert not list((folder / "indicators").glob(".*.part"))
