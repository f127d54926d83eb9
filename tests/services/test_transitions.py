"""A status set by a plain NGSI-LD write does not go round the workflow: every way of writing, on both stores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mahakam.app import Application, Node
from mahakam.config import Settings
from mahakam.services.desk import Desk, revision_of
from mahakam.services.document_acts import judge, send
from mahakam.services.needs import service_of
from mahakam.services.request import Draft, Request, entity_id
from support.api import Api
from support.papers import pdf
from support.portal import TOWN, two_cities

STALL = """name: Stall
personal: true
workflow: licence
documents: {identity: {name: {en: Identity card, id: KTP}}}
fee: {currency: IDR}
product: {title: Licence, text: Yes you may, approvals: [Signed]}
"""
CARD = """name: Card
workflow: appointment
office: {address: Town hall, hours: ["Mo-Su 00:00-23:59"]}
appointments: {minutes: 60}
"""


class Town:
    def __init__(self, root: Path, store: str) -> None:
        places = two_cities(root / "places")
        for code, text in (("stall", STALL), ("card", CARD)):
            (places / f"prov/town/services/{code}.yaml").write_text(text)
        self.data = root / "data"
        self.node = Node(Settings(data=self.data, config=(places,), store=store, open=True))
        self.desk = Desk(self.node.broker, self.node.places, self.data)

    def sent(self, service: str) -> str:
        return self.desk.send(Draft("town", service, "For my stall", TOWN)).number

    def request(self, number: str) -> Request:
        found = self.desk.request(number)
        assert found
        return found

    def accepted(self, number: str) -> None:
        found = self.request(number)
        service = service_of(self.node.places, found)
        assert service
        found = send(
            self.desk, self.data, (found, revision_of(found)), service.documents, {"identity": pdf()}
        )
        judge(self.desk, (found, revision_of(found)), "identity", True, "", "siti")


@pytest.fixture
def town(tmp_path: Path, store_url: str) -> Iterator[Town]:
    made = Town(tmp_path, store_url)
    yield made
    made.node.close()


@pytest.fixture
def api(town: Town) -> Iterator[Api]:
    with TestClient(Application(town.node), base_url="http://localhost") as client:
        yield Api(client)


def _value(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}


def _move(api: Api, number: str, status: str, state: str = "") -> Any:
    changes = {"status": _value(status)} | ({"workflowState": _value(state)} if state else {})
    return api("PATCH", f"/entities/{entity_id(number)}", json=changes)


def test_what_a_way_needs_is_asked_of_a_plain_write_too(town: Town, api: Api) -> None:
    number = town.sent("stall")
    assert _move(api, number, "inProgress", "examined").status_code == 204
    refused = _move(api, number, "inProgress", "approval")
    assert refused.status_code == 400
    (reason,) = refused.json()["reasons"]
    assert (reason["field"], reason["rule"], reason["value"]) == ("status", "workflow", "approval")
    assert reason["expected"] == "documents accepted: Identity card, to go from examined to approval"
    town.accepted(number)
    assert _move(api, number, "inProgress", "approval").status_code == 204
    for status, state, said in (
        ("answered", "issued", "the approvals of its letter"),
        ("rejected", "refused", "the decision of the agency's head"),
        ("waiting", "payment", "a way of the workflow licence from approval: incomplete (status waiting), "),
    ):
        refused = _move(api, number, status, state)
        assert refused.status_code == 400
        assert said in refused.json()["detail"]
    assert town.request(number).workflow_state == "approval"


def test_no_way_of_writing_goes_round_it(town: Town, api: Api) -> None:
    number = town.sent("stall")
    id = entity_id(number)
    moved = {"status": _value("answered")}
    whole = api.read(id) | moved
    for method, path, body in (
        ("PATCH", f"/entities/{id}", moved),
        ("PATCH", f"/entities/{id}/attrs", moved),
        ("PATCH", f"/entities/{id}/attrs/status", _value("answered")),
        ("PUT", f"/entities/{id}/attrs/status", _value("answered")),
        ("POST", f"/entities/{id}/attrs", moved),
        ("PUT", f"/entities/{id}", whole),
        ("PATCH", f"/entities/{id}", {"serviceCode": _value("pothole")}),
        ("PATCH", f"/entities/{id}", {"scope": "/prov/bay"}),
    ):
        assert api(method, path, json=body).status_code == 400, (method, path)
    for operation in ("upsert", "update", "merge"):
        one = whole if operation == "upsert" else {"id": id, "type": "ServiceRequest"} | moved
        answer = api("POST", f"/entityOperations/{operation}", json=[one])
        assert answer.status_code in (207, 400), operation
        assert "workflow" in answer.text
    assert town.request(number).state == "received"


def test_an_appointment_is_not_booked_by_a_word(town: Town, api: Api) -> None:
    number = town.sent("card")
    refused = _move(api, number, "waiting", "booked")
    assert refused.status_code == 400
    assert "an appointment booked" in refused.json()["detail"]
    assert _move(api, number, "closed", "cancelled").status_code == 204


def test_a_plain_report_is_the_agencys_own(town: Town, api: Api) -> None:
    """Its workflow needs nothing but words: an agency's own system sets any status, as before."""
    number = town.sent("pothole")
    for status in ("inProgress", "answered", "waiting", "closed"):
        assert _move(api, number, status).status_code == 204
    assert (
        api(
            "PATCH", f"/entities/{entity_id(number)}", json={"serviceCode": _value("street-light")}
        ).status_code
        == 204
    )
