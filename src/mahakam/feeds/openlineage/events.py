"""A run of a feed as OpenLineage events (spec 2-0-2): its start, and its end."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, RunEvent, RunState
from openlineage.client.event_v2 import Run as LineageRun
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    data_quality_assertions_dataset,
    data_quality_metrics_input_dataset,
    documentation_job,
    error_message_run,
    output_statistics_output_dataset,
    ownership_job,
    schema_dataset,
    source_code_job,
)
from openlineage.client.serde import Serde

import mahakam
from mahakam.config import ConfigError, Place, read_yaml
from mahakam.feeds.definition import Feed
from mahakam.feeds.known import feed_of
from mahakam.feeds.parts import Parts
from mahakam.quality.contract import Contract
from mahakam.quality.odcs import ContractError
from mahakam.store.model import Run

PRODUCER = f"urn:mahakam:{mahakam.__version__}"
_PASSWORD = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(?<=\?)\S+")
_WARNING = "warning: "


def events(parts: Parts, run: Run, node: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The run's START event, and its COMPLETE or FAIL event; None for that while it is under way.

    ``node``: the node's address, the namespace of its jobs and of what they store. The same run always has the same
    ``runId``, so that an event that came twice can be told. A feed that is there no more, or cannot be read, gives
    events without what it would say of schema and columns.
    """
    told = _Told(parts, run, node)
    return told.start(), told.end() if run.state != "running" else None


class _Told:
    def __init__(self, parts: Parts, run: Run, node: str) -> None:
        self._run = run
        self._node = node
        self._feed: Feed | None = None
        self._contract: Contract | None = None
        place = parts.places.get(run.place)
        if place is not None:
            self._read(parts, place)

    def _read(self, parts: Parts, place: Place) -> None:
        try:
            self._feed = feed_of(place, self._run.feed)
            self._contract = parts.book().contract(place.id, self._feed.contract)
        except (ConfigError, ContractError):
            return

    def start(self) -> dict[str, Any]:
        inputs = [InputDataset(*self._source())]
        return self._event(RunState.START, self._run.started, {}, inputs, [OutputDataset(*self._target())])

    def end(self) -> dict[str, Any]:
        run = self._run
        at = run.ended or run.started
        source = InputDataset(*self._source())
        target = OutputDataset(*self._target(), facets=self._target_facets())
        if run.state == "failed":
            message = error_message_run.ErrorMessageRunFacet(run.message or "failed", "Python")
            return self._event(RunState.FAIL, at, {"errorMessage": message}, [source], [target])
        source.inputFacets = self._quality()
        target.outputFacets = {
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=run.stored + run.unchanged
            )
        }
        return self._event(RunState.COMPLETE, at, {}, [source], [target])

    def _event(
        self,
        state: RunState,
        at: str,
        facets: dict[str, Any],
        inputs: list[InputDataset],
        outputs: list[OutputDataset],
    ) -> dict[str, Any]:
        run = self._run
        name = f"{run.place}/{run.feed}"
        id = uuid.uuid5(uuid.NAMESPACE_URL, f"{self._node}/{name}/{run.id}/{run.started}")
        event = RunEvent(
            eventType=state,
            eventTime=at,
            run=LineageRun(str(id), facets),
            job=Job(self._node, name, self._job_facets()),
            inputs=inputs,
            outputs=outputs,
            producer=PRODUCER,
        )
        found: dict[str, Any] = _ours(Serde.to_dict(event))
        return found

    def _job_facets(self) -> dict[str, Any]:
        feed = self._feed
        if feed is None:
            return {}
        found: dict[str, Any] = {"sourceCode": source_code_job.SourceCodeJobFacet("YAML", _code(feed))}
        if said := (feed.description or feed.title).get("en", ""):
            found["documentation"] = documentation_job.DocumentationJobFacet(said)
        if feed.owner:
            owner = ownership_job.Owner(feed.owner, "OWNER")
            found["ownership"] = ownership_job.OwnershipJobFacet([owner])
        return found

    def _source(self) -> tuple[str, str]:
        """Namespace and name of where the feed reads (OpenLineage's naming): the pattern of its files, or an address
        without user, password and query."""
        feed = self._feed
        if feed is None or (feed.fetched is None and not feed.files):
            return self._node, f"{self._run.place}/{self._run.feed}/source"
        if feed.fetched is None:
            return "file", ",".join(str(feed.place.folder / pattern) for pattern in feed.files)
        options: Any = feed.fetched[1]
        address = options.get("url", "") if isinstance(options, Mapping) else options
        parts = urlsplit(address if isinstance(address, str) else "")
        host = parts.netloc.rpartition("@")[2]
        if not host or "${" in host:
            return self._node, f"{self._run.place}/{self._run.feed}/{feed.fetched[0]}"
        return f"{parts.scheme}://{host}", parts.path or "/"

    def _target(self) -> tuple[str, str]:
        run = self._run
        if self._contract and self._feed and self._feed.store == "entities":
            return self._node, f"{run.place}/{self._contract.entity}"
        return self._node, f"{run.place}/{run.feed}"

    def _target_facets(self) -> dict[str, Any]:
        feed, contract = self._feed, self._contract
        if feed is None or contract is None:
            return {}
        fields = [
            schema_dataset.SchemaDatasetFacetFields(
                name=field.name,
                type="geometry" if field.kind.geometry else field.kind.logical,
                description=field.description or None,
            )
            for field in contract.fields.values()
        ]
        namespace, name = self._source()
        columns = {
            field.name: column_lineage_dataset.Fields(
                [column_lineage_dataset.InputField(namespace, name, column) for column in field.columns]
            )
            for field in feed.fields
            if field.columns
        }
        return {
            "schema": schema_dataset.SchemaDatasetFacet(fields),
            "columnLineage": column_lineage_dataset.ColumnLineageDatasetFacet(columns),
        }

    def _quality(self) -> dict[str, Any]:
        source = self._run.source
        files = source.get("files") or ([source] if source else [])
        sizes = [one["bytes"] for one in files if isinstance(one.get("bytes"), int)]
        metrics = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            columnMetrics=self._blanks(),
            rowCount=self._run.read,
            bytes=sum(sizes) if len(sizes) == len(files) else None,
            fileCount=len(files),
        )
        assertions = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(self._assertions())
        return {"dataQualityMetrics": metrics, "dataQualityAssertions": assertions}

    def _blanks(self) -> dict[str, Any]:
        """How many rows lack a required value, by column: what a run counts of blanks."""
        metrics = data_quality_metrics_input_dataset.ColumnMetrics
        return {
            column: metrics(nullCount=self._run.summary.get(f"required {field}", 0))
            for field, column in self._columns().items()
            if self._contract and field in self._contract.fields and self._contract.fields[field].required
        }

    def _columns(self) -> dict[str, str]:
        """Field → the one column that it is made of."""
        fields = self._feed.fields if self._feed else ()
        return {field.name: field.columns[0] for field in fields if len(field.columns) == 1}

    def _assertions(self) -> list[data_quality_assertions_dataset.Assertion]:
        """One for each rule of the contract, and for what else was found (broken rows)."""
        failing = dict(self._run.summary)
        found = []
        for rule in self._contract.rules if self._contract else ():
            key = f"{rule.name} {rule.field}".strip()
            prefix = _WARNING if rule.severity == "warning" else ""
            rows = failing.pop(prefix + key, 0)
            found.append(
                self._assertion(key, rule.name, rule.field, rule.severity, rows, rule.expected, rule.message)
            )
        for key, rows in failing.items():
            severity = "warning" if key.startswith(_WARNING) else "error"
            key = key.removeprefix(_WARNING)
            name, _, field = key.partition(" ")
            found.append(self._assertion(key, name, field, severity, rows))
        return found

    def _assertion(
        self, key: str, rule: str, field: str, severity: str, rows: int, expected: str = "", message: str = ""
    ) -> data_quality_assertions_dataset.Assertion:
        return data_quality_assertions_dataset.Assertion(
            assertion=rule,
            success=rows == 0,
            column=self._columns().get(field),
            severity="warn" if severity == "warning" else "error",
            name=key,
            description=message or None,
            expected=expected or None,
            actual=f"{rows} rows fail",
        )


def _code(feed: Feed) -> str:
    """The feed's YAML; where it asks a server, without what may be a secret there: only addresses are kept."""
    if feed.fetched is None:
        return feed.path.read_text("utf-8")
    given = read_yaml(feed.path)
    origin = feed.fetched[0]
    given["source"][origin] = _guarded(given["source"][origin])
    return yaml.safe_dump(given, allow_unicode=True, sort_keys=False)


def _guarded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _guarded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_guarded(one) for one in value]
    if isinstance(value, str):
        return _QUERY.sub("…", _PASSWORD.sub("…@", value)) if "://" in value else "…"
    return value


def _ours(value: Any) -> Any:
    """The client names itself as the producer of each facet, and empty lists and mappings where nothing is known."""
    if isinstance(value, dict):
        kept = {key: _ours(one) for key, one in value.items() if one not in ({}, []) or key in _NEEDED}
        if "_producer" in kept:
            kept["_producer"] = PRODUCER
        return kept
    return [_ours(one) for one in value] if isinstance(value, list) else value


_NEEDED = ("fields", "assertions", "columnMetrics", "inputFields", "inputs", "outputs")
