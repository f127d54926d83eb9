"""A live write is checked by the contract of its type at the place that its scope names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Api, problem, running

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: hilltown-air
version: 1.0.0
status: active
schema:
  - name: AirQuality
    properties:
      - {name: station, logicalType: string, required: true}
      - {name: pm10, logicalType: integer, logicalTypeOptions: {minimum: 0, maximum: 500}}
      - name: category
        logicalType: string
        quality:
          - {metric: invalidValues, arguments: {validValues: [GOOD, BAD]}, mustBe: 0, severity: warning}
"""
SCOPE = "/hilltown"
ONE = "urn:ngsi-ld:AirQuality:1"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Api]:
    place = tmp_path / "config" / "hilltown"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text("name: Hilltown\n")
    (place / "contracts" / "air.yaml").write_text(CONTRACT)
    with running(tmp_path / "data", config=(tmp_path / "config",)) as found:
        yield found


def test_what_follows_the_contract_is_stored(city: Api) -> None:
    city.create(ONE, "AirQuality", scope=SCOPE, station="A", pm10=40)
    assert city.read(ONE)["pm10"]["value"] == 40


def test_a_refusal_names_every_rule(city: Api) -> None:
    entity = {"id": ONE, "type": "AirQuality", "scope": SCOPE, "pm10": 900}
    details = problem(city("POST", "/entities", json=entity), 400, "BadRequestData")
    assert {(reason["field"], reason["severity"]) for reason in details["reasons"]} == {
        ("station", "error"),
        ("pm10", "error"),
    }
    assert all(reason["expected"] for reason in details["reasons"])
    problem(city.get(f"/entities/{ONE}"), 404, "ResourceNotFound")


def test_a_scope_without_the_contract_is_refused_with_the_right_one(city: Api) -> None:
    for scope in ({}, {"scope": "/elsewhere"}):
        entity = {"id": ONE, "type": "AirQuality", "station": "A", "pm10": 40, **scope}
        details = problem(city("POST", "/entities", json=entity), 400, "BadRequestData")
        assert SCOPE in details["reasons"][0]["expected"]


def test_no_change_leads_around_the_contract(city: Api) -> None:
    city.create(ONE, "AirQuality", scope=SCOPE, station="A", pm10=40)
    before = city.read(ONE, "?options=sysAttrs")
    wrong = {"pm10": 900}
    for method, path, body in (
        ("PATCH", f"/entities/{ONE}", wrong),
        ("PATCH", f"/entities/{ONE}", {"scope": "/elsewhere"}),
        ("PUT", f"/entities/{ONE}", {"type": "AirQuality", "scope": SCOPE, **wrong}),
        ("POST", f"/entities/{ONE}/attrs", wrong),
        ("PATCH", f"/entities/{ONE}/attrs", wrong),
        ("PATCH", f"/entities/{ONE}/attrs/pm10", {"value": 900}),
        ("PUT", f"/entities/{ONE}/attrs/pm10", {"value": 900}),
        ("DELETE", f"/entities/{ONE}/attrs/station", None),
    ):
        problem(city(method, path, json=body), 400, "BadRequestData")
    for operation in ("upsert", "update", "merge"):
        body = [{"id": ONE, "type": "AirQuality", "scope": SCOPE, "station": "A", **wrong}]
        answer = city("POST", f"/entityOperations/{operation}", json=body)
        assert answer.status_code == 207
        assert answer.json()["errors"][0]["error"]["reasons"][0]["field"] == "pm10"
    assert city.read(ONE, "?options=sysAttrs") == before


def test_a_warning_is_stored_with_a_flag(city: Api) -> None:
    city.create(ONE, "AirQuality", scope=SCOPE, station="A", pm10=40, category="FINE")
    shown = city.read(ONE)
    assert shown["category"]["value"] == "FINE"
    assert shown["category"]["quality"]["value"]


def test_types_without_a_contract_are_free(city: Api) -> None:
    city.create("urn:ngsi-ld:Bus:1", "Bus", pm10=900)


@pytest.mark.parametrize(
    ("tenant", "contract", "kept"), [("off", "on", True), ("on", "off", False), ("off", "", False)]
)
def test_a_contract_says_whether_changes_are_kept(
    tmp_path: Path, tenant: str, contract: str, kept: bool
) -> None:
    place = tmp_path / "config" / "hilltown"
    (place / "contracts").mkdir(parents=True)
    (place / "city.yaml").write_text("name: Hilltown\n")
    asked = f"    customProperties: [{{property: history, value: {contract}}}]\n" if contract else ""
    text = CONTRACT.replace("    properties:\n", f"{asked}    properties:\n")
    (place / "contracts" / "air.yaml").write_text(text)
    with running(tmp_path / "data", config=(tmp_path / "config",), history=tenant) as api:
        api.create(ONE, "AirQuality", scope=SCOPE, station="A", pm10=40)
        assert api("PATCH", f"/entities/{ONE}", json={"pm10": 41}).status_code == 204
        api.create("urn:x:1", "Other", heat=1)
        found = api.get(f"/temporal/entities/{ONE}")
        assert found.status_code == (200 if kept else 404)
        if kept:
            assert [one["value"] for one in found.json()["pm10"]] == [40, 41]
        assert api.get("/temporal/entities/urn:x:1").status_code == (200 if tenant == "on" else 404)
        assert api("DELETE", f"/entities/{ONE}").status_code == 204
        assert (api.get(f"/temporal/entities/{ONE}").status_code == 200) == kept
