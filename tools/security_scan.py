"""Scanners from the package registries on this source and on a running node: ``python -m tools.security_scan``.

bandit reads the source; wapiti, signed in as the demo's administrator, follows every link and form of a node with the
demo's data and attacks what it finds. Ends with 1 if either finds something of high severity. ``--minutes`` is for the
crawl; each attack has as long again at most.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.node import MAHAKAM, RunningNode  # noqa: E402

UV = str(Path(sys.executable).with_name("uv"))
BANDIT, WAPITI = "bandit==1.9.4", "wapiti3==3.2.3"
HIGH = 3
"""Wapiti's level from which a finding is of high severity (3: high, 4: critical)."""
_MODULES = (
    "xss,permanentxss,sql,timesql,exec,file,crlf,redirect,ssrf,xxe,upload,methods,"
    "csrf,csp,cookieflags,http_headers"
)


def read_source() -> list[str]:
    """What bandit finds in the source, by severity; the lines of those that are high."""
    command = [UV, "tool", "run", "--from", BANDIT, "bandit", "--quiet", "-r", "src/mahakam", "-f", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    print(f"{BANDIT}: {dict(Counter(one['issue_severity'] for one in found))}")
    return [
        f"{one['filename']}:{one['line_number']} {one['test_id']} {one['issue_text']}"
        for one in found
        if one["issue_severity"] == "HIGH"
    ]


def cookies_of_an_administrator(url: str) -> str:
    """Signed in by the demo's one click, as a browser would say it."""
    with httpx.Client(base_url=url, headers={"origin": url}, timeout=120) as client:
        token = re.search(r'name="form" value="([^"]+)"', client.get("/signin?lang=en").text)
        assert token, "the page to sign in has no form"
        answer = client.post("/signin/demo", data={"form": html.unescape(token[1]), "role": "admin"})
        assert answer.status_code == 303, answer.status_code
        return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def attack(folder: Path, minutes: int) -> list[str]:
    """What wapiti finds at a running node, by kind; those that are high. Also every answer of 500 and above."""
    subprocess.run(
        [MAHAKAM, "demo", "--no-serve", "--data", str(folder / "data")], check=True, capture_output=True
    )
    report = folder / "report.json"
    with RunningNode(folder / "data", config=(ROOT / "examples",), demo=True) as node:
        command = [
            UV, "tool", "run", "--from", WAPITI, "wapiti", "-u", f"{node.url}/", "--scope", "domain", "-v", "0",
            "-H", f"Cookie: {cookies_of_an_administrator(node.url)}", "-x", f"{node.url}/signout",
            "-m", _MODULES, "-d", "4", "--max-scan-time", str(60 * minutes), "--max-attack-time", str(60 * minutes),
            "--flush-session", "--no-bugreport", "-f", "json", "-o", str(report),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        failed = re.findall(r"^.*(?:Traceback|\bERROR\b).*$", node.log(), re.M)
    if not report.exists():
        raise RuntimeError(f"wapiti wrote no report:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    told = json.loads(report.read_text("utf-8"))
    found = [
        (kind, one)
        for part in ("vulnerabilities", "anomalies")
        for kind, ones in told[part].items()
        for one in ones
    ]
    print(
        f"{WAPITI}: {told['infos']['crawled_pages_nbr']} pages; {dict(Counter(kind for kind, _one in found))}"
    )
    high = [
        f"{kind}: {one['method']} {one['path']} {one['info']}" for kind, one in found if one["level"] >= HIGH
    ]
    return high + failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="of the crawl, and at most of each attack")
    minutes: int = parser.parse_args().minutes
    high = read_source()
    with tempfile.TemporaryDirectory(prefix="mahakam-scan-") as folder:
        high += attack(Path(folder), minutes)
    for line in high:
        print(line)
    return 1 if high else 0


if __name__ == "__main__":
    sys.exit(main())
