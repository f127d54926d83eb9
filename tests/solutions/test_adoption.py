"""A city takes a solution over: its folder, its first value, what is never overwritten, and what is kept of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mahakam.app import Node, open_node
from mahakam.cli import run
from mahakam.config import ConfigError, Settings
from mahakam.faults import Changed
from mahakam.feeds.parts import Parts
from mahakam.feeds.run import run_feed
from mahakam.indicators.series import series
from mahakam.services.catalogue import catalogue
from mahakam.solutions.adoption import (
    Adoption,
    Refusal,
    adopt,
    adoption,
    adoptions,
    began_in,
    first_run,
    remaining,
)
from mahakam.solutions.definition import solutions_of
from mahakam.solutions.left import Left, left
from mahakam.solutions.preview import Preview, preview
from support.demo_part import EXAMPLES
from support.notify import until

AT, LATER = "2026-03-01T01:00:00Z", "2026-04-01T01:00:00Z"
MINE = "title: My own\nsource: {file: data/mine.csv}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The province, of which Bontang has no health centres yet; and a city elsewhere."""
    to = tmp_path / "kaltim"
    shutil.copytree(EXAMPLES / "kaltim", to)
    for name in (
        "feeds/health-centres.yaml",
        "indicators/people-per-health-centre.yaml",
        "data/idn_puskesmas.csv.gz",
    ):
        (to / "bontang" / name).unlink()
    far = tmp_path / "far"
    far.mkdir()
    (far / "city.yaml").write_text('name: Far\ncode: "73.71"\ntimezone: Asia/Makassar\n')
    return tmp_path


@pytest.fixture
def node(config: Path, tmp_path_factory: pytest.TempPathFactory, store_url: str) -> Iterator[Node]:
    data = tmp_path_factory.mktemp("data")
    found = open_node(Settings(data, (config,), store=store_url))
    yield found
    found.close()


def of(node: Node, name: str, city: str, given: Mapping[str, str] | None = None) -> Preview:
    place = node.places["samarinda"]
    return preview(solutions_of(place, node.places)[name], node.places[city], node.places, given or {})


def tree(folder: Path) -> dict[str, str]:
    """Every file of a folder with its content's digest."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def take(node: Node, found: Preview, keep: tuple[str, ...] = (), at: str = AT, seen: str = "") -> Adoption:
    return adopt(Parts.of(node), found, keep=keep, by="budi", at=at, seen=seen)


def test_a_city_has_its_own_first_value(node: Node) -> None:
    found, folder = of(node, "health-centres", "bontang"), node.places["bontang"].folder
    before = tree(folder)
    assert [(one.name, one.state) for one in found.pieces] == [
        ("contracts/health-centre.yaml", "above"),
        ("feeds/health-centres.yaml", "new"),
        ("indicators/people-per-health-centre.yaml", "new"),
        ("data/idn_puskesmas.csv.gz", "new"),
    ]
    assert left(found, node.places) == []
    assert tree(folder) == before, "a preview writes nothing"
    made = take(node, found, seen=found.mark)
    assert made == Adoption(
        place="bontang", solution="samarinda/health-centres", version="1", at=AT, by="budi",
        files={one.name: one.digest for one in found.fresh}, values={"6472": "6474", "881225": "191811"},
    )  # fmt: skip
    after = tree(folder)
    assert {name: after[name] for name in before} == before
    assert {name: after[name] for name in after.keys() - before.keys()} == made.files
    # The value of the example as the city itself wrote it: 191,811 people, six centres in the register.
    value = series(node.broker, node.places["bontang"], "people-per-health-centre")
    assert value is not None
    assert value.latest is not None
    assert (value.latest.value, value.latest.inputs) == (191811 / 6, 6)
    for name in ("feeds/health-centres.yaml", "indicators/people-per-health-centre.yaml"):
        assert (folder / name).read_bytes() == (EXAMPLES / "kaltim/bontang" / name).read_bytes()
    assert adoptions(node.store.tenant()) == [made]


def test_done_again_it_keeps_the_first_day_and_writes_only_what_is_missing(node: Node) -> None:
    made, folder = take(node, of(node, "health-centres", "bontang")), node.places["bontang"].folder
    (folder / "indicators/people-per-health-centre.yaml").unlink()
    rest = tree(folder)
    again = of(node, "health-centres", "bontang")
    assert [one.name for one in again.fresh] == ["indicators/people-per-health-centre.yaml"]
    assert take(node, again, at=LATER) == made
    assert tree(folder).items() >= rest.items()
    assert len(adoptions(node.store.tenant())) == 1


@pytest.mark.parametrize(
    "name",
    ["feeds/health-centres.yaml", "indicators/people-per-health-centre.yaml", "data/idn_puskesmas.csv.gz"],
)
def test_a_file_that_is_there_is_never_overwritten(node: Node, name: str) -> None:
    folder = node.places["bontang"].folder
    (folder / name).write_text(MINE)
    before, found = tree(folder), of(node, "health-centres", "bontang")
    assert [one.name for one in found.conflicts] == [name]
    if name.endswith(".yaml"):
        assert any(line.startswith("-title: My own") for line in found.conflicts[0].difference())
    with pytest.raises(Refusal) as refused:
        take(node, found)
    assert refused.value.conflicts == (name,)
    assert tree(folder) == before
    assert adoptions(node.store.tenant()) == []
    made = take(node, found, keep=(name,))
    assert (folder / name).read_text() == MINE
    assert made.kept == (name,)
    assert name not in made.files


def test_who_comes_second_to_a_file_writes_nothing(node: Node) -> None:
    folder, found = node.places["bontang"].folder, of(node, "health-centres", "bontang")
    (folder / "indicators/people-per-health-centre.yaml").write_text(MINE)
    before = tree(folder)
    with pytest.raises(Changed):
        take(node, found)
    assert tree(folder) == before
    with pytest.raises(Changed):  # the preview that was agreed to is not this one
        take(
            node,
            of(node, "health-centres", "bontang"),
            ("indicators/people-per-health-centre.yaml",),
            seen=found.mark,
        )
    assert tree(folder) == before


def test_a_folder_that_cannot_be_written_to_keeps_nothing_half(node: Node) -> None:
    folder = node.places["far"].folder
    (folder / "indicators").write_text("a file where a folder should be")
    found = of(node, "heavy-rain", "far")
    with pytest.raises(ConfigError, match="cannot be written to"):
        take(node, found)
    assert set(tree(folder)) == {"city.yaml", "indicators"}


def test_what_nobody_knows_of_the_city_is_asked_for(node: Node) -> None:
    folder = node.places["far"].folder
    found = of(node, "health-centres", "far")
    assert [one.text for one in found.lacking] == ["881225"]
    with pytest.raises(Refusal, match="it is not known what '881225' is in this city"):
        take(node, found)
    for bad in ("1); drop", "'", "a\nb: c", "{x}", "#", "-5", "x" * 61):
        wrong = of(node, "health-centres", "far", {"881225": bad})
        if bad != "a\nb: c":
            assert wrong.wrong == ("881225",), bad
        else:
            assert not wrong.fresh or "\nb: c" not in wrong.fresh[0].content.decode()
    assert set(tree(folder)) == {"city.yaml"}
    good = of(node, "health-centres", "far", {"881225": "1500000"})
    assert left(good, node.places) == [
        Left("codes", "contracts/health-centre.yaml", "codes/kemendagri-areas.csv"),
        Left("fact", "indicators/people-per-health-centre.yaml", "people"),
    ]
    take(node, good)
    assert "id: far-health-centre" in (folder / "contracts/health-centre.yaml").read_text()
    # With its codes there it has its value: 1.5 million people and the register's centres of 73.71.
    (folder / "codes").mkdir()
    shutil.copy(EXAMPLES / "kaltim/codes/kemendagri-areas.csv", folder / "codes")
    with (folder / "codes/kemendagri-areas.csv").open("a") as codes:
        codes.write("73.71" + "," * 2 + "\n")
    assert first_run(Parts.of(node), good.solution, good.place, "budi") == []
    value = series(node.broker, node.places["far"], "people-per-health-centre")
    assert value is not None
    assert value.latest is not None
    assert value.latest.value == pytest.approx(1_500_000 / value.latest.inputs)
    assert value.latest.inputs > 20


def test_what_is_left_to_do_is_done_and_gone(node: Node) -> None:
    found, folder = of(node, "heavy-rain", "far"), node.places["far"].folder
    wanted = [
        Left("file", "feeds/rain.yaml", "data/rain-flood.csv"),
        Left("source", "feeds/rain.yaml", "owner, licence, origin"),
    ]
    assert left(found, node.places) == wanted
    take(node, found)
    assert 'id: "urn:ngsi-ld:WeatherObserved:far:{dateObserved}"' in (folder / "feeds/rain.yaml").read_text()
    assert left(of(node, "heavy-rain", "far"), node.places) == wanted
    (said,) = first_run(Parts.of(node), found.solution, found.place, "budi")
    assert "there is no file 'data/rain-flood.csv'" in said
    (folder / "data").mkdir()
    shutil.copy(EXAMPLES / "kaltim/samarinda/data/rain-flood.csv", folder / "data")
    text = (
        (folder / "feeds/rain.yaml")
        .read_text()
        .replace("owner: BMKG, collected by", "owner: Far, collected by")
    )
    (folder / "feeds/rain.yaml").write_text(text)
    assert left(of(node, "heavy-rain", "far"), node.places) == [
        Left("source", "feeds/rain.yaml", "licence, origin")
    ]
    assert first_run(Parts.of(node), found.solution, found.place, "budi") == []
    value = series(node.broker, node.places["far"], "heavy-rain-days")
    assert value is not None
    assert value.latest is not None


def test_what_would_not_work_there_is_not_installed(node: Node, config: Path) -> None:
    samarinda = node.places["samarinda"].folder
    (samarinda / "workflows").mkdir()
    (samarinda / "services").mkdir(exist_ok=True)
    (samarinda / "services/dark.yaml").write_text("name: Dark street\nworkflow: own\n")
    path = samarinda / "solutions/heavy-rain.yaml"
    path.write_text(path.read_text().replace("  feeds: [rain]", "  feeds: [rain]\n  services: [dark]"))
    with pytest.raises(Refusal, match=r"services/dark.yaml: no workflow 'own'"):
        take(node, of(node, "heavy-rain", "far"))
    assert set(tree(config / "far")) == {"city.yaml"}


def test_its_effect_is_measured_from_the_day_of_the_adoption(node: Node) -> None:
    made = take(node, of(node, "health-centres", "bontang"), at="2026-02-28T17:00:00Z")
    solution = solutions_of(node.places["samarinda"], node.places)["health-centres"]
    assert made.day("Asia/Makassar") == dt.date(2026, 3, 1), "the day where the city is"
    assert began_in(solution, [made], node.places) == {
        "samarinda": dt.date(2024, 12, 31), "bontang": dt.date(2026, 3, 1)
    }  # fmt: skip
    assert adoption(node.store.tenant(), "bontang", "samarinda/health-centres") == made


def test_the_command_shows_then_does(config: Path, tmp_path_factory: pytest.TempPathFactory,
                                     capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    where = ["--config", str(config), "--data", str(tmp_path_factory.mktemp("data"))]
    which, folder = ["solution", "adopt", "samarinda/health-centres"], config / "kaltim/bontang"
    before = tree(folder)
    assert run([*which, "bontang", "--preview", *where]) == 0
    shown = capsys.readouterr().out
    assert "+where: \"kode_kab = '6474'\"" in shown
    assert tree(folder) == before
    assert run([*which, "bontang", *where]) == 0
    assert "bontang/people-per-health-centre: 31968.5 people (all)" in capsys.readouterr().out
    assert run([*which, "far", *where]) == 1
    assert "it is not known what '881225' is in this city" in capsys.readouterr().err
    assert run([*which, "far", "--set", "881225=1500000", *where]) == 0
    assert "put the city's codes into codes/kemendagri-areas.csv" in capsys.readouterr().out
    (folder / "feeds/health-centres.yaml").write_text(MINE)
    assert run([*which, "bontang", *where]) == 1
    assert "feeds/health-centres.yaml is there already with other content" in capsys.readouterr().err
    assert (folder / "feeds/health-centres.yaml").read_text() == MINE
    for wrong in (["samarinda"], ["nowhere"], ["kaltim"]):
        assert run([*which, *wrong, *where]) == 2
    assert run(["solution", "adopt", "samarinda/none", "bontang", *where]) == 2
    assert run([*which, "far", "--set", "881225", *where]) == 2


def test_a_feed_that_asks_a_server_neither_uses_the_origin_s_secret_nor_runs_by_itself(node: Node) -> None:
    samarinda, far = node.places["samarinda"].folder, node.places["far"].folder
    path = samarinda / "feeds/rain.yaml"
    asks = (
        'source: {http: {url: "http://127.0.0.1:1/rain.csv?key=${RAIN_KEY}", headers: {Authorization: "${TOKEN}"}}}\n'
        'schedule: "0 6 * * *"'
    )
    path.write_text(path.read_text().replace("source: {file: data/rain-flood.csv}", asks))
    found = of(node, "heavy-rain", "far")
    wanted = Left("address", "feeds/rain.yaml", "source.http")
    assert wanted in left(found, node.places)
    take(node, found)
    text = (far / "feeds/rain.yaml").read_text()
    assert "${FAR_RAIN_KEY}" in text
    assert "${FAR_TOKEN}" in text
    assert "${RAIN_KEY}" not in text
    assert "${TOKEN}" not in text
    assert '\n# schedule: "0 6 * * *"' in text
    assert node.store.tenant().runs("far", "rain") == []
    assert wanted in left(of(node, "heavy-rain", "far"), node.places)
    (said,) = first_run(Parts.of(node), found.solution, found.place, "budi")
    assert "it would ask the address of samarinda" in said
    (far / "feeds/rain.yaml").write_text(text.replace("127.0.0.1:1/rain", "127.0.0.1:1/far-rain"))
    assert wanted not in left(of(node, "heavy-rain", "far"), node.places)
    (said,) = first_run(Parts.of(node), found.solution, found.place, "budi")
    assert "it would ask" not in said, "it was asked now, and nobody answered"


def test_a_file_that_was_sent_is_no_longer_missing(node: Node) -> None:
    found, parts = of(node, "heavy-rain", "far"), Parts.of(node)
    take(node, found)
    assert {one.code for one in remaining(parts, of(node, "heavy-rain", "far"))} == {"file", "source"}
    run_feed(parts, "far", "rain", author="wati", file=EXAMPLES / "kaltim/samarinda/data/rain-flood.csv")
    assert {one.code for one in remaining(parts, of(node, "heavy-rain", "far"))} == {"source"}
    assert first_run(parts, found.solution, found.place, "wati") == []
    value = series(node.broker, node.places["far"], "heavy-rain-days")
    assert value is not None
    assert value.latest is not None
    assert value.latest.label == "2025"


def test_a_service_of_the_province_is_offered_by_the_new_city(node: Node) -> None:
    found, far = of(node, "flood-days", "far"), node.places["far"]
    assert "flood" not in catalogue(far, node.places)
    take(node, found)
    assert (far.folder / "services/flood.yaml").read_bytes() == (
        EXAMPLES / "kaltim/services/flood.yaml"
    ).read_bytes()
    until(lambda: "flood" in catalogue(far, node.places))  # its files are looked at once a second
    here = of(node, "flood-days", "bontang")
    assert next(one for one in here.pieces if one.name == "services/flood.yaml").state == "above"
