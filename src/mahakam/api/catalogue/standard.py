"""Satu Data Indonesia's metadata (Perpres 39/2019; BPS regulations 4/2020 and 5/2020): who produces the data, the
five parts of its data standard, the three kinds of statistical metadata, the reference codes that it is held to, and
what was examined and published.

Satu Data Indonesia has no RDF vocabulary of its own; the terms here are named after the regulations' words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdflib import RDF, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS

from mahakam.feeds.standard import termed

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
    _add_statistics(graph, here, one)
    _add_release(graph, here, one)


def _add_statistics(graph: Graph, here: URIRef, one: Entry) -> None:
    """The dataset's own standard, MS-Keg, what is more to say of the variables (MS-Var), and MS-Ind."""
    declared = one.statistics
    for term, text in termed("standard", declared.standard).items():
        graph.add((here, SDI[term], Literal(text)))
    columns = {column.name for column in one.columns}
    parts = [("activity", "kegiatanStatistik", declared.activity)] if declared.activity else []
    parts += [("indicators", "indikator", words) for words in declared.indicators]
    parts += [
        ("variables", "variabel", words) for words in declared.variables if words["name"] not in columns
    ]
    for part, predicate, words in parts:
        node = BNode()
        graph.add((here, SDI[predicate], node))
        for term, text in termed(part, words).items():
            graph.add((node, SDI[term], Literal(text)))
    own = (
        "referensiPemilihan",
        "referensiWaktu",
        "aturanValidasi",
        "kalimatPertanyaan",
        "alias",
        "aksesUmum",
    )
    for words in declared.variables:
        if words["name"] in columns:
            variable = URIRef(f"{here}#variable-{words['name']}")
            for term, text in termed("variables", words).items():
                if term in own:
                    graph.add((variable, SDI[term], Literal(text)))


def _add_release(graph: Graph, here: URIRef, one: Entry) -> None:
    """When it was approved and published, as which release, whether it is priority data, who may have it."""
    found = one.released
    if found is None:
        return
    graph.add((here, DCTERMS.issued, Literal(found.published, datatype=XSD.dateTime)))
    said = {
        "disetujui": found.approved,
        "rilis": found.period,
        "dataPrioritas": found.priority,
        "akses": found.access,
    }
    for term, text in said.items():
        if text:
            graph.add((here, SDI[term], Literal(text)))
