"""Satu Data Indonesia's metadata (Perpres 39/2019; BPS regulations 4/2020 and 5/2020): who produces the data, the
five parts of its data standard, and the reference codes that it is held to.

Satu Data Indonesia has no RDF vocabulary of its own; the terms here are named after the regulations' words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import RDF, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS

if TYPE_CHECKING:
    from mahakam.feeds.catalogue.entry import Entry

SDI = Namespace("urn:mahakam:satu-data:")


def add_standard(graph: Graph, here: URIRef, one: Entry) -> None:
    """Produsen data, kode referensi, and konsep, definisi, klasifikasi, ukuran and satuan of each variable."""
    graph.add((here, SDI.produsenData, Literal(one.producer)))
    if steward := one.place.facts.get("data_steward"):
        graph.add((here, SDI.walidata, Literal(str(steward))))
    for code in one.code_lists:
        graph.add((here, SDI.kodeReferensi, Literal(code)))
    for column in one.columns:
        variable = URIRef(f"{here}#variable-{column.name}")
        graph.add((here, SDI.variabel, variable))
        graph.add((variable, RDF.type, SDI.Variabel))
        graph.add((variable, DCTERMS.identifier, Literal(column.name)))
        parts = {
            SDI.konsep: column.title or column.name,
            SDI.definisi: column.description,
            SDI.klasifikasi: column.codes or ", ".join(column.values),
            SDI.ukuran: column.kind,
            SDI.satuan: column.unit,
        }
        for predicate, text in parts.items():
            if text:
                graph.add((variable, predicate, Literal(text)))
