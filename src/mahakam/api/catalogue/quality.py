"""What the last run measured, in the Data Quality Vocabulary (https://www.w3.org/TR/vocab-dqv/)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import RDF, XSD, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, PROV, SKOS

from mahakam.feeds.catalogue.entry import quality_measures
from mahakam.feeds.scores import DIMENSIONS

if TYPE_CHECKING:
    from mahakam.feeds.catalogue.entry import Entry

DQV = Namespace("http://www.w3.org/ns/dqv#")
ISO = Namespace("http://iso25000.com/index.php/en/iso-25000-standards/iso-25012#")

_IN_ISO = {"validity": "compliance", "uniqueness": "consistency", "timeliness": "currentness"}
"""Dimensions that ISO/IEC 25012 has under another name."""
_METRICS = {
    "rowsRead": ("completeness", "rows of the file that were read", XSD.integer),
    "rowsStored": ("completeness", "rows that passed every rule of weight error, and are stored", XSD.integer),
    "rowsHeld": ("accuracy", "rows that wait in quarantine, with their reasons", XSD.integer),
    "rowsWithWarning": ("consistency", "stored rows that carry a warning", XSD.integer),
    "score": ("accuracy", "share of the rows that passed every rule; a row with a warning counts half", XSD.decimal),
} | {
    f"{name}Share": (_IN_ISO.get(name, name), f"share of the rows without a finding of {name}", XSD.decimal)
    for name in DIMENSIONS
}  # fmt: skip


def add_quality(graph: Graph, here: URIRef, one: Entry, page: str) -> None:
    """A measurement for each figure of the last run; nothing before the first run."""
    figures = quality_measures(one)
    for name, value in figures.items():
        dimension, definition, kind = _METRICS[name]
        metric, measured = URIRef(f"{page}#metric-{name}"), URIRef(f"{page}#{name}")
        graph.add((here, DQV.hasQualityMeasurement, measured))
        graph.add((measured, RDF.type, DQV.QualityMeasurement))
        graph.add((measured, DQV.computedOn, here))
        graph.add((measured, DQV.isMeasurementOf, metric))
        graph.add((measured, DQV.value, Literal(str(value), datatype=kind)))
        graph.add((measured, PROV.generatedAtTime, Literal(one.modified, datatype=XSD.dateTime)))
        graph.add((metric, RDF.type, DQV.Metric))
        graph.add((metric, SKOS.prefLabel, Literal(name, "en")))
        graph.add((metric, SKOS.definition, Literal(definition, "en")))
        graph.add((metric, DQV.expectedDataType, kind))
        graph.add((metric, DQV.inDimension, ISO[dimension]))
        graph.add((ISO[dimension], RDF.type, DQV.Dimension))
        graph.add((ISO[dimension], SKOS.prefLabel, Literal(dimension, "en")))
    if figures:
        graph.add((here, DCTERMS.conformsTo, URIRef(f"{page}#contract")))
        graph.add((URIRef(f"{page}#contract"), RDF.type, DCTERMS.Standard))
        title = f"{one.contract.title}, version {one.contract.version}"
        graph.add((URIRef(f"{page}#contract"), DCTERMS.title, Literal(title)))
