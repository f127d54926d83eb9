"""The mapping: every transform gives canonical text, or leaves what it cannot read exactly as it stood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mahakam.config import ConfigError, Place
from mahakam.feeds import sources
from mahakam.feeds.definition import from_mapping
from mahakam.feeds.mapping import Mapped, map_table
from mahakam.feeds.sources import SourceError
from mahakam.store.model import Correction
from support.sources import written

PLACE = Place("kota", "city", Path("/kota"), {"name": "Kota"})


def mapped(
    folder: Path,
    columns: dict[str, list[str | None]],
    map: dict[str, Any],
    types: dict[str, str] | None = None,
    *,
    corrections: tuple[Correction, ...] = (),
    source: dict[str, Any] | None = None,
    name: str = "a.json",
    **feed: Any,
) -> Mapped:
    """Map a table given by its columns; fields are strings unless ``types`` says otherwise."""
    names = list(columns)
    records = [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    path = written(folder, name, json.dumps(records))
    given = {
        "source": {"file": path.name, **(source or {})},
        "contract": "c",
        "map": map,
        "entity": {"id": "urn:x:{a}"},
        **feed,
    }
    made = from_mapping(PLACE, "f", Path("feeds/f.yaml"), given)
    connection = duckdb.connect(config={"threads": 1})
    table = sources.read(path, connection, **made.pins)
    return map_table(connection, table, made, types or dict.fromkeys(map, "string"), corrections)


def column(
    folder: Path, cells: list[str | None], how: dict[str, Any], type: str = "string", **feed: Any
) -> list[Any]:
    """One column through one field's mapping."""
    result = mapped(folder, {"k": cells}, {"a": {"column": "k", **how}}, {"a": type}, **feed)
    return [row[0] for row in result.relation.order("_row").project("a").fetchall()]


def one(folder: Path, cell: str | None, how: dict[str, Any], type: str = "string", **feed: Any) -> Any:
    return column(folder, [cell], how, type, **feed)[0]


@pytest.mark.parametrize(
    ("cell", "format", "expected"),
    [
        ("17/08/1945", "%d/%m/%Y", "1945-08-17"),
        ("7/8/1945", "%d/%m/%Y", "1945-08-07"),
        ("17-08-45", "%d-%m-%y", "2045-08-17"),
        ("19450817", "%Y%m%d", "1945-08-17"),
        ("17 Agustus 1945", "%d %B %Y", "1945-08-17"),
        ("17 AGUSTUS 1945", "%d %B %Y", "1945-08-17"),
        ("17  Agustus   1945", "%d %B %Y", "1945-08-17"),
        ("17 Agu. 1945", "%d %b %Y", "1945-08-17"),
        ("17 Agu 1945", "%d %b %Y", "1945-08-17"),
        ("17 August 1945", "%d %B %Y", "1945-08-17"),
        ("August 17, 1945", "%B %d, %Y", "1945-08-17"),
        ("1 Mei 2024", "%d %B %Y", "2024-05-01"),
        ("Jumat, 17 Agustus 1945", "%A, %d %B %Y", "1945-08-17"),
        ("Jum'at, 17 Agustus 1945", "%A, %d %B %Y", "1945-08-17"),
        ("17-Des-2024", "%d-%b-%Y", "2024-12-17"),
        ("29/02/2024", "%d/%m/%Y", "2024-02-29"),
    ],
)
def test_dates(tmp_path: Path, cell: str, format: str, expected: str) -> None:
    assert one(tmp_path, cell, {"date": format}, "date") == expected


@pytest.mark.parametrize(
    ("cell", "format", "type", "expected"),
    [
        ("17/08/1945 10:30", "%d/%m/%Y %H:%M", "timestamp", "1945-08-17T10:30:00"),
        ("17 Agustus 1945 10.30", "%d %B %Y %H.%M", "timestamp", "1945-08-17T10:30:00"),
        ("17/08/1945 10:30", "%d/%m/%Y %H:%M", "date", "1945-08-17"),
        ("2024-05-01 10:30:00 +0800", "%Y-%m-%d %H:%M:%S %z", "timestamp", "2024-05-01T02:30:00Z"),
        ("10.30", "%H.%M", "time", "10:30:00"),
        ("17/08/1945", "%d/%m/%Y", "string", "1945-08-17"),
        ("17/08/1945 10:30", "%d/%m/%Y %H:%M", "string", "1945-08-17T10:30:00"),
        ("2024-05-01 10:30:00.5", "%Y-%m-%d %H:%M:%S.%f", "timestamp", "2024-05-01T10:30:00.500000"),
    ],
)
def test_times(tmp_path: Path, cell: str, format: str, type: str, expected: str) -> None:
    assert one(tmp_path, cell, {"date": format}, type) == expected


def test_an_old_spelling_of_a_month_can_be_rewritten(tmp_path: Path) -> None:
    how = {"pattern": "N(op|ov)(ember)?", "to": "November", "date": "%d %B %Y"}
    assert column(tmp_path, ["3 Nopember 2024", "4 Nov 2024", "5 Mei 2024"], how, "date") == [
        "2024-11-03", "2024-11-04", "2024-05-05",
    ]  # fmt: skip


def test_the_first_format_that_fits_is_taken(tmp_path: Path) -> None:
    cells: list[str | None] = ["01/02/2024", "2024-02-03", "4 Februari 2024", "kapan-kapan", None]
    formats = ["%d/%m/%Y", "%Y-%m-%d", "%d %B %Y"]
    assert column(tmp_path, cells, {"date": formats}, "date") == [
        "2024-02-01", "2024-02-03", "2024-02-04", "kapan-kapan", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "cell", ["31/02/2024", "17/13/2024", "17 Agustober 1945", "2024", "17/08/1945 sore", "0"]
)
def test_what_is_no_date_stays_as_it_was(tmp_path: Path, cell: str) -> None:
    assert one(tmp_path, cell, {"date": ["%d/%m/%Y", "%d %B %Y"]}, "date") == cell


COMMA = {"number": {"decimal": ",", "group": "."}}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1.234", "1234"),
        ("1.234,5", "1234.5"),
        ("1.234.567,89", "1234567.89"),
        ("1234,5", "1234.5"),
        ("0,5", "0.5"),
        (",5", ".5"),
        ("-1.234,5", "-1234.5"),
        ("12", "12"),
        ("1 234,5", "1234.5"),
        ("1\u00a0234,5", "1234.5"),
        (" 7,25 ", "7.25"),
    ],
)
def test_numbers_with_a_decimal_comma(tmp_path: Path, cell: str, expected: str) -> None:
    found = one(tmp_path, cell, COMMA, "number")
    assert float(found) == float(expected)
    assert "," not in found


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("1,234.5", "1234.5"), ("1,234", "1234"), ("1234.5", "1234.5"), ("1e3", "1e3"), ("+5", "+5")],
)
def test_numbers_with_a_decimal_point(tmp_path: Path, cell: str, expected: str) -> None:
    assert float(one(tmp_path, cell, {"number": True}, "number")) == float(expected)


@pytest.mark.parametrize(
    "cell", ["1.2.3", "12,34,5", "abc", "1,2,3", "Rp 5.000", "5 km", "12.34,5", "1.23", "--1"]
)
def test_what_is_no_number_cannot_pass_for_one(tmp_path: Path, cell: str) -> None:
    found = one(tmp_path, cell, COMMA, "number")
    assert found.startswith(cell)
    with pytest.raises(ValueError):
        float(found)


def test_the_sources_decimal_goes_for_numeric_fields_only(tmp_path: Path) -> None:
    result = mapped(
        tmp_path,
        {"mm": ["1.234,5"], "versi": ["1.234"]},
        {"a": "mm", "b": "versi"},
        {"a": "number", "b": "string"},
        source={"decimal": ","},
    )
    assert result.relation.project("a, b").fetchall() == [("1234.5", "1.234")]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.decimals(-(10**9), 10**9, places=3, allow_nan=False), min_size=1, max_size=20), st.booleans()
)
def test_numbers_come_back_in_both_ways_of_writing(tmp_path: Path, values: list[Any], comma: bool) -> None:
    texts: list[str | None] = [f"{value:,.3f}" for value in values]
    if comma:
        texts = [str(t).translate(str.maketrans(",.", ".,")) for t in texts]
    found = column(tmp_path, texts, COMMA if comma else {"number": True}, "number")
    assert [float(text) for text in found] == [float(value) for value in values]


def test_replace_goes_by_whole_values(tmp_path: Path) -> None:
    how = {"replace": {"DKI1": "Bundaran HI", "rusak": None, " spasi ": "x", 7: "tujuh"}}
    cells: list[str | None] = ["DKI1", " DKI1 ", "DKI10", "rusak", "spasi", "7", None]
    assert column(tmp_path, cells, how) == ["Bundaran HI", "Bundaran HI", "DKI10", None, "x", "tujuh", None]


def test_replace_comes_before_the_number(tmp_path: Path) -> None:
    assert column(tmp_path, ["nihil", "1.000"], {"replace": {"nihil": "0"}, **COMMA}, "integer") == [
        "0",
        "1000",
    ]


@pytest.mark.parametrize(
    ("cell", "how", "expected"),
    [
        ("6472", {"pattern": r"^(\d\d)(\d\d)$", "to": r"\1.\2"}, "64.72"),
        ("64720", {"pattern": r"^(\d\d)(\d\d)$", "to": r"\1.\2"}, "64720"),
        ("Kec. Ilir", {"pattern": r"^Kec\. (.*)$"}, "Ilir"),
        ("Ulu", {"pattern": r"^Kec\. (.*)$"}, "Ulu"),
        ("Rp 5000,-", {"pattern": r"\d+"}, "5000"),
        ("a'b", {"pattern": "a'b", "to": "c'd"}, "c'd"),
        ("halte UTAMA samarinda", {"text": "title"}, "Halte Utama Samarinda"),
        ("halte", {"text": "upper"}, "HALTE"),
        ("HALTE É", {"text": "lower"}, "halte é"),
        ("\u00a0 Ulu \u200b\t", {}, "Ulu"),
        (None, {"text": "title"}, None),
        ("a  b", {"text": "title"}, "A  B"),
    ],
)
def test_patterns_and_words(
    tmp_path: Path, cell: str | None, how: dict[str, Any], expected: str | None
) -> None:
    assert one(tmp_path, cell, how) == expected


def test_the_files_name_and_constants(tmp_path: Path) -> None:
    result = mapped(
        tmp_path,
        {"k": ["x"]},
        {
            "a": "k",
            "year": {"file": True, "pattern": r"^.*-(\d{4})\.json$", "to": r"\1"},
            "file": {"file": True},
            "fixed": {"value": 2021},
            "yes": {"value": True},
            "quote": {"value": "it's"},
        },
        name="crimes-2019.json",
    )
    assert result.relation.project("year, file, fixed, yes, quote").fetchall() == [
        ("2019", "crimes-2019.json", "2021", "true", "it's")
    ]


def test_missing_markers_become_absent_and_never_zero(tmp_path: Path) -> None:
    cells: list[str | None] = ["", "  ", "-", " --- ", "N/A", None, "0", "-5", "8888"]
    for type in ("string", "number", "integer"):
        found = column(tmp_path, cells, {}, type, missing=["", "-", "---", "N/A", 8888])
        assert found == [None, None, None, None, None, None, "0", "-5", None]
    assert column(tmp_path, ["", "-"], COMMA, "number", missing=["-"]) == [None, None]
    assert column(tmp_path, ["-"], {"date": "%d/%m/%Y"}, "date", missing=["-"]) == [None]


def test_a_blank_is_absent_whatever_the_feed_names_missing(tmp_path: Path) -> None:
    assert column(tmp_path, ["", " ", "x"], {}, missing=["-"]) == [None, None, "x"]


def points(folder: Path, xs: list[str | None], ys: list[str | None], **how: Any) -> list[Any]:
    place = {"longitude": "x", "latitude": "y", **how}
    result = mapped(folder, {"x": xs, "y": ys}, {"a": place}, {"a": "object"}, missing=["", "-"])
    return [row[0] for row in result.relation.order("_row").project("a").fetchall()]


def test_coordinates(tmp_path: Path) -> None:
    found = points(tmp_path, ["117.15", "-", "117", "1e3", "nan", None], ["-0.5", "-", "-", "0", "1", "2"])
    assert json.loads(found[0]) == {"type": "Point", "coordinates": [117.15, -0.5]}
    assert found[1] is None
    assert found[2] == "117"
    assert found[4] == "nan 1"
    assert found[5] == "2"


def test_projected_coordinates(tmp_path: Path) -> None:
    # EPSG:3414 (SVY21): the origin is 1°22' N, 103°50' E, false easting 28001.642 m, false northing 38744.572 m
    found = points(tmp_path, ["28001.642", "x", None], ["38744.572", "1", None], crs="EPSG:3414")
    longitude, latitude = json.loads(found[0])["coordinates"]
    assert abs(longitude - (103 + 50 / 60)) < 1e-6
    assert abs(latitude - (1 + 22 / 60)) < 1e-6
    assert found[1:] == ["x 1", None]


def test_x_and_y_may_be_named_so_and_carry_decimal_commas(tmp_path: Path) -> None:
    result = mapped(
        tmp_path,
        {"e": ["28001,642"], "n": ["38744,572"]},
        {"a": {"x": "e", "y": "n", "crs": "EPSG:3414", **COMMA}},
        {"a": "object"},
    )
    ((found,),) = result.relation.project("a").fetchall()
    assert json.loads(found)["type"] == "Point"


def test_an_unknown_projection_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="EPSG:999999"):
        points(tmp_path, ["1"], ["2"], crs="EPSG:999999")


def test_a_geojson_geometry(tmp_path: Path) -> None:
    shape = {"type": "LineString", "coordinates": [[28001.642, 38744.572], [28002.0, 38745.0]]}
    feature = {"type": "Feature", "properties": {"k": "A"}, "geometry": shape}
    path = written(tmp_path, "a.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}))
    for crs, expected in (("EPSG:4326", 28001.642), ("EPSG:3414", 103 + 50 / 60)):
        given = {
            "source": "a.geojson",
            "contract": "c",
            "map": {"a": "k", "shape": {"geometry": True, "crs": crs}},
            "entity": {"id": "urn:x:{a}"},
        }
        feed = from_mapping(PLACE, "f", Path("f.yaml"), given)
        connection = duckdb.connect(config={"threads": 1})
        result = map_table(
            connection, sources.read(path, connection), feed, {"a": "string", "shape": "object"}
        )
        ((found,),) = result.relation.project("shape").fetchall()
        assert json.loads(found)["coordinates"][0][0] == pytest.approx(expected, abs=1e-6)
        assert not any("_geometry" in note for note in result.notes)


def test_geometry_needs_geojson(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="only GeoJSON has one"):
        mapped(tmp_path, {"k": ["x"]}, {"a": "k", "shape": {"geometry": True}})


def test_rows_that_do_not_belong_are_counted_by_their_first_reason(tmp_path: Path) -> None:
    result = mapped(
        tmp_path,
        {
            "k": ["INDONESIA", "Ilir", "", "Catatan: x", "Ulu", None, "Kota"],
            "jenis": ["a", "a", "a", "b", "b", "a", "a"],
        },
        {"a": "k"},
        source={
            "skip": [
                {"where": {"column": "k", "in": ["INDONESIA"]}, "reason": "total"},
                {"where": {"column": "k", "pattern": "^Catatan"}},
                {"where": {"column": "k", "blank": True}},
            ]
        },
        where="jenis = 'a'",
    )
    assert result.relation.order("_row").project("_row, a").fetchall() == [(2, "Ilir"), (7, "Kota")]
    assert result.left_out == {
        "total": 1,
        "k matches ^Catatan": 1,
        "k is blank": 2,
        "not where jenis = 'a'": 1,
    }
    assert result.read == 7


def test_where_sees_columns_by_any_case_and_quotes(tmp_path: Path) -> None:
    table: dict[str, list[str | None]] = {"Nama Jalan": ["x", "y", None], "k": ["1", "2", "3"]}
    result = mapped(tmp_path, table, {"a": "k"}, where="\"nama jalan\" = 'x'")
    assert result.relation.project("a").fetchall() == [("1",)]
    assert sum(result.left_out.values()) == 2


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("kk = 'a'", r"no column 'kk'; did you mean 'k'\?"),
        ("k = ", "no SQL condition"),
        ("k in (select 1)", "may not hold a query"),
        ("k = 'a' order by k", "one condition"),
        ("k = 'a' limit 1", "one condition"),
        ("k = 'a'; drop table source", "no SQL condition|one condition"),
        ("k = ?", "may not hold"),
        ("cast(k as integer) > 1", "cannot be carried out"),
        ("read_text('/etc/passwd') is not null", "read_text|may not"),
        ("getenv('HOME') is not null", "getenv|may not"),
    ],
)
def test_a_where_that_is_no_condition_is_refused(tmp_path: Path, where: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        mapped(tmp_path, {"k": ["a", "b"]}, {"a": "k"}, where=where)


def test_columns_are_found_without_case_and_repeated_blanks(tmp_path: Path) -> None:
    assert mapped(tmp_path, {"Nama  HALTE ": ["x"]}, {"a": "nama halte"}).relation.project(
        "a"
    ).fetchall() == [("x",)]


def test_a_column_that_the_file_lacks_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"a\.json: has no column 'kode_halte' \(map\.a\); did you mean 'kodehalte'"
    ):
        mapped(tmp_path, {"kodehalte": ["x"], "n": ["1"]}, {"a": "kode_halte"})


def test_a_field_that_the_contract_lacks_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"map\.namee: .*did you mean 'name'"):
        mapped(tmp_path, {"k": ["x"]}, {"namee": "k"}, {"name": "string", "n": "number"})


def test_without_a_map_fields_take_the_columns_of_their_name(tmp_path: Path) -> None:
    result = mapped(tmp_path, {"Kode": ["x"], "lain": ["y"]}, {}, {"kode": "string", "n": "number"})
    assert result.relation.project("kode, n").fetchall() == [("x", None)]
    assert any("lain" in note for note in result.notes)


def test_a_path_reaches_into_json_text(tmp_path: Path) -> None:
    table: dict[str, list[str | None]] = {"alamat": ['{"kota": {"kode": "64.72"}}', "bukan json", None]}
    result = mapped(tmp_path, table, {"a": "alamat.kota.kode"})
    assert result.relation.order("_row").project("a").fetchall() == [("64.72",), (None,), (None,)]


def test_corrections_apply_to_the_cells_as_they_came(tmp_path: Path) -> None:
    fixes = (
        Correction("kota", "f", "k", "Ulue", "Ulu", "ani", "2024-01-01T00:00:00Z"),
        Correction("kota", "f", "k", "x", None, "ani", "2024-01-01T00:00:00Z"),
        Correction("kota", "f", "k", "y", "z", "ani", "2024-01-01T00:00:00Z", active=False),
    )
    result = mapped(tmp_path, {"k": ["Ulue", " Ulue", "x", "y"]}, {"a": "k"}, corrections=fixes)
    assert result.relation.order("_row").project("a").fetchall() == [("Ulu",), ("Ulu",), (None,), ("y",)]


NASTY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
HOWS: list[tuple[dict[str, Any], str]] = [
    ({"date": ["%d/%m/%Y", "%d %B %Y", "%A %d %b %y"]}, "date"),
    (COMMA, "number"),
    ({"number": True}, "number"),
    ({"replace": {"a": "b"}}, "string"),
    ({"text": "title"}, "string"),
]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NASTY, min_size=1, max_size=10), st.sampled_from(HOWS))
def test_no_text_breaks_a_transform_or_disappears(
    tmp_path: Path, cells: list[str], how: tuple[dict[str, Any], str]
) -> None:
    found = column(tmp_path, list(cells), *how)
    blanks = " \t\r\n\u00a0\u2007\u202f\ufeff\u200b"
    for cell, result in zip(cells, found, strict=True):
        assert (result is None) == (not cell.strip(blanks))
