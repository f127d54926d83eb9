"""Residents' requests in the catalogue: a dataset a city with services, its tables, and Open311, which serves it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from rdflib import RDF, RDFS, Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF

from mahakam.api.catalogue.dcat import (
    TABLES,
    Addresses,
    add_frequency,
    add_limits,
    add_theme,
    agency,
    distribution,
    spatial,
    texts,
)
from mahakam.config import Place, Text
from mahakam.services.catalogue import cities_with_services

_TITLES = {"en": "Requests of residents: {}", "id": "Permintaan warga: {}"}
_ABOUT: Text = {
    "en": "What residents asked of the city's services, where and when, and what came of each",
    "id": "Permintaan warga kepada layanan kota, di mana dan kapan, beserta tindak lanjutnya",
}
_LEFT_OUT: Text = {
    "en": "Left out: who asked, and all of a request that is a person's own matter but its kind and course",
    "id": "Tidak dimuat: siapa yang meminta, dan isi permintaan yang merupakan urusan pribadi",
}


def add_requests(graph: Graph, root: str, places: Mapping[str, Place]) -> None:
    """Add to the node's catalogue what its cities were asked."""
    at = Addresses(root)
    found = [_dataset(graph, at, place) for place in cities_with_services(places)]
    if not found:
        return
    service = URIRef(f"{root}/open311/v2")
    graph.add((at.catalogue, DCAT.service, service))
    graph.add((service, RDF.type, DCAT.DataService))
    graph.add((service, RDF.type, RDFS.Resource))
    graph.add((service, DCTERMS.title, Literal("Open311 GeoReport v2")))
    graph.add((service, DCAT.endpointURL, service))
    about = URIRef(f"{root}/open311/discovery.json")
    graph.add((service, DCAT.endpointDescription, about))
    graph.add((about, RDF.type, RDFS.Resource))
    for dataset in found:
        graph.add((at.catalogue, DCAT.dataset, dataset))
        graph.add((service, DCAT.servesDataset, dataset))


def _dataset(graph: Graph, at: Addresses, place: Place) -> URIRef:
    page = f"{at.root}/requests?city={quote(place.id)}"
    here = URIRef(f"{page}#dataset")
    title = {language: words.format(_name(place, language)) for language, words in _TITLES.items()}
    graph.add((here, RDF.type, DCAT.Dataset))
    texts(graph, here, DCTERMS.title, title)
    texts(graph, here, DCTERMS.description, _ABOUT)
    graph.add((here, DCTERMS.identifier, Literal(f"{place.id}--requests")))
    graph.add((here, DCTERMS.publisher, agency(graph, at, next(iter(place.name.values())))))
    graph.add((here, DCAT.landingPage, URIRef(page)))
    graph.add((URIRef(page), RDF.type, FOAF.Document))
    graph.add((here, DCTERMS.spatial, spatial(graph, place)))
    graph.add((here, DCAT.keyword, Literal("ServiceRequest")))
    add_theme(graph, here, "services")
    add_frequency(graph, here, "CONT")
    add_limits(graph, here, _LEFT_OUT)
    for ending in ("csv", "json"):
        file = f"{at.root}/requests.{ending}?city={quote(place.id)}"
        distribution(graph, here, ending, title, file, TABLES[ending])
    return here


def _name(place: Place, language: str) -> str:
    return place.name.get(language) or next(iter(place.name.values()))
