"""A real SensorThings server of the tests' own: a station with a place, its series, and what it has observed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from support.node import free_port

TOKEN = "kunci-sensor-7"
_UNIT = {"name": "metre", "symbol": "m", "definition": "https://qudt.org/vocab/unit/M"}


class SensorThings:
    """``url``: the service's root. Whatever is written goes by the standard's own POST."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/sta/v1.1"
        site = Path(__file__).with_name("sensorthings_site.py")
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", site, str(port), str(folder / "sensors.db"), TOKEN],
                stdout=log,
                stderr=log,
            )
        self._web = httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        end = time.monotonic() + 120
        while True:
            try:
                assert self._web.get(f"{self.url}/Things").status_code == 200
                break
            except httpx.TransportError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise AssertionError((folder / "log").read_text()) from None
                time.sleep(0.1)

    def add(self, path: str, **entity: Any) -> str:
        """The id of a new entity, as it stands in a URL: ``Things('…')``."""
        answer = self._web.post(f"{self.url}/{path}", json=entity)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].rpartition("/")[2]

    def station(self, name: str, longitude: float, latitude: float) -> str:
        """A gauge of the water level and its series; the series."""
        point = {"type": "Point", "coordinates": [longitude, latitude]}
        thing = self.add("Things", name=name, description="A gauge", properties={"river": "Mahakam"})
        self.add(
            "Locations", name=name, description="On the bank", encodingType="application/geo+json",
            location=point, Things=[_reference(thing)],
        )  # fmt: skip
        sensor = self.add(
            "Sensors", name="Radar", description="Radar", encodingType="text/html", metadata="-"
        )
        observed = self.add("ObservedProperties", name="water level", definition="urn:level", description="-")
        return self.add(
            "Datastreams", name=f"{name} level", description="-", unitOfMeasurement=_UNIT,
            observationType="http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            Thing=_reference(thing), Sensor=_reference(sensor), ObservedProperty=_reference(observed),
        )  # fmt: skip

    def observe(self, series: str, at: str, result: float) -> None:
        self.add(
            "Observations", phenomenonTime=at, resultTime=at.partition("/")[0], result=result,
            Datastream=_reference(series),
        )  # fmt: skip

    def close(self) -> None:
        self._web.close()
        self._process.kill()
        self._process.wait(20)


def _reference(entity: str) -> dict[str, str]:
    return {"@iot.id": entity.partition("(")[2].strip("')")}
