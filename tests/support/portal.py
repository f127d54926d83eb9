"""The pages of a node in this process, asked as a browser asks: cookies, forms, files, any address."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from mahakam.app import Application, Node
from mahakam.config import Settings

SERVICES = {
    "pothole": "name: {en: Pothole, id: Jalan berlubang}\ngroup: {en: Roads, id: Jalan}\n"
    "agency: Dinas PU\nkeywords: [aspal]\n",
    "street-light": "name: {en: Street light out, id: Lampu jalan mati}\nagency: Dishub\n",
}
TOWN, BAY = (117.05, -0.45), (117.45, 0.15)
"""A point in each of the two cities."""


def two_cities(root: Path) -> Path:
    """A province with two square cities, one on each side of the equator; returns the folder."""
    for id, west, south in (("town", 117.0, -0.5), ("bay", 117.4, 0.1)):
        folder = root / "prov" / id
        (folder / "services").mkdir(parents=True)
        ring = [
            [west, south],
            [west + 0.1, south],
            [west + 0.1, south + 0.1],
            [west, south + 0.1],
            [west, south],
        ]
        feature = {
            "type": "Feature",
            "properties": {"name": f"{id} village"},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        (folder / "boundary.geojson").write_text(
            json.dumps({"type": "FeatureCollection", "features": [feature]})
        )
        (folder / "city.yaml").write_text(
            f"name: {id.title()}\nparent: prov\nboundary: boundary.geojson\n"
            f"request_prefix: {id.upper()}\ntimezone: Asia/Makassar\n"
        )
        for code, text in SERVICES.items():
            (folder / "services" / f"{code}.yaml").write_text(text)
    (root / "prov" / "province.yaml").write_text("name: Prov\n")
    return root


STOPS = """kode;nama;kecamatan;kursi;lon;lat
A1;Pasar;Kebon Jeruk;4;117.01;-0.41
A2;Balai;Kebun Jeruk;2;117.02;-0.42
A3;Dermaga;KEBUN JERUK;3;117.03;-0.43
A4;Terminal;Palmerah;6;117.04;-0.44
A5;<b>Jauh</b>;Atlantis;banyak;117.05;-0.45
"""
"""Five bus stops: one is clean, three misspell their district, the last is beyond repair."""


def with_stops(places: Path, text: str = STOPS) -> Path:
    """Give the town of :func:`two_cities` a feed ``stops``, whose districts are in a code list."""
    town = places / "prov" / "town"
    for room in ("contracts", "feeds", "codes", "data"):
        (town / room).mkdir(exist_ok=True)
    (town / "data" / "stops.csv").write_text(text)
    (town / "codes" / "districts.csv").write_text("code,name\n1,Kebon Jeruk\n2,Pal Merah\n3,Tebet\n")
    (town / "contracts" / "stop.yaml").write_text(
        "apiVersion: v3.1.0\nkind: DataContract\nid: stop\nversion: 1.0.0\nstatus: active\nschema:\n"
        "  - name: BusStop\n    properties:\n"
        "      - {name: code, logicalType: string, required: true, primaryKey: true}\n"
        "      - {name: name, logicalType: string, required: true}\n"
        "      - {name: district, logicalType: string, required: true, "
        "relationships: [{type: foreignKey, to: districts.name}]}\n"
        "      - {name: seats, logicalType: integer, logicalTypeOptions: {minimum: 0}}\n"
        "      - {name: location, logicalType: object, physicalType: geometry, required: true}\n"
    )
    (town / "feeds" / "stops.yaml").write_text(
        "title: {en: Bus stops, id: Halte}\nsource: {file: data/stops.csv}\ncontract: stop\n"
        "map:\n  code: kode\n  name: nama\n  district: kecamatan\n  seats: kursi\n"
        "  location: {longitude: lon, latitude: lat}\n"
        'entity:\n  id: "urn:ngsi-ld:BusStop:town:{code}"\nowner: Dishub\n'
    )
    return places


class Portal:
    """The pages of a node over ``config``, as a context manager; ``browser()`` is somebody who looks."""

    def __init__(self, data: Path, config: Path, **settings: Any) -> None:
        self.node = Node(Settings(data=data, config=(config,), **settings))
        self.application = Application(self.node)

    def browser(self, address: str = "127.0.0.1", host: str = "127.0.0.1:8000") -> Browser:
        return Browser(self.application, address, host)

    def __enter__(self) -> Portal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.node.close()


class Browser:
    """Remembers cookies; posts forms with the Origin that a browser sends; does not follow redirects."""

    def __init__(self, application: Any, address: str, host: str) -> None:
        self._transport = httpx.ASGITransport(application, client=(address, 50000))
        self.origin = f"http://{host}"
        self.cookies = httpx.Cookies()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, Any], files: Any = None, **headers: str) -> httpx.Response:
        return self._ask("POST", path, headers={"Origin": self.origin} | headers, data=fields, files=files)

    def send(self, path: str, value: Mapping[str, Any], **headers: str) -> httpx.Response:
        """JSON, as an application posts it."""
        return self._ask("POST", path, headers=headers, json=dict(value))

    def fill(
        self, page: str, fields: Mapping[str, str], files: Mapping[str, Any] | None = None, action: str = ""
    ) -> httpx.Response:
        """Open a page, fill in its hidden fields and these, and send the form (default: to the page)."""
        shown = self.get(page)
        assert shown.status_code == 200, shown.text
        return self.post(action or page.partition("?")[0], hidden(shown.text) | dict(fields), files)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url=self.origin, cookies=self.cookies
            ) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(ask())


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: html.unescape(value) for name, value in found}


def words_of(page: str) -> str:
    """What a person reads of a page: its main part without tags."""
    main = page[page.find("<main") : page.find("</main>")]
    text = re.sub(r"<(script|style)\b.*?</\1>", "", main, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))).strip()
