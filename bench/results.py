"""The last figures of every bench, in ``bench/results.json``, and the table that bench/README.md keeps of them."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("results.json")
README = Path(__file__).with_name("README.md")
_BEGIN = "<!-- figures: written by bench/results.py from results.json -->"


def machine() -> str:
    """What the figures were measured on, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def record(bench: str, command: str, rows: list[dict[str, Any]], **notes: Any) -> None:
    """Keep the figures of one bench and write the table anew; the other benches' figures stay.

    ``rows``: one mapping a measured thing, e.g. ``{"what": "read by id", "value": 1.3, "unit": "× floor"}``.
    """
    results = json.loads(FILE.read_text()) if FILE.exists() else {}
    results[bench] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "machine": machine(),
        "rows": rows,
        **notes,
    }
    FILE.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    write_table(results)


def write_table(results: dict[str, Any]) -> None:
    """Write every bench's figures into bench/README.md below its marker."""
    head = README.read_text().split(_BEGIN)[0] if README.exists() else "# Figures\n\n"
    parts = [head.rstrip() + "\n", _BEGIN]
    for bench, result in sorted(results.items()):
        rows = result["rows"]
        columns = list(dict.fromkeys(column for row in rows for column in row))
        parts.append(f"\n## {bench}\n\n{result['date']} · `{result['command']}` · {result['machine']}\n")
        parts.append("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
        parts += ["| " + " | ".join(_cell(row.get(column, "")) for column in columns) + " |" for row in rows]
        if result.get("note"):
            parts.append("\n" + str(result["note"]))
    README.write_text("\n".join(parts) + "\n")


def _cell(value: Any) -> str:
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
