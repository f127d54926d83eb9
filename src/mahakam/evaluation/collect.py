"""What the node itself knows for a question: figures with their dates, no rows and nothing of a person."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mahakam.access.keys import keys
from mahakam.config import ConfigError, Place, chain, scope_of
from mahakam.feeds.known import datasets
from mahakam.indicators.series import all_series
from mahakam.ngsild.selection import Scopes, Selection, Types
from mahakam.quality.contract import Contract
from mahakam.quality.load import load_all
from mahakam.services.breach import breaches
from mahakam.services.catalogue import catalogue
from mahakam.services.desk import Desk, Wanted
from mahakam.services.exchange_servers import servers_of
from mahakam.services.insight import look
from mahakam.services.personal import personal_codes
from mahakam.services.purposes import purposes_of
from mahakam.services.request import utc_text
from mahakam.services.satisfaction import results


@dataclass(frozen=True)
class Figures:
    """A table: the first row names the columns."""

    name: str
    rows: tuple[tuple[str, ...], ...]


def collected(broker: Any, place: Place, name: str) -> Figures | None:
    """The figures of a collector; None for a name that is none."""
    collect = COLLECTORS.get(name)
    return (
        Figures(name, tuple(tuple(str(cell) for cell in row) for row in collect(broker, place)))
        if collect
        else None
    )


def _datasets(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("dataset", "agency", "licence", "score", "held", "updated")]
    for one in datasets(broker.store, place):
        score = "" if one.score is None else f"{one.score:.4f}"
        rows.append((one.name, one.owner, one.licence, score, one.held, one.updated))
    return rows


def _services(broker: Any, place: Place) -> list[tuple[object, ...]]:
    return [("service",), *((code,) for code in catalogue(place, broker.places))]


def _requests(broker: Any, place: Place) -> list[tuple[object, ...]]:
    scopes = Scopes(((f"{scope_of(place, broker.places)}/#",),))
    count = broker.count(Selection(types=Types((("ServiceRequest",),)), scopes=scopes))
    return [("what", "count"), ("requests", count)]


def _satisfaction(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("service", "agency", "answers", "index", "grade")]
    for (service, agency), one in results(broker, scope_of(place, broker.places)).items():
        rows.append((service, agency, one.answers, one.index, one.grade))
    return rows


def _indicators(broker: Any, place: Place) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("indicator", "period", "value", "unit", "confidence", "computed")]
    for one in all_series(broker, place, above=False):
        if one.latest and one.latest.value is not None:
            latest = one.latest
            value = f"{latest.value:.12g}"
            rows.append(
                (one.definition.id, latest.label, value, latest.unit, latest.confidence, latest.computed)
            )
    return rows


def _personal_data(broker: Any, place: Place) -> list[tuple[object, ...]]:
    """What the city's contracts call personal, for which purposes it is used and on what basis (Law 27/2022, article
    20), how long it is kept, and how breaches were told (article 46). Nothing of a person."""
    rows: list[tuple[object, ...]] = [("what", "of", "figure", "note")]
    for contract in _contracts(broker, place):
        personal = [name for name, one in contract.fields.items() if one.personal]
        if personal:
            rows.append(("personal fields", contract.entity, len(personal), " ".join(personal)))
    for code, purpose in purposes_of(place, broker.places).items():
        rows.append(("purpose", code, purpose.version, purpose.basis))
    for code, service in catalogue(place, broker.places).items():
        kept = service.retention
        if kept.documents is not None or kept.contact is not None:
            days = [("documents", kept.documents), ("contact", kept.contact)]
            rows += [("days kept", code, number, what) for what, number in days if number is not None]
    states = Counter(one.state(dt.datetime.now(dt.UTC)) for one in breaches(broker.store))
    return rows + [("breaches of this node", state, count, "") for state, count in sorted(states.items())]


def _interoperability(broker: Any, place: Place) -> list[tuple[object, ...]]:
    """What other applications can use and do use: types with a contract, open data, keys, subscriptions, exchange."""
    rows: list[tuple[object, ...]] = [("what", "of", "figure", "note")]
    types = sorted({contract.entity for contract in _contracts(broker, place)})
    rows += [("type with a contract", one, "", "") for one in types]
    licences = Counter(one.licence or "none" for one in datasets(broker.store, place) if one.run)
    rows += [("published datasets", licence, count, "") for licence, count in sorted(licences.items())]
    in_force = [one for one in keys(broker.store) if not one.over and {place.id, "*"} & set(one.places)]
    owners = Counter(agency for one in in_force for agency in one.agencies or ("",))
    rows += [("keys of applications", agency, count, "") for agency, count in sorted(owners.items())]
    rows.append(("subscriptions of this node", "", len(broker.subscriptions.all()), ""))
    rows.append(("sources of this node", "", len(broker.registrations.all()), ""))
    for server in servers_of(place):
        ways = " ".join(way for way, services in (("push", server.push), ("pull", server.pull)) if services)
        rows.append(("Open311 exchange", server.name, len({*server.push, *server.pull}), ways))
    return rows


def _support(broker: Any, place: Place) -> list[tuple[object, ...]]:
    """The requests of the last year by service: how many, how fast, how many as promised."""
    columns = (
        "service",
        "requests",
        "open",
        "late",
        "settled",
        "median days",
        "kept as promised",
        "opened again",
    )
    rows: list[tuple[object, ...]] = [columns]
    now = dt.datetime.now(dt.UTC)
    desk = Desk(broker, broker.places, Path())
    wanted = Wanted(scope_of(place, broker.places), since=utc_text(now - dt.timedelta(days=365)))
    personal = personal_codes(catalogue(place, broker.places))
    found = look(desk.scan(wanted), place.timezone, now, personal=personal)
    for service, one in sorted(found.services.items()):
        share = "" if one.kept_share is None else f"{one.kept_share:.4f}"
        days = "" if one.median_days is None else one.median_days
        rows.append((service, one.reports, one.open, one.late, one.settled, days, share, one.reopened))
    return rows


def _contracts(broker: Any, place: Place) -> Iterator[Contract]:
    """Those that hold for a place, its own and those of the places above."""
    for one in chain(broker.places, place):
        for path in one.files("contracts").values():
            try:
                yield from load_all(path)
            except (ConfigError, ValueError):  # one that cannot be used is said where it is used
                continue


COLLECTORS: dict[str, Callable[[Any, Place], list[tuple[object, ...]]]] = {
    "datasets": _datasets,
    "indicators": _indicators,
    "interoperability": _interoperability,
    "personal_data": _personal_data,
    "requests": _requests,
    "satisfaction": _satisfaction,
    "services": _services,
    "support": _support,
}
