"""A town with two agencies, rules for who works on what, districts and a road, on a real store."""

from __future__ import annotations

import json
from pathlib import Path

from mahakam.app import Node
from mahakam.config import Settings
from mahakam.services.desk import Desk
from mahakam.services.handover import Handover
from support.portal import two_cities

ROUTING = """
agencies:
  secretary: {name: {en: City secretary, id: Sekretaris Daerah}, head: {en: Secretary, id: Sekda}}
  works:
    name: {en: Public works, id: Dinas PU}
    head: {en: Head of public works, id: Kepala Dinas PU}
    teams: {roads: {en: Roads, id: Bidang Jalan}, night: {en: Night crew, id: Regu malam}}
    above: secretary
  transport: {name: {en: Transport, id: Dishub}, above: secretary}
  province: {name: {en: Province, id: PU Provinsi}}
rules:
  - service: pothole
    road: primary
    to: [province, works]
    reason: {en: A primary road is the province's, id: Jalan primer milik provinsi}
  - {service: pothole, hours: outside, to: works/night, reason: {en: Outside of working hours, id: Di luar jam kerja}}
  - service: pothole
    district: [North]
    to: works/roads
    reason: {en: Potholes in the north, id: Jalan berlubang di utara}
  - {service: pothole, area: market.geojson, to: transport}
warn: 1
escalate: [0, 5]
"""
NORTH, SOUTH, MARKET, ROAD = (117.05, -0.42), (117.05, -0.48), (117.02, -0.48), (117.08, -0.48)
"""Points: of the northern district, of the rest, of the market's area there, beside the primary road there."""


def square(west: float, south: float, east: float, north: float) -> dict[str, object]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def routed_town(root: Path, routing: str = ROUTING) -> Path:
    """The places of :func:`two_cities`; ``routing`` is the town's."""
    places = two_cities(root)
    town = places / "prov" / "town"
    (town / "routing.yaml").write_text(routing)
    (town / "market.geojson").write_text(json.dumps(square(117.01, -0.49, 117.03, -0.47)))
    return places


def opened(data: Path, places: Path, store: str = "") -> tuple[Node, Desk, Handover]:
    """The node over these places, with its areas and its road."""
    node = Node(Settings(data=data, config=(places,), store=store))
    for name, shape in (
        ("North", square(117.0, -0.45, 117.1, -0.4)),
        ("South", square(117.0, -0.5, 117.1, -0.45)),
    ):
        id = f"urn:ngsi-ld:AdministrativeArea:{name}"
        if node.broker.get(id) is None:
            node.broker.create(
                {
                    "id": id,
                    "type": "AdministrativeArea",
                    "scope": ["/prov/town"],
                    "name": {"type": "Property", "value": name},
                    "level": {"type": "Property", "value": "district"},
                    "location": {"type": "GeoProperty", "value": shape},
                }
            )
    if node.broker.get("urn:ngsi-ld:RoadSegment:1") is None:
        line = {"type": "LineString", "coordinates": [[117.08, -0.5], [117.08, -0.46]]}
        node.broker.create(
            {
                "id": "urn:ngsi-ld:RoadSegment:1",
                "type": "RoadSegment",
                "scope": ["/prov/town"],
                "roadClass": {"type": "Property", "value": "primary"},
                "location": {"type": "GeoProperty", "value": line},
            }
        )
    desk = Desk(node.broker, node.places, data)
    return node, desk, Handover(desk, node.broker, node.places)
