"""A feed's YAML is read strictly: what means nothing, or is of the wrong kind, is named with what would be right."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.config import ConfigError, Place
from mahakam.feeds.definition import Feed, Number, from_mapping, load, load_all, placeholders
from support.sources import EXAMPLES

GOOD: dict[str, Any] = {
    "title": {"en": "Stops", "id": "Halte"},
    "source": {"file": "data/stops.csv"},
    "contract": "stop",
    "map": {"code": "kode"},
    "entity": {"id": "urn:ngsi-ld:BusStop:kota:{code}"},
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    folder = tmp_path / "kota"
    for room in ("feeds", "data"):
        (folder / room).mkdir(parents=True)
    return Place("kota", "city", folder, {"name": "Kota"})


def feed(place: Place, **changes: Any) -> Feed:
    """The good feed with some keys changed, through its file; ``a__b`` is ``b`` inside ``a``, None removes."""
    made = copy.deepcopy(GOOD)
    for path, value in changes.items():
        into = made
        *above, last = path.split("__")
        for step in above:
            into = into.setdefault(step, {})
        if value is None:
            into.pop(last, None)
        else:
            into[last] = value
    (place.folder / "feeds/stops.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), "utf-8")
    return load(place, "stops")


def test_a_small_feed_and_its_defaults(place: Place) -> None:
    found = feed(place)
    assert (found.name, found.title["id"], found.contract) == ("stops", "Halte", "stop")
    assert found.files == ("data/stops.csv",)
    assert found.missing == ("",)
    assert (found.duplicates, found.store, found.where, found.skips) == ("error", "entities", None, ())
    assert found.entity is not None
    assert found.entity.key_fields == ("code",)
    assert [(f.name, f.column) for f in found.fields] == [("code", "kode")]


def test_a_source_may_be_one_name(place: Place) -> None:
    assert feed(place, source="data/x.csv").files == ("data/x.csv",)
    assert feed(place, source={"files": ["data/a.csv", "data/b.csv"]}).files == ("data/a.csv", "data/b.csv")


def test_every_transform_is_read(place: Place) -> None:
    found = feed(
        place,
        map={
            "a": 2021,
            "b": {"column": "b", "date": "%d/%m/%Y"},
            "c": {"column": "c", "date": ["%d/%m/%Y", "%Y"]},
            "d": {"column": "d", "number": {"decimal": ","}},
            "e": {"column": "e", "number": True},
            "f": {"column": "f", "number": {"group": ""}},
            "g": {"column": "g", "replace": {"x": None, 1: True}},
            "h": {"value": 2021},
            "i": {"x": "e", "y": "n", "crs": "EPSG:3414"},
            "j": {"column": "j", "text": "trim"},
        },
    )
    by = {f.name: f for f in found.fields}
    assert by["a"].column == "2021"
    assert by["b"].date == ("%d/%m/%Y",)
    assert by["c"].date == ("%d/%m/%Y", "%Y")
    assert by["d"].number == Number(",", ".")
    assert by["e"].number == Number(".", ",")
    assert by["f"].number == Number(".", "")
    assert by["g"].replace == (("x", None), ("1", "true"))
    assert by["h"].value == "2021"
    assert (by["i"].longitude, by["i"].latitude, by["i"].crs) == ("e", "n", "EPSG:3414")
    assert by["j"].text is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sourse": {}}, r"sourse: unknown key; did you mean 'source'\?"),
        ({"source__delimeter": ";"}, r"source\.delimeter: unknown key; did you mean 'delimiter'\?"),
        ({"source__skip": {"were": {}}}, r"source\.skip\.were: unknown key; did you mean 'where'\?"),
        ({"source__skip": {"where": {"colum": "x"}}}, r"colum: unknown key; did you mean 'column'\?"),
        ({"map__code": {"colunm": "kode"}}, r"map\.code\.colunm: unknown key; did you mean 'column'\?"),
        (
            {"map__code": {"column": "k", "number": {"desimal": ","}}},
            r"desimal: unknown key; did you mean 'decimal'",
        ),
        ({"entity__observedat": "x"}, r"entity\.observedat: unknown key; did you mean 'observedAt'\?"),
        ({"zzz": 1}, r"zzz: unknown key \(known: .*source.*\)"),
    ],
)
def test_an_unknown_key_names_the_nearest(place: Place, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        feed(place, **changes)
    assert "stops.yaml" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": None}, "source: must be a mapping"),
        ({"source": ["a.csv"]}, "source: must be a mapping"),
        ({"source": {}}, "name one file, or files"),
        ({"source": {"file": "a", "files": "b"}}, "name one file, or files"),
        ({"source": {"file": ["a", {"b": 1}]}}, "source.file"),
        ({"source": {"file": 7}}, "source.file"),
        ({"source": {"files": []}}, "source.files"),
        ({"source__decimal": ";"}, r'source\.decimal: must be "," or "\."'),
        ({"source__columns": "a, b"}, r"source\.columns: must be a list"),
        ({"source__columns": [["a"]]}, r"source\.columns"),
        ({"source__format": "docx"}, r"source\.format: must be csv or geojson or"),
        ({"source__header": [1, 2]}, r"source\.header"),
        ({"source__header": {"row": 1}}, r"source\.header"),
        ({"source__delimiter": [";"]}, r"source\.delimiter"),
        ({"source__encoding": 8}, r"source\.encoding"),
        ({"source__sheet": {"name": "x"}}, r"source\.sheet"),
        ({"source__skip": "x"}, r"source\.skip: must be a mapping"),
        ({"source__skip": {"where": {"column": "x"}}}, "needs column, and one of in, pattern, blank"),
        ({"source__skip": {"where": {"in": ["x"], "blank": True}}}, "needs column"),
        ({"source__skip": {"where": {"column": "x", "pattern": "("}}}, r"skip\.where\.pattern: .*no regular"),
        ({"contract": None}, "needs a contract"),
        ({"contract": ["stop"]}, "contract: must be a name"),
        ({"contract": "../../x"}, "contract"),
        ({"missing": "-"}, r"missing: must be a list"),
        ({"missing": [["-"]]}, r"missing"),
        ({"map": "code"}, "map: must be a mapping"),
        ({"map__code": ["kode"]}, r"map\.code: must be a mapping"),
        ({"map__code": True}, r"map\.code: .*in quotes"),
        ({"map__code": {}}, r"map\.code: needs exactly one of"),
        ({"map__code": {"column": "a", "value": 1}}, r"map\.code: needs exactly one of"),
        ({"map__code": {"column": ["a"]}}, r"map\.code\.column"),
        ({"map__code": {"column": None}}, r"map\.code\.column"),
        ({"map__code": {"longitude": "x"}}, "longitude needs latitude"),
        ({"map__code": {"x": "x", "longitude": "y", "latitude": "z"}}, r"map\.code"),
        ({"map__code": {"column": "a", "to": "x"}}, "to needs a pattern"),
        ({"map__code": {"column": "a", "pattern": "("}}, r"map\.code\.pattern: .*no regular expression"),
        ({"map__code": {"column": "a", "pattern": "(?=x)"}}, r"map\.code\.pattern"),
        ({"map__code": {"column": "a", "text": "camel"}}, r"map\.code\.text: must be trim or upper"),
        ({"map__code": {"column": "a", "date": "dd/mm/yyyy"}}, r"map\.code\.date: .*no date format"),
        ({"map__code": {"column": "a", "date": "%d/%Q/%Y"}}, r"map\.code\.date: .*no date format"),
        ({"map__code": {"column": "a", "date": {"x": 1}}}, r"map\.code\.date"),
        ({"map__code": {"column": "a", "number": ","}}, r"map\.code\.number: must be a mapping"),
        ({"map__code": {"column": "a", "number": {"decimal": ",", "group": ","}}}, "two different marks"),
        ({"map__code": {"column": "a", "number": {"decimal": ""}}}, "two different marks"),
        ({"map__code": {"column": "a", "replace": ["x"]}}, r"map\.code\.replace: must be a mapping"),
        ({"where": ["a"]}, "where: must be"),
        ({"where": {"a": 1}}, "where: must be"),
        ({"duplicates": "drop"}, "duplicates: must be error or first or last"),
        ({"duplicates": ["first"]}, "duplicates: must be error or first or last"),
        ({"entity": None}, "needs entity"),
        ({"entity": "urn:x:{code}"}, "entity: must be a mapping"),
        ({"entity__id": "BusStop {code}"}, r"entity\.id: .*no URI template"),
        ({"entity__id": "urn:ngsi-ld:BusStop:all"}, r"entity\.id: .*names no field"),
        ({"entity__id": None}, r"entity\.id"),
        ({"entity__relationships": ["x"]}, r"entity\.relationships: must be a mapping"),
        ({"entity__relationships": {"district": "urn:x"}}, r"relationships\.district: .*names no field"),
        ({"entity__units": "GP"}, r"entity\.units: must be a mapping"),
        ({"entity__observedAt": ["x"]}, r"entity\.observedAt"),
        ({"store": "parquet"}, "store: must be entities or dataset"),
        ({"title": ["x"]}, "title: must be"),
    ],
)
def test_the_wrong_kind_is_a_clear_error(place: Place, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        feed(place, **changes)
    assert "stops.yaml" in str(raised.value)


@pytest.mark.parametrize(
    "path", ["../other/data/x.csv", "data/../../x.csv", "/etc/passwd", "../*/data/*.csv", "/etc/*"]
)
def test_a_file_outside_the_place_is_refused(place: Place, path: str) -> None:
    other = place.folder.parent / "other/data"
    other.mkdir(parents=True)
    (other / "x.csv").write_text("a\n")
    (place.folder.parent / "x.csv").write_text("a\n")
    with pytest.raises(ConfigError, match="leads out of the place's folder"):
        feed(place, source={"file": path}).source_files()


def test_a_link_that_leads_outside_is_refused(place: Place) -> None:
    (place.folder.parent / "secret.csv").write_text("a\n")
    (place.folder / "data/x.csv").symlink_to(place.folder.parent / "secret.csv")
    for file in ("data/x.csv", "data/*.csv"):
        with pytest.raises(ConfigError, match="leads out"):
            feed(place, source={"file": file}).source_files()


def test_files_of_a_pattern_come_by_name(place: Place) -> None:
    for name in ("b-2.csv", "a-1.csv", "c.txt"):
        (place.folder / "data" / name).write_text("x\n")
    found = feed(place, source={"files": ["data/*-?.csv", "data/c.txt"]}).source_files()
    assert [path.name for path in found] == ["a-1.csv", "b-2.csv", "c.txt"]


def test_a_file_that_is_not_there_is_named(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"there is no file 'data/stops\.csv'"):
        feed(place).source_files()
    with pytest.raises(ConfigError, match=r"no file matches 'data/\*\.csv'"):
        feed(place, source={"files": "data/*.csv"}).source_files()


def test_a_feed_that_is_not_there_names_the_nearest(place: Place) -> None:
    feed(place)
    with pytest.raises(
        ConfigError, match=r"there is no feed 'stop'; did you mean 'stops'\? \(feeds: stops\)"
    ):
        load(place, "stop")
    for name in ("../stops", "", ".stops", "a/b", "a\x00"):
        with pytest.raises(ConfigError, match="is no name of a feed"):
            load(place, name)


@pytest.mark.parametrize("text", ["", "- a", "title: [", "a: 1\na: 2: 3", "\x00", "just words"])
def test_what_is_no_mapping_is_refused(place: Place, text: str) -> None:
    (place.folder / "feeds/stops.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"stops\.yaml"):
        load(place, "stops")


def test_every_example_is_read() -> None:
    folders = {path.parent.parent for path in EXAMPLES.rglob("feeds/*.yaml")}
    assert len(folders) > 5
    for folder in folders:
        for found in load_all(Place(folder.name, "city", folder, {"name": folder.name})):
            assert found.fields
            assert found.source_files()


def test_placeholders() -> None:
    assert placeholders("urn:x:{a}-{b c}:{a}") == ("a", "b c", "a")


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.floats(allow_nan=False), st.text(max_size=5)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["file", "files", "column", "where", "in", "pattern", "date", "number", "id", "x", "value"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.sampled_from([*GOOD, "missing", "where", "duplicates", "store", "schedule"]), VALUES)
)
def test_whatever_stands_there_is_read_or_refused_in_words(place: Place, given_keys: dict[str, Any]) -> None:
    try:
        from_mapping(place, "stops", Path("stops.yaml"), {**GOOD, **given_keys})
    except ConfigError as error:
        said = str(error)
    else:
        return
    assert said.startswith("stops.yaml: ")
