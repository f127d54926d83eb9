"""A place with indicators and entities from real rows, on a real store behind a real broker."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mahakam.broker.broker import Broker
from mahakam.broker.contracts import NoContracts
from mahakam.broker.writes import Ingest
from mahakam.config import Place, load_places
from mahakam.store.model import Lineage, Run
from mahakam.store.opening import open_store

EXAMPLES = Path(__file__).parents[2] / "examples"


class City:
    """One city in a folder of its own: write indicators, bring rows in through runs, see what comes out."""

    def __init__(self, folder: Path, name: str = "town") -> None:
        self.name = name
        self.config = folder / "config"
        self.folder = self.config / "prov" / name
        (self.folder / "indicators").mkdir(parents=True)
        (self.folder / "feeds").mkdir()
        (self.config / "prov" / "indicators").mkdir()
        (self.config / "prov" / "province.yaml").write_text("name: Prov\ntimezone: Asia/Makassar\n")
        (self.folder / "city.yaml").write_text(
            f"name: {name.capitalize()}\nparent: prov\ntimezone: Asia/Makassar\n"
        )
        self.data = folder / "data"
        self.node = open_store("", self.data)
        self.reopen()

    def reopen(self) -> None:
        """Read the configuration again."""
        self.places: Mapping[str, Place] = load_places([self.config])
        self.broker = Broker(self.node, NoContracts(), self.places)

    @property
    def place(self) -> Place:
        return self.places[self.name]

    def indicator(self, name: str, text: str, where: str = "") -> Path:
        path = self.config / (where or f"prov/{self.name}") / "indicators" / f"{name}.yaml"
        path.write_text(text)
        return path

    def bring(
        self,
        type: str,
        records: Iterable[Mapping[str, Any]],
        *,
        feed: str = "feed",
        scope: str = "",
        flags: Mapping[int, str] | None = None,
        key: str = "",
    ) -> Run:
        """One run of a feed: a record a row; ``flags``: row number → attribute with a warning on it."""
        run = Run(0, self.name, feed, "2026-01-01T00:00:00Z", state="clean", ended="2026-01-01T00:00:01Z")
        items = []
        for row, record in enumerate(records, 1):
            id = f"urn:ngsi-ld:{type}:{record[key] if key else f'{feed}-{row}'}"
            document: dict[str, Any] = {"id": id, "type": type, "scope": scope or f"/prov/{self.name}"}
            for name, value in record.items():
                if value is not None:
                    document[name] = {"type": "Property", "value": value}
            warnings = []
            if flags and row in flags:
                document[flags[row]]["quality"] = {"type": "Property", "value": ["rule"]}
                warnings = [{"rule": "rule"}]
            raw = {name: None if value is None else str(value) for name, value in record.items()}
            lineage = Lineage(id, 0, "file.csv", "", row, row + 1, raw, str(sorted(raw.items())), 1, warnings)
            items.append(Ingest(document, lineage))
        run.read = run.stored = len(items)
        self.broker.store.write(lambda transaction: transaction.save_run(run))
        items = [Ingest(item.document, _of(item.lineage, run.id)) for item in items]
        self.broker.ingest(run, items)
        return run

    def close(self) -> None:
        self.node.close()


def _of(lineage: Lineage, run: int) -> Lineage:
    from dataclasses import replace

    return replace(lineage, run=run)


def ispu_rows() -> Iterator[dict[str, str]]:
    """The rows of Jakarta's air-quality index, as text."""
    path = EXAMPLES / "ascn/jakarta/data/ispu-jakarta-2010-2025.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
