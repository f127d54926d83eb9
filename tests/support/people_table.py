"""A table of agencies in which people stand: as entities and as a dataset."""

from __future__ import annotations

from pathlib import Path

_CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: {name}
version: 1.0.0
status: active
schema:
  - name: {type}
    properties:
      - {{name: code, logicalType: string, required: true, primaryKey: true}}
      - {{name: phone, logicalType: string, classification: personal{more}}}
      - {{name: nik, logicalType: integer, classification: personal}}
      - {{name: seats, logicalType: integer, logicalTypeOptions: {{maximum: 9}}}}
"""
FEEDS = ("stall", "aid")
"""The feeds, each of a file ``data/NAME.csv``: Stall entities, and the dataset of aid."""


def with_people(town: Path, more: str = "") -> None:
    """Give a place the two feeds. ``more``: of the telephone in the contract."""
    for room in ("contracts", "feeds", "data"):
        (town / room).mkdir(exist_ok=True)
    kept = ('entity: {id: "urn:ngsi-ld:Stall:town:{code}"}\n', "store: dataset\n")
    for name, type, how in zip(FEEDS, ("Stall", "Aid"), kept, strict=True):
        (town / f"contracts/{name}.yaml").write_text(_CONTRACT.format(name=name, type=type, more=more))
        (town / f"feeds/{name}.yaml").write_text(
            f"title: {type}\nsource: {{file: data/{name}.csv}}\ncontract: {name}\n{how}owner: Dinas\n"
            "map: {code: code, phone: phone, nik: nik, seats: seats}\n"
        )
