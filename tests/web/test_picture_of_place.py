"""The picture of a place is kept for all visitors: it shows what everybody sees, whoever asked for it first."""

from __future__ import annotations

from pathlib import Path

from mahakam.access.policy import Principal
from mahakam.app import open_node
from mahakam.config import Settings
from mahakam.web.language import reading
from mahakam.web.pictures import picture
from mahakam.web.site import Site

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: clinics
version: 1.0.0
status: active
schema:
  - name: Clinic
    properties:
      - {name: name, logicalType: string, classification: internal}
      - {name: location, logicalType: object, classification: public}
"""


def test_who_asks_first_does_not_show_others_what_is_closed(tmp_path: Path) -> None:
    town = tmp_path / "config/town"
    (town / "contracts").mkdir(parents=True)
    (town / "city.yaml").write_text("name: Town\nlayers: [{name: Clinics, type: Clinic, style: point}]\n")
    (town / "contracts/clinic.yaml").write_text(CONTRACT)
    node = open_node(Settings(tmp_path / "data", (tmp_path / "config",)))
    for number in range(2):
        node.broker.create({
            "id": f"urn:ngsi-ld:Clinic:{number}", "type": "Clinic", "scope": "/town",
            "name": {"type": "Property", "value": f"Hidden house {number}"},
            "location": {
                "type": "GeoProperty",
                "value": {"type": "Point", "coordinates": [117.1 + number / 100, -0.5 - number / 100]},
            },
        })  # fmt: skip
    site, place = Site(node), node.places["town"]
    inside = site.seen(node.rights.sight(Principal("a", ("admin",), ("*",))))
    with reading("en"):
        for asked in (inside, site.seen(node.rights.open)):
            drawn = picture(asked, place)
            assert "<svg" in drawn
            assert "Hidden house" not in drawn
    node.close()
