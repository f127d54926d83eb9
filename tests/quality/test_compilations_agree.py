"""One contract, two compilations: files and live writes get the same findings in the same order."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from shapely.geometry import box

from mahakam.feeds.entities import json_value
from mahakam.quality.checker import Checker
from mahakam.quality.columns import check_columns
from mahakam.quality.contract import Contract
from mahakam.quality.geometry import Districts
from mahakam.quality.load import parse_document
from mahakam.quality.references import FixedReferences
from mahakam.quality.typing_sql import LOOSE

REFERENCES = FixedReferences(
    {"codes.code": frozenset({"a", "b", "64.72", "7", "-3"})},
    box(116, -2, 118, 1),
    "Asia/Makassar",
    datetime(2025, 2, 28, 17, 30),
    areas={"codes.code": Districts({"a": box(-5, -5, 300, 5), "b": box(0, 0, 1, 1)})},
)
NASTY = [
    "",
    " ",
    "---",
    "N/A",
    "null",
    "NaN",
    "inf",
    "-0",
    "0",
    "00",
    "+5",
    "5.",
    ".5",
    "1_0",
    "1e5",
    "1E400",
    "1e0000005",
    "0e" + "9" * 30,
    "+-1",
    " 1",
    "1 ",
    "1\t",
    "\v1",
    "2025-2-8",
    " 2025-02-28",
    "2025/02/28",
    "epoch",
    "60.0",
    "60.5",
    "1.234,5",
    "1,5",
    "1.234",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "9" * 30,
    "9" * 400,
    "true",
    "TRUE",
    "False",
    "1",
    "yes",
    "a",
    "b",
    "B",
    "ß",
    "İ",
    "é",
    "Ã©",
    "\ufffd",
    "é",
    "🤦🏼‍♂️",
    "a\nb",
    "a\r\n",
    "a\x00b",
    "'",
    '"',
    "\\",
    "%",
    "_",
    "2025-02-28",
    "2025-03-01",
    "2025-02-30",
    "0000-01-01",
    "0001-01-01",
    "9999-12-31",
    "2025-2-3",
    "28/02/2025",
    "8/2/69",
    "28/02/25",
    "29/2/23",
    "17 Agustus 1945",
    "31 Apr 2024",
    "3 MAY 2024",
    "3 Bulan 2024",
    "2/3/2025",
    "07:30",
    "24:00:00",
    "23:59:60",
    "07:30:15.25",
    "2025-02-28T07:30:15+08:00",
    "2025-02-28 07:30",
    "2025-03-01T01:30:00",
    "2025-03-01T01:30:01",
    "9999-12-31T23:59:59-05:00",
    "1599-12-31T00:00:00Z",
    "2025-02-28T07:30:15.1234567Z",
    "2025-11-02T01:30:00",
    "2025-03-09T02:30:00",
    "{}",
    "[]",
    "[1,2,3]",
    "[1,1.0]",
    '["a", [], []]',
    '[["a"], [1], 2]',
    '{"a": 1.5}',
    '{"a": null}',
    '{"a": "b", "b": 1}',
    '{"a":NaN}',
    '{"type":"Point","coordinates":[117,-0.5]}',
    '{"type":"Point","coordinates":[-0.5,117]}',
    '{"type":"Point","coordinates":[110,-0.5]}',
    "64.72",
    "7",
    "-3",
    "٣",
]

texts = st.one_of(
    st.none(),
    st.sampled_from(NASTY),
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-20, 520).map(str),
    st.floats().map(str),
    st.dates().map(str),
    st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.isoformat()),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
numbers = st.one_of(st.integers(-600, 600), st.floats(-1e6, 1e6, allow_nan=False).map(lambda f: round(f, 3)))
patterns = st.sampled_from(
    [
        "^a",
        "b$",
        "^[0-9]+$",
        "^\\d{2}(\\.\\d{2})?$",
        ".",
        "a|b",
        "^\\S+$",
        "[^a]",
        "(?:ab)*c?",
        "\\.",
        "^$",
        "\\w",
    ]
)


@st.composite
def properties(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """One property of any logical type with options that can hold."""
    logical = draw(
        st.sampled_from(
            ["string", "integer", "number", "boolean", "date", "time", "timestamp", "object", "array"]
        )
    )
    prop: dict[str, Any] = {"name": name, "logicalType": logical, "required": draw(st.booleans())}
    options: dict[str, Any] = {}
    quality: list[dict[str, Any]] = []
    if logical in ("integer", "number"):
        low, high = sorted([draw(numbers), draw(numbers)])
        if draw(st.booleans()):
            options["minimum"] = low
        if draw(st.booleans()) and high > low:
            options["exclusiveMaximum"] = high
        if draw(st.booleans()):
            options["multipleOf"] = draw(
                st.sampled_from([1, 5, 7] if logical == "integer" else [0.01, 0.5, 3])
            )
        if draw(st.booleans()):
            options["format"] = draw(
                st.sampled_from(
                    ["i8", "u16", "i32", "i64", "u64"] if logical == "integer" else ["f32", "f64"]
                )
            )
        if draw(st.booleans()):
            prop["customProperties"] = [
                {"property": "decimal", "value": ","},
                {"property": "group", "value": "."},
            ]
    if logical == "string":
        if draw(st.booleans()):
            options["pattern"] = draw(patterns)
        if draw(st.booleans()):
            options["minLength"], options["maxLength"] = draw(st.sampled_from([(0, 3), (1, 1), (2, 10)]))
        if draw(st.booleans()):
            options["format"] = draw(
                st.sampled_from(["email", "uuid", "uri", "ipv4", "ipv6", "hostname", "byte", "date-time"])
            )
        if draw(st.booleans()):
            quality.append(
                {
                    "metric": "invalidValues",
                    "arguments": {"validValues": ["a", "b", "é", "BAIK", "'"]},
                    "mustBe": 0,
                }
            )
    if logical == "date" and draw(st.booleans()):
        options["minimum"], options["maximum"] = "2000-01-01", "2025-02-28"
    if logical == "date" and draw(st.booleans()):
        options["format"] = draw(
            st.sampled_from(["dd/MM/yyyy", "d/M/yyyy", "yyyy-MM-dd", "yyyyMMdd", "d/M/yy", "d MMMM yyyy"])
        )
    if logical == "timestamp" and draw(st.booleans()):
        options["exclusiveMinimum"] = "2000-01-01T00:00:00+08:00"
    if logical == "timestamp" and draw(st.booleans()):
        options["defaultTimezone"] = draw(st.sampled_from(["America/New_York", "UTC", "Asia/Jakarta"]))
    if logical == "time" and draw(st.booleans()):
        options["maximum"] = "12:00"
    if logical == "array" and draw(st.booleans()):
        options["minItems"], options["maxItems"] = 1, 2
    if logical == "array" and draw(st.booleans()):
        options["uniqueItems"] = True
        prop["items"] = {"logicalType": draw(st.sampled_from(["integer", "string", "array"]))}
    if logical == "object" and draw(st.booleans()):
        options["required"] = ["a"]
        prop["properties"] = [{"name": "a", "logicalType": draw(st.sampled_from(["number", "string"]))}]
    if logical == "object" and draw(st.booleans()):
        prop["physicalType"] = "geometry"
        if draw(st.booleans()):
            quality.append(
                {"type": "custom", "engine": "mahakam", "implementation": f"inside_boundary({name})"}
            )
    if logical in ("date", "timestamp") and draw(st.booleans()):
        quality.append({"type": "custom", "engine": "mahakam", "implementation": f"not_in_future({name})"})
    if logical in ("string", "integer") and draw(st.booleans()):
        prop["relationships"] = [{"type": "foreignKey", "to": "codes.code"}]
    if draw(st.booleans()):
        quality.append(
            {
                "metric": "missingValues",
                "arguments": {"missingValues": ["N/A", "null"]},
                "mustBe": 0,
                "severity": "warning",
            }
        )
    return {**prop, "logicalTypeOptions": options, "quality": quality}


def of_kind(props: list[dict[str, Any]], *logical: str) -> list[str]:
    return [p["name"] for p in props if p["logicalType"] in logical]


@st.composite
def number_expressions(draw: st.DrawFn, names: list[str], depth: int = 2) -> str:
    if depth == 0 or draw(st.booleans()):
        return draw(st.sampled_from([*names, "0", "1", "2.5", "100"]))
    inner = number_expressions(names, depth - 1)
    a, b = draw(inner), draw(inner)
    form = draw(
        st.sampled_from(
            [
                "{a} + {b}",
                "{a} - {b}",
                "{a} * {b}",
                "{a} / {b}",
                "{a} % {b}",
                "-({a})",
                "abs({a})",
                "floor({a})",
                "ceil({a})",
                "greatest({a}, {b})",
                "least({a}, {b})",
                "coalesce({a}, {b})",
                "nullif({a}, {b})",
                "case when {a} > {b} then {a} else {b} end",
                "case when {a} = 1 then {b} end",
            ]
        )
    )
    return f"({form.format(a=a, b=b)})"


@st.composite
def conditions(draw: st.DrawFn, props: list[dict[str, Any]], depth: int = 2) -> str:
    if depth and draw(st.booleans()):
        a, b = draw(conditions(props, depth - 1)), draw(conditions(props, depth - 1))
        return draw(
            st.sampled_from(
                [
                    f"({a} and {b})",
                    f"({a} or {b})",
                    f"not ({a})",
                    f"(({a}) is distinct from ({b}))",
                    f"({a}) is null",
                ]
            )
        )
    options = [st.sampled_from([f"{p['name']} is null" for p in props])]
    if numeric := of_kind(props, "integer", "number"):
        pair = st.tuples(
            number_expressions(numeric),
            number_expressions(numeric),
            st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
        )
        options.append(pair.map(lambda t: f"{t[0]} {t[2]} {t[1]}"))
        options.append(
            st.sampled_from(
                [f"{n} in (1, 60, null)" for n in numeric] + [f"{n} between 0 and 100" for n in numeric]
            )
        )
    if textual := of_kind(props, "string"):
        forms = [
            "{n} = 'a'",
            "{n} <> 'é'",
            "{n} > 'M'",
            "{n} in ('a', 'b')",
            "{n} like 'a%'",
            "{n} like '_'",
            "length({n}) < 3",
            "lower({n}) = 'b'",
            "upper({n}) = 'B'",
            "trim({n}) = {n}",
            "starts_with({n}, 'a')",
            "ends_with({n}, '0')",
            "contains({n}, '\u00df')",
            "matches({n}, '^[0-9]+$')",
            "{n} || 'x' = 'ax'",
            "coalesce({n}, 'z') >= 'b'",
            "greatest({n}, 'b') = 'b'",
        ]
        options.append(st.sampled_from([form.format(n=n) for n in textual for form in forms]))
    if dates := of_kind(props, "date"):
        forms = [
            "{n} >= '2020-01-01'",
            "year({n}) = 2025",
            "month({n}) + day({n}) > 5",
            "{n} - DATE '2025-01-01' < 60",
            "not_in_future({n})",
        ]
        options.append(st.sampled_from([form.format(n=n) for n in dates for form in forms]))
    if moments := of_kind(props, "timestamp"):
        forms = [
            "{n} < '2025-01-01T00:00:00Z'",
            "{n} - TIMESTAMP '2025-02-28 00:00:00' < 27015.5",
            "not_in_future({n})",
        ]
        options.append(st.sampled_from([form.format(n=n) for n in moments for form in forms]))
    if flags := of_kind(props, "boolean"):
        options.append(
            st.sampled_from(
                [form.format(n=n) for n in flags for form in ["{n}", "not {n}", "{n} is true", "{n} = false"]]
            )
        )
    if len(numeric) >= 2:
        options.append(st.just(f"inside_boundary({numeric[0]}, {numeric[1]})"))
    return draw(st.one_of(*options))


def per_row(props: list[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Rules of a mapping that judge one row."""
    strings = [p["name"] for p in props if p["logicalType"] == "string"]
    numbers = [p["name"] for p in props if p["logicalType"] in ("integer", "number")]
    rules: list[st.SearchStrategy[dict[str, Any]]] = [
        st.fixed_dictionaries(
            {"rule": st.just("marker"), "field": st.sampled_from([p["name"] for p in props])}
        ),
        st.fixed_dictionaries(
            {
                "rule": st.just("totalRow"),
                "field": st.sampled_from([p["name"] for p in props]),
                "blank": st.just(True),
            }
        ),
    ]
    if strings:
        broken = st.fixed_dictionaries({"rule": st.just("mojibake"), "field": st.sampled_from(strings)})
        rules.append(broken)
        text = st.sampled_from(strings)
        rules.append(st.fixed_dictionaries({"rule": st.just("totalRow"), "field": text}))
        units = st.sampled_from(["%", "a", "µg/m3"])
        rules.append(st.fixed_dictionaries({"rule": st.just("unit"), "field": text, "is": units}))
        if numbers:
            near = st.lists(st.sampled_from(numbers), min_size=2, max_size=2)
            rules.append(
                st.fixed_dictionaries(
                    {"rule": st.just("inDistrict"), "field": text, "near": near, "of": st.just("codes.code")}
                )
            )
    return st.one_of(*rules).map(lambda rule: {"type": "custom", "engine": "mahakam", "implementation": rule})


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    count = draw(st.integers(1, 5))
    props = [draw(properties(f"f{i}")) for i in range(count)]
    quality = [
        {
            "type": "custom",
            "engine": "mahakam",
            "implementation": draw(conditions(props)),
            "severity": draw(st.sampled_from(["error", "warning"])),
        }
        for _ in range(draw(st.integers(0, 3)))
    ]
    quality += draw(st.lists(per_row(props), max_size=2))
    missing = draw(st.sampled_from([[], ["---"], ["---", "N/A", "-"]]))
    schema = {
        "name": "Thing",
        "properties": props,
        "quality": quality,
        "customProperties": [{"property": "missing", "value": missing}],
    }
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "x",
        "version": "1",
        "status": "active",
        "schema": [schema],
    }
    note(json.dumps(document, ensure_ascii=False))
    return parse_document(document)[0]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Contract, list[dict[str, str | None]]]:
    contract = draw(contracts())
    records = draw(
        st.lists(st.fixed_dictionaries(dict.fromkeys(contract.fields, texts)), min_size=1, max_size=12)
    )
    return contract, records


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    return connection


def lacking(records: list[dict[str, str | None]]) -> frozenset[str]:
    """What a source that looked through these records would say of them."""
    cells = [value for record in records for value in record.values() if value is not None]
    return frozenset(
        char for char in (*LOOSE, "") if not any(char in cell if char else not cell for cell in cells)
    )


def test_the_records_try_every_rule_of_a_row() -> None:
    """What hypothesis draws from can reach each kind of check that a contract compiles to for one record."""
    from mahakam.quality import rule

    seen: set[type] = set()

    @settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(contract=contracts())
    def draw(contract: Contract) -> None:
        seen.update(type(one.check) for one in contract.rules)

    draw()
    of_files = {rule.Unique, rule.Across, rule.OfFile, rule.Query}  # test_spark
    assert set(get_args(rule.Check)) - of_files <= seen


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_a_live_write_of_the_values_that_a_file_holds_is_judged_like_it(
    case: tuple[Contract, list[dict[str, str | None]]],
) -> None:
    """The same record as JSON values, as an NGSI-LD write brings them: a value is judged as its text is."""
    contract, records = case
    checker = Checker(contract, REFERENCES)
    for record in records:
        in_file = [(f.field, f.rule, f.expected, f.severity) for f in checker.check(record, lexical=True)]
        if any(rule in ("type", "marker") for _, rule, _, _ in in_file):
            continue  # text that is no value: JSON cannot have it
        typed = {name: json_value(value) for name, value in checker.typed(record).items()}
        live = checker.check(typed, lexical=False)
        assert [(f.field, f.rule, f.expected, f.severity) for f in live] == in_file, (record, typed)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_files_and_live_writes_get_the_same_findings(
    connection: duckdb.DuckDBPyConnection, case: tuple[Contract, list[dict[str, str | None]]]
) -> None:
    contract, records = case
    checker = Checker(contract, REFERENCES)
    live = []
    for row, record in enumerate(records, 1):
        for finding in checker.check(record, lexical=True):
            live.append((row, finding.field, finding.rule, finding.value, finding.expected, finding.severity))
    columns = {name: pa.array([r[name] for r in records], pa.string()) for name in contract.fields}
    rows = pa.array(range(1, len(records) + 1), pa.int64())
    connection.register("records", pa.table({"_row": rows, "_line": rows, **columns}))
    check = check_columns(
        connection,
        "records",
        list(contract.fields),
        contract,
        REFERENCES,
        typed_fields=True,
        lacks=lacking(records) if len(records) % 2 else frozenset(),
    )
    try:
        file = [(f.row, f.field, f.rule, f.value, f.expected, f.severity) for f in check.findings()]
        assert file == live
        assert check.rows == len(records)
        assert check.failed_rows == len({f[0] for f in live if f[5] == "error"})
        assert sum(check.counts.values()) == len(live)
        names = list(contract.fields)
        held = {f[0] for f in live if f[5] == "error"}
        rows_typed = connection.execute(check.typed_sql()).fetchall()
        assert [row[0] for row in rows_typed] == [n for n in range(1, len(records) + 1) if n not in held]
        for row in rows_typed:
            want = checker.typed(records[row[0] - 1])
            for name, value in zip(names, row[2:], strict=True):
                expected = want[name]
                if isinstance(expected, dict | list):
                    value = json.loads(value)
                assert value == expected
    finally:
        check.close()
        connection.unregister("records")
