"""Entries of the catalogue as DCAT 3 (https://www.w3.org/TR/vocab-dcat-3/), within the profile DCAT-AP 3.0.

Addresses are the node's own: the same dataset has the same address in every answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rdflib import RDF, RDFS, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, PROV, SKOS

from mahakam.api.catalogue.quality import add_quality
from mahakam.api.catalogue.standard import add_standard
from mahakam.feeds.catalogue import licences
from mahakam.feeds.catalogue.themes import VOCABULARY, theme_address
from mahakam.feeds.schedule import period_of
from mahakam.feeds.year.calendar import EU
from mahakam.quality.contract import INTERNAL, PERSONAL

if TYPE_CHECKING:
    from rdflib.term import Node

    from mahakam.api.catalogue.negotiation import Form
    from mahakam.config import Place, Text
    from mahakam.feeds.catalogue.entry import Entry

DCAT_3 = Namespace(str(DCAT))
"""What DCAT 3 adds to DCAT 2, which rdflib knows."""
DCATAP = Namespace("http://data.europa.eu/r5r/")
_EU = "http://publications.europa.eu/resource/authority"
_IANA = "https://www.iana.org/assignments/media-types"

Versions = Sequence[Mapping[str, Any]]
"""A dataset's versions, the newest first: ``run``, ``modified``, ``rows``, ``file`` of each."""

TABLES = {
    "csv": ("text/csv", "CSV"),
    "json": ("application/json", "JSON"),
    "parquet": ("application/vnd.apache.parquet", "PARQUET"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
}
"""The files that a table is offered as: ending → media type, and its name in the EU's list of file types."""


SERVICES = {
    "/ngsi-ld/v1": "NGSI-LD (ETSI GS CIM 009)",
    "/api/3": "CKAN action API, for reading",
    "/sql": "SQL, for reading",
}
"""Where the same data is asked for by programs: path → what is spoken there."""


class Addresses:
    """The addresses of the node that was asked; ``root`` has no slash at its end."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.catalogue = URIRef(f"{root}/catalogue")

    def dataset(self, one: Entry) -> URIRef:
        return URIRef(f"{self.root}{quote(one.path)}")

    def file(self, one: Entry, ending: str) -> str:
        return f"{self.root}{quote(one.path)}.{ending}"

    def agency(self, name: str) -> URIRef:
        return URIRef(f"{self.root}/catalogue#agency-{quote(name, safe='')}")


def catalogue_graph(root: str, title: Text, publisher: str, found: Iterable[Entry]) -> Graph:
    """The catalogue with all its datasets."""
    at, graph = Addresses(root), _graph()
    here = at.catalogue
    graph.add((here, RDF.type, DCAT.Catalog))
    texts(graph, here, DCTERMS.title, title)
    about = {
        "en": "What this node knows, with its sources, terms and quality",
        "id": "Data simpul ini, beserta sumber, ketentuan, dan mutunya",
    }
    texts(graph, here, DCTERMS.description, about)
    graph.add((here, DCTERMS.publisher, agency(graph, at, publisher)))
    graph.add((here, DCAT.themeTaxonomy, URIRef(VOCABULARY)))
    graph.add((URIRef(VOCABULARY), RDF.type, SKOS.ConceptScheme))
    graph.add((URIRef(VOCABULARY), DCTERMS.title, Literal("Data theme", "en")))
    for code in ("IND", "ENG"):
        language = URIRef(f"{_EU}/language/{code}")
        graph.add((here, DCTERMS.language, language))
        graph.add((language, RDF.type, DCTERMS.LinguisticSystem))
    for path, name in SERVICES.items():
        service = URIRef(f"{root}{path}")
        graph.add((here, DCAT.service, service))
        graph.add((service, RDF.type, DCAT.DataService))
        graph.add((service, DCTERMS.title, Literal(name)))
        graph.add((service, DCAT.endpointURL, service))
        graph.add((service, RDF.type, RDFS.Resource))
    newest = ""
    for one in found:
        graph.add((here, DCAT.dataset, _dataset(graph, at, one)))
        newest = max(newest, one.modified)
    if newest:
        graph.add((here, DCTERMS.modified, _moment(newest)))
    return graph


def dataset_graph(root: str, one: Entry, versions: Versions = ()) -> Graph:
    """One dataset with all that belongs to it, its older versions (the newest first) included."""
    at, graph = Addresses(root), _graph()
    _dataset(graph, at, one, versions)
    return graph


def _graph() -> Graph:
    from mahakam.api.catalogue.quality import DQV
    from mahakam.api.catalogue.standard import SDI

    graph = Graph(bind_namespaces="none")
    for prefix, namespace in (
        ("dcat", DCAT), ("dcatap", DCATAP), ("dcterms", DCTERMS), ("dqv", DQV), ("foaf", FOAF),
        ("prov", PROV), ("rdf", RDF), ("rdfs", RDFS), ("sdi", SDI), ("skos", SKOS), ("xsd", XSD),
    ):  # fmt: skip
        graph.bind(prefix, namespace)
    return graph


def _dataset(graph: Graph, at: Addresses, one: Entry, versions: Versions = ()) -> URIRef:
    here = at.dataset(one)
    graph.add((here, RDF.type, DCAT.Dataset))
    texts(graph, here, DCTERMS.title, one.feed.title)
    texts(graph, here, DCTERMS.description, one.description)
    graph.add((here, DCTERMS.identifier, Literal(one.name)))
    graph.add((here, DCTERMS.publisher, agency(graph, at, one.producer)))
    page = f"{at.root}/quality/{one.place.id}/{quote(one.feed.name)}"
    graph.add((here, DCAT.landingPage, URIRef(page)))
    graph.add((URIRef(page), RDF.type, FOAF.Document))
    if one.modified:
        graph.add((here, DCTERMS.modified, _moment(one.modified)))
    graph.add((here, DCTERMS.spatial, spatial(graph, one.place)))
    graph.add((here, DCAT.keyword, Literal(one.contract.entity)))
    if one.feed.theme:
        graph.add((here, DCAT.keyword, Literal(one.feed.theme, "en")))
        add_theme(graph, here, one.feed.theme)
    _add_origin(graph, here, one.feed.origin)
    if frequency := period_of(one.feed) or (EU[one.released.frequency] if one.released else ""):
        add_frequency(graph, here, frequency)
    if one.closed():
        reasons = {
            PERSONAL: "Left out as personal data: {} (Law 27/2022 of Indonesia, or the place's own)",
            INTERNAL: "Left out as internal: {}",
        }
        text = "; ".join(
            reason.format(", ".join(names)) for kind, reason in reasons.items() if (names := one.closed(kind))
        )
        add_limits(graph, here, {"en": text})
    _add_distributions(graph, at, one, here)
    _add_versions(graph, one, here, versions)
    add_standard(graph, here, one)
    add_quality(graph, here, one, page)
    return here


def _add_distributions(graph: Graph, at: Addresses, one: Entry, here: URIRef) -> None:
    if one.rows is None:
        return
    for ending, (media, kind) in TABLES.items():
        file = at.file(one, ending)
        made = distribution(graph, here, ending, one.feed.title, file, (media, kind))
        if ending == "csv":
            graph.add((made, DCTERMS.conformsTo, URIRef(at.file(one, "csv-metadata.json"))))
            graph.add((URIRef(at.file(one, "csv-metadata.json")), RDF.type, DCTERMS.Standard))
        _add_licence(graph, made, one.feed.licence)


def distribution(
    graph: Graph, here: URIRef, ending: str, title: Text, address: str, media_and_kind: tuple[str, str]
) -> URIRef:
    """A file of a dataset, which is there for good; its media type, and its name in the EU's list of file types."""
    media, kind = media_and_kind
    made, file = URIRef(f"{here.partition('#')[0]}#{ending}"), URIRef(address)
    graph.add((here, DCAT.distribution, made))
    graph.add((made, RDF.type, DCAT.Distribution))
    texts(graph, made, DCTERMS.title, {k: f"{text} ({kind})" for k, text in title.items()})
    for predicate in (DCAT.accessURL, DCAT.downloadURL):
        graph.add((made, predicate, file))
    graph.add((file, RDF.type, RDFS.Resource))
    graph.add((made, DCAT.mediaType, URIRef(f"{_IANA}/{media}")))
    graph.add((URIRef(f"{_IANA}/{media}"), RDF.type, DCTERMS.MediaType))
    graph.add((made, DCTERMS["format"], URIRef(f"{_EU}/file-type/{kind}")))
    graph.add((URIRef(f"{_EU}/file-type/{kind}"), RDF.type, DCTERMS.MediaTypeOrExtent))
    graph.add((made, DCATAP.availability, _available(graph)))
    return made


def add_theme(graph: Graph, here: URIRef, theme: str) -> None:
    """A theme of the EU's vocabulary, if it has a word for it."""
    if found := theme_address(theme):
        address = URIRef(found)
        graph.add((here, DCAT.theme, address))
        graph.add((address, RDF.type, SKOS.Concept))
        graph.add((address, SKOS.prefLabel, Literal(theme, "en")))
        graph.add((address, SKOS.inScheme, URIRef(VOCABULARY)))


def add_frequency(graph: Graph, here: URIRef, frequency: str) -> None:
    """A frequency by its name in the EU's vocabulary."""
    address = URIRef(f"{_EU}/frequency/{frequency}")
    graph.add((here, DCTERMS.accrualPeriodicity, address))
    graph.add((address, RDF.type, DCTERMS.Frequency))


def add_limits(graph: Graph, here: URIRef, text: Text) -> None:
    """What is left out, and why."""
    limits = BNode()
    graph.add((here, DCTERMS.accessRights, limits))
    graph.add((limits, RDF.type, DCTERMS.RightsStatement))
    for language, words in text.items():
        graph.add((limits, RDFS.label, Literal(words, language)))


def _add_versions(graph: Graph, one: Entry, here: URIRef, versions: Versions) -> None:
    """The version that it is, and the older ones, each with its file."""
    for position, version in enumerate(versions):
        if not position:
            graph.add((here, DCAT_3["version"], Literal(str(version["run"]))))
            continue
        older = URIRef(f"{here}?version={version['run']}")
        graph.add((here, DCAT_3["hasVersion"], older))
        graph.add((older, RDF.type, DCAT.Dataset))
        graph.add((older, DCAT_3["version"], Literal(str(version["run"]))))
        graph.add((older, DCTERMS.modified, _moment(version["modified"])))
        texts(graph, older, DCTERMS.title, one.feed.title)
        texts(graph, older, DCTERMS.description, one.description)
        made, file = URIRef(f"{older}#parquet"), URIRef(f"{here}.parquet?version={version['run']}")
        graph.add((older, DCAT.distribution, made))
        graph.add((made, RDF.type, DCAT.Distribution))
        for predicate in (DCAT.accessURL, DCAT.downloadURL):
            graph.add((made, predicate, file))
        graph.add((file, RDF.type, RDFS.Resource))


def _add_licence(graph: Graph, here: Node, stated: str) -> None:
    """The terms in the feed's own words, and the licence's address where the words name a known one."""
    if not stated:
        return
    found = licences.known(stated)
    licence: Node = URIRef(found.url) if found else BNode()
    graph.add((here, DCTERMS.license, licence))
    graph.add((licence, RDF.type, DCTERMS.LicenseDocument))
    graph.add((licence, RDFS.label, Literal(found.title if found else stated)))
    if found and stated != found.id:
        rights = BNode()
        graph.add((here, DCTERMS.rights, rights))
        graph.add((rights, RDF.type, DCTERMS.RightsStatement))
        graph.add((rights, RDFS.label, Literal(stated)))


def _add_origin(graph: Graph, here: URIRef, origin: str) -> None:
    """Where the data came from. Not ``dcterms:source``: DCAT-AP keeps that for what is itself a dcat:Dataset."""
    if not origin:
        return
    told = BNode()
    graph.add((here, DCTERMS.provenance, told))
    graph.add((told, RDF.type, DCTERMS.ProvenanceStatement))
    graph.add((told, RDFS.label, Literal(origin)))
    if origin.startswith(("http://", "https://")):
        graph.add((here, PROV.wasDerivedFrom, URIRef(quote(origin, safe=":/?#[]@!$&'()*+,;=%~"))))


def _available(graph: Graph) -> URIRef:
    stable = URIRef(f"{_EU}/planned-availability/STABLE")
    graph.add((stable, RDF.type, SKOS.Concept))
    graph.add((stable, SKOS.prefLabel, Literal("stable", "en")))
    return stable


def agency(graph: Graph, at: Addresses, name: str) -> URIRef:
    here = at.agency(name)
    graph.add((here, RDF.type, FOAF.Agent))
    graph.add((here, FOAF.name, Literal(name)))
    return here


def spatial(graph: Graph, place: Place) -> Node:
    """The place: its names, its code (Kemendagri's of an Indonesian one) and its centre, as far as they are known."""
    code = str(place.facts.get("code") or "")
    here = BNode(f"place-{place.id}")
    graph.add((here, RDF.type, DCTERMS.Location))
    texts(graph, here, SKOS.prefLabel, place.name)
    if code:
        graph.add((here, DCTERMS.identifier, Literal(code)))
    centre = place.facts.get("centre")
    if isinstance(centre, list) and len(centre) == 2:
        wkt = Literal(
            f"POINT({centre[0]} {centre[1]})",
            datatype=URIRef("http://www.opengis.net/ont/geosparql#wktLiteral"),
        )
        graph.add((here, DCAT.centroid, wkt))
    return here


def texts(graph: Graph, here: Node, predicate: URIRef, text: Text) -> None:
    """A text by language; one that is the same in all is said once, without a language."""
    several = {language: words for language, words in text.items() if words}
    if len(set(several.values())) == 1:
        graph.add((here, predicate, Literal(next(iter(several.values())))))
        return
    for language, words in several.items():
        graph.add((here, predicate, Literal(words, language)))


def _moment(text: str) -> Literal:
    return Literal(text, datatype=XSD.dateTime)


def serialized(graph: Graph, form: Form) -> bytes:
    """The graph as Turtle or as JSON-LD with short names."""
    if form == "ttl":
        return graph.serialize(format="turtle", encoding="utf-8")
    context = {prefix: str(namespace) for prefix, namespace in graph.namespaces()}
    return graph.serialize(format="json-ld", context=context, encoding="utf-8")
