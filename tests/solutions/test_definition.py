"""The file of a solution: what is read of it, and what is said of one that cannot be used."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from mahakam.cli import run
from mahakam.config import ConfigError, load_places
from mahakam.solutions.definition import LARGEST_CARRIED, all_solutions, solutions_of
from support.demo_part import CONFIG

GOOD = {
    "name": {"en": "Lamps", "id": "Lampu"},
    "problem": "Dark streets",
    "context": "A small city",
    "method": "Lamps were set up",
    "cost": {"amount": 2_500_000, "currency": "IDR"},
    "went_wrong": ["Cables were stolen"],
    "started": dt.date(2020, 3, 1),
    "sources": ["The city's own report", {"name": "Report", "link": "https://example.org/report"}],
    "indicator": "lamps",
    "components": {"contracts": ["lamp"], "feeds": ["lamps"], "indicators": ["lamps"], "services": ["dark"]},
    "carry": ["data/lamps.csv"],
    "adapt": {"6472": "code digits", "1000": "fact people"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A city of a province; the contract and the service are the province's."""
    town = tmp_path / "prov" / "town"
    for room in ("feeds", "indicators", "solutions", "data"):
        (town / room).mkdir(parents=True)
    (tmp_path / "prov/contracts").mkdir()
    (tmp_path / "prov/services").mkdir()
    (tmp_path / "prov/province.yaml").write_text("name: Prov\n")
    (town / "city.yaml").write_text(
        'name: Town\nparent: prov\ncode: "64.72"\nfacts: [{name: people, value: 1000}]\n'
    )
    (tmp_path / "prov/contracts/lamp.yaml").write_text("id: prov-lamp\n")
    (tmp_path / "prov/services/dark.yaml").write_text("name: Dark street\n")
    (town / "feeds/lamps.yaml").write_text("where: \"code = '6472'\"\n")
    (town / "indicators/lamps.yaml").write_text(
        'name: Lamps\nfrom: Lamp\nformula: "count(*) / 1000.0"\nper: none\n'
    )
    (town / "data/lamps.csv").write_text("lamp\n1\n")
    return tmp_path


def write(folder: Path, **changes: object) -> Path:
    path = folder / "prov/town/solutions/lamps.yaml"
    facts = {key: value for key, value in (GOOD | changes).items() if value is not ...}
    path.write_text(yaml.safe_dump(facts, sort_keys=False))
    return path


def test_a_file_is_read_whole(folder: Path) -> None:
    write(folder)
    places = load_places([folder])
    (found,) = solutions_of(places["town"], places).values()
    assert (found.key, found.started, found.cost.amount, found.version) == (
        "town/lamps",
        dt.date(2020, 3, 1),
        2.5e6,
        "1",
    )
    assert list(found.components) == [
        ("contracts", "lamp"), ("feeds", "lamps"), ("indicators", "lamps"), ("services", "dark")
    ]  # fmt: skip
    assert [(one.name, one.address) for one in found.sources] == [
        ("The city's own report", ""), ("Report", "https://example.org/report")
    ]  # fmt: skip
    assert [(one.text, one.source) for one in found.adapt] == [
        ("6472", "code digits"),
        ("1000", "fact people"),
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"went_wrong": ...}, "needs 'went_wrong'"),
        ({"sources": []}, "needs 'sources'"),
        ({"porblem": "x"}, "unknown key 'porblem'; did you mean 'problem'?"),
        ({"started": "March 2020"}, "started: must be a day, as 2022-06-16, not 'March 2020'"),
        ({"cost": {"amount": 5}}, "cost: needs a currency of three letters"),
        ({"cost": {"amount": None}}, "cost: without an amount needs a note"),
        ({"indicator": ...}, "needs either 'indicator'"),
        ({"unmeasured": "why"}, "needs either 'indicator'"),
        ({"indicator": "lamp"}, "indicator: 'lamp' is none of its components; did you mean 'lamps'?"),
        ({"components": {"feed": ["lamps"]}}, "components: unknown key 'feed'; did you mean 'feeds'?"),
        ({"components": {"feeds": "lamps"}}, "components: feeds: must be a list, not 'lamps'"),
        ({"components": {"feeds": ["lamps", 5, [1]]}}, "components: feeds[2]: must be a short text, not [1]"),
        (
            {"components": {"feeds": ["lamp"], "indicators": ["lamps"]}},
            "components.feeds[0]: there is no feed 'lamp' in town; did you mean 'lamps'?",
        ),
        (
            {"components": {"indicators": ["lamps"], "contracts": ["bench"]}},
            "components.contracts[0]: there is no contract 'bench' in town or prov",
        ),
        ({"carry": ["data/none.csv"]}, "carry[0]: there is no file data/none.csv"),
        ({"carry": ["data/../city.yaml"]}, "carry[0]: 'data/../city.yaml' is no file of data/ or codes/"),
        ({"carry": ["/etc/passwd"]}, "carry[0]: '/etc/passwd' is no file of data/ or codes/"),
        ({"sources": ["https://"]}, "sources[0]: 'https://' is no address"),
        ({"code": {"name": "x", "link": "javascript:alert(1)"}}, "'javascript:alert(1)' is no address"),
        ({"adapt": {"6472": "postcode"}}, "adapt: 'postcode' is none of id, code"),
        (
            {"adapt": {"6473": "code digits"}},
            "adapt: '6473' should be town's own 'code digits', which is '6472'",
        ),
        ({"adapt": {"9": "fact dogs"}}, "adapt: '9': town itself has no 'fact dogs'"),
        ({"adapt": {"64.72": "code"}}, "adapt: '64.72' stands in none of its components"),
        ({"theme": "weather"}, "theme: must be one of transport"),
        ({"name": "x" * 5000}, "name: is too long"),
    ],
)
def test_a_wrong_file_says_where_and_what_would_be_right(
    folder: Path, changes: dict[str, object], said: str
) -> None:
    path = write(folder, **changes)
    places = load_places([folder])
    with pytest.raises(ConfigError) as caught:
        solutions_of(places["town"], places)
    assert caught.value.path == path
    assert said in caught.value.problem
    problems: list[ConfigError] = []
    assert all_solutions(places, problems) == {}
    assert [str(one) for one in problems] == [str(caught.value)]


def test_a_data_file_that_is_too_large_does_not_go_along(folder: Path) -> None:
    path = write(folder)
    with (folder / "prov/town/data/lamps.csv").open("r+b") as file:
        file.truncate(LARGEST_CARRIED + 1)
    places = load_places([folder])
    with pytest.raises(ConfigError, match=r"carry\[0\]: data/lamps.csv is larger than 20 MB") as caught:
        solutions_of(places["town"], places)
    assert caught.value.path == path


def test_a_feed_without_its_contract_is_no_solution(folder: Path) -> None:
    write(folder)
    (folder / "prov/town/feeds/lamps.yaml").write_text("contract: bulb\nwhere: \"code = '6472'\"\n")
    places = load_places([folder])
    with pytest.raises(
        ConfigError, match=r"components.feeds\[0\]: the feed 'lamps' needs the contract 'bulb'"
    ):
        solutions_of(places["town"], places)


def test_a_file_that_is_no_yaml_or_named_wrongly_is_said(folder: Path) -> None:
    (folder / "prov/town/solutions/a.yaml").write_text("name: [")
    (folder / "prov/town/solutions/B C.yaml").write_text("name: x")
    places, problems = load_places([folder]), list[ConfigError]()
    all_solutions(places, problems)
    assert [one.problem.split(":")[0][:21] for one in problems] == [
        "the file is named wit",
        "is not valid YAML",
    ]


def test_the_command_checks_and_ends_with_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder)
    assert run(["solution", "check", "--config", str(folder)]) == 0
    assert capsys.readouterr().out == "1 solutions can be used, 0 cannot\n"
    path = write(folder, components={"feeds": ["lamp"]}, indicator=..., unmeasured="why", adapt={}, carry=[])
    assert run(["solution", "check", "--config", str(folder)]) == 1
    assert f"{path}: components.feeds[0]" in capsys.readouterr().err


def test_every_solution_of_the_demo_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["solution", "check", *(word for one in CONFIG for word in ("--config", str(one)))]) == 0
    assert capsys.readouterr().out == "5 solutions can be used, 0 cannot\n"
