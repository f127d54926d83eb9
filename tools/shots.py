"""Pictures of the main pages: ``python -m tools.shots [--url URL] [--out DIR] [NAME …]`` (``make shots``).

Without ``--url`` the demo is served from ``.demo`` (see ``make demo``) for the time of the pictures.
Each page is taken at 360 and 1280 pixels, in both languages where its name ends in ``-id``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHROMIUM = "/usr/bin/chromium"
MAHAKAM = str(Path(sys.executable).with_name("mahakam"))
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
]  # fmt: skip
WIDTHS = (360, 1280)
TALLEST = 2800
"""Pixels of the page, from its top."""
PAGES = {
    "home": "/",
    "home-id": "/?lang=id",
    "city": "/cities/samarinda",
    "city-id": "/cities/samarinda?lang=id",
    "balikpapan": "/cities/balikpapan",
    "kaltim": "/cities/kaltim",
    "jakarta": "/cities/jakarta",
    "map": "/cities/samarinda/map",
    "indicator": "/indicators/jakarta/unhealthy-days",
    "indicators": "/indicators/jakarta",
    "trace": "/trace/value/samarinda/flood-days/2024",
    "trace-row": "/trace/entity/urn:ngsi-ld:AdministrativeArea:64.72.01.1001",
    "quality": "/quality",
    "dataset": "/quality/jakarta/fires-2013",
    "network": "/network",
    "monitoring": "/network/report",
    "catalogue": "/catalogue",
    "year": "/year",
    "year-list": "/year/samarinda/2026",
    "year-one-id": "/year/samarinda/2026/data/D-2026-001?lang=id",
    "sql": "/sql",
    "insight": "/insight?city=samarinda",
    "report": "/report?place=samarinda",
    "services": "/services?place=samarinda",
    "signin": "/signin",
    "developers": "/developers",
    "about": "/about",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(data: Path) -> Iterator[str]:
    """The demo on a free port, loaded first where that was not done; ends the server afterwards."""
    port = free_port()
    subprocess.run([MAHAKAM, "demo", "--no-serve", "--data", str(data)], check=True)
    config = [part for name in ("kaltim", "ascn") for part in ("--config", str(ROOT / "examples" / name))]
    command = [MAHAKAM, "serve", "--data", str(data), *config, "--port", str(port)]
    server = subprocess.Popen(command, env={**os.environ, "MAHAKAM_DEMO": "1"}, stderr=subprocess.PIPE)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until the server answers; raises SystemExit with its words when it ends or does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.poll() is not None:
            words = server.stderr.read().decode() if server.stderr else ""
            raise SystemExit(f"the server ended with {server.returncode}: {words[-2000:]}")
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(url, timeout=2),  # noqa: S310 - our own server
        ):
            return
        time.sleep(0.1)
    raise SystemExit(f"no answer from {url} within {seconds:.0f} s")


def shrink(path: Path, tallest: int) -> None:
    """Cut a picture at the foot and give it a palette: a third of the bytes, the same to the eye."""
    from PIL import Image

    with Image.open(path) as picture:
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, tallest)))
    cut.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def take(url: str, out: Path, names: list[str]) -> None:
    """Take the pictures; the map is waited for where there is one."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for width in WIDTHS:
            phone = width < 700
            context = browser.new_context(
                viewport={"width": width, "height": 780 if phone else 900},
                device_scale_factor=2 if phone else 1,
                locale="en-GB",
                reduced_motion="reduce",
                has_touch=phone,
            )
            for name in names:
                page = context.new_page()
                page.goto(url + PAGES[name], wait_until="networkidle")
                page.evaluate("document.fonts.ready")
                live = "[data-map-when=now]" if phone else "[data-map]"
                if page.locator(live).count():
                    with contextlib.suppress(Exception):
                        page.wait_for_selector(f"{live}.live", timeout=30_000)
                    page.wait_for_timeout(500)
                target = out / f"{name}-{width}.png"
                page.screenshot(path=target, full_page="map" not in name)
                shrink(target, TALLEST * (2 if phone else 1))
                print(f"{target} ({page.title()})", file=sys.stderr)
                page.close()
                context.clear_cookies()
            context.close()
        browser.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"pages: {', '.join(PAGES)} (default: all)")
    parser.add_argument("--url", help="a node that is already served")
    parser.add_argument("--data", type=Path, default=ROOT / ".demo")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in PAGES]
    if unknown:
        parser.error(f"no page named {', '.join(unknown)}; there are {', '.join(PAGES)}")
    if not Path(CHROMIUM).exists():
        print(f"needs {CHROMIUM}: apt-get install chromium", file=sys.stderr)
        return 2
    names = arguments.names or list(PAGES)
    if arguments.url:
        take(arguments.url.rstrip("/"), arguments.out, names)
        return 0
    with served(arguments.data) as url:
        take(url, arguments.out, names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
