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

    def post(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        return self._ask("POST", path, headers={"Origin": self.origin} | headers, data=fields, files=files)

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
