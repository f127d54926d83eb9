"""Where in the tables of a node a person stands: held rows, personal attributes of entities, now and before, kept
versions of datasets, and notifications that wait or were given up on.

What agencies hand in is put right in their file; this says where to look, and ``erasing`` ends it on this node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

import orjson

from mahakam.access.known_as import known_as, same
from mahakam.config import ConfigError, Place, place_of
from mahakam.feeds.dataset_rows import stored_dataset, versions_of
from mahakam.feeds.datasets import FILE, OWN, dataset_id
from mahakam.feeds.erased import folded
from mahakam.feeds.known import feed_of
from mahakam.feeds.sources.model import ROW, SourceError, literal
from mahakam.ngsild.entity import ENTITY_MEMBERS, scopes_of
from mahakam.ngsild.selection import Selection, Types
from mahakam.ngsild.temporal import Head
from mahakam.ngsild.temporal_query import View
from mahakam.quality.classes import WHOLE
from mahakam.quality.contract import PERSONAL
from mahakam.services.request import TYPE as REQUEST
from mahakam.store.model import Owed

if TYPE_CHECKING:
    from mahakam.access.rights import Rights
    from mahakam.feeds.parts import Parts
    from mahakam.feeds.sources.model import Table

Kind = Literal["held", "entity", "dataset", "notification", "unread", "unlooked"]
_PAGE, _MOST = 1000, 1_000_000
_READ = ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UINTEGER")


@dataclass(frozen=True, slots=True)
class Standing:
    """``of``: ``place/feed``, or an entity's id; ``detail``: the row's number in quarantine (held), the attribute
    (entity), run and rows of a version (dataset), its number (notification, ``of`` the subscription), why it could not
    be read (unread). ``unlooked``: there was no time to look there. ``place``: its id, or "".

    ``columns``: where in the row, or in the version, which ``run`` made; ``rows`` of it: file and number.
    ``moments``: the numbers of those in the history of an attribute that has another value now, or is no more.
    """

    kind: Kind
    place: str
    of: str
    detail: str
    columns: tuple[str, ...] = ()
    run: int = 0
    rows: tuple[tuple[str, int], ...] = ()
    moments: tuple[int, ...] = ()


def standings(
    parts: Parts,
    rights: Rights,
    who: str,
    within: Callable[[Place | None], bool] = lambda _place: True,
    seconds: float | None = None,
) -> Iterator[Standing]:
    """Everywhere that an address, a telephone number or another number of eight digits and more (NIK) stands as a value
    by itself, in the places in which whoever asks may look. ``seconds``: for how long it is looked, None: to the end;
    what is left then is named. Raises ValueError as :func:`known_as`."""
    wanted, until = known_as(who), monotonic() + seconds if seconds is not None else inf
    for place in filter(within, parts.places.values()):
        for feed in place.files("feeds"):
            if monotonic() > until:
                yield Standing("unlooked", place.id, f"{place.id}/{feed}", "")
                continue
            yield from _held(parts, place, feed, wanted)
            yield from _versions(parts, place, feed, wanted)
    yield from _notifications(parts, wanted, within)
    for one in _entities(parts, rights, wanted, within):
        if one is not None:
            yield one
        if monotonic() > until:
            yield Standing("unlooked", "", "entities", "")
            return


def _held(parts: Parts, place: Place, feed: str, wanted: str) -> Iterator[Standing]:
    """Rows that were released or left out are kept, too, for what was decided of them."""
    after = 0
    while rows := parts.store.held(place.id, feed, None, limit=_PAGE, after=after):
        after = rows[-1].id
        for row in rows:
            cells = [*row.raw.items(), *row.fixed.items()]
            columns = tuple(dict.fromkeys(name for name, value in cells if is_of(value, wanted)))
            if columns or any(is_of(reason.get("value"), wanted) for reason in row.reasons):
                yield Standing("held", place.id, f"{place.id}/{feed}", str(row.id), columns, row.run)


def _versions(parts: Parts, place: Place, feed: str, wanted: str) -> Iterator[Standing]:
    try:
        if feed_of(place, feed).store != "dataset":
            return
    except ConfigError as error:
        yield Standing("unread", place.id, f"{place.id}/{feed}", str(error))
        return
    document = parts.broker.get(dataset_id(place.id, feed))
    for version in versions_of(document) if document else ():
        found = stored_dataset(parts, place.id, feed, int(version["run"]))
        if found is None:
            continue
        try:
            with found.opened() as (connection, columns):
                told = _columns(connection, columns, wanted)
                rows = _rows(connection, columns, told, wanted) if told else ()
        except SourceError as error:
            yield Standing("unread", place.id, f"{place.id}/{feed}", str(error))
            continue
        if rows:
            detail = f"run {found.run}: {len(rows)}"
            yield Standing("dataset", place.id, f"{place.id}/{feed}", detail, told, found.run, rows)


def _columns(connection: Any, columns: Mapping[str, str], wanted: str) -> tuple[str, ...]:
    """Those of the dataset in which the person stands."""
    read = [name for name, kind in columns.items() if kind in _READ and name not in OWN]
    if not read:
        return ()
    asked = ", ".join(f"coalesce(bool_or({folded(name)} IN (SELECT unnest(?))), false)" for name in read)
    (found,) = connection.execute(f"SELECT {asked} FROM dataset", [_forms(wanted)] * len(read)).fetchall()  # noqa: S608
    return tuple(name for name, here in zip(read, found, strict=True) if here)


def _rows(
    connection: Any, columns: Mapping[str, str], told: Sequence[str], wanted: str
) -> tuple[tuple[str, int], ...]:
    file = f"coalesce({FILE}, '')" if FILE in columns else "''"
    asked = " OR ".join(f"{folded(name)} IN (SELECT unnest(?))" for name in told)
    sql = f"SELECT {file}, {ROW} FROM dataset WHERE {asked}"  # noqa: S608 - quoted names
    return tuple(
        (str(at), int(row)) for at, row in connection.execute(sql, [_forms(wanted)] * len(told)).fetchall()
    )


def in_table(table: Table, wanted: str) -> bool:
    """Whether the person stands anywhere in a file's table, whose cells are text."""
    asked = " OR ".join(
        f"{folded(name)} IN ({', '.join(map(literal, _forms(wanted)))})" for name in table.columns
    )
    return bool(table.relation.filter(asked).limit(1).fetchall())


def _forms(wanted: str) -> list[str]:
    """The ways in which :func:`known_as` reads a number as this one, as digits alone."""
    if "@" in wanted:
        return [wanted]
    return [wanted, f"00{wanted}", *([f"0{wanted[2:]}"] if wanted.startswith("62") else [])]


def _notifications(parts: Parts, wanted: str, within: Callable[[Place | None], bool]) -> Iterator[Standing]:
    """They tell what everybody reads: of a value that was public when it was written."""
    waiting = chain.from_iterable(parts.store.owed(id, limit=_MOST) for id in parts.store.owing())
    for one in chain(waiting, _given_up(parts)):
        body = orjson.loads(one.body)
        if any(is_of(value, wanted) for value in _values(body)):
            scopes = next((scopes_of(told) for told in _told(body) if told.get("scope")), [])
            place = place_of(scopes, parts.places)
            if within(place):
                yield Standing("notification", place.id if place else "", one.subscription, str(one.number))


def _given_up(parts: Parts) -> Iterator[Owed]:
    offset = 0
    while found := parts.store.dead_letters(limit=_PAGE, offset=offset):
        offset += len(found)
        yield from found


def _told(body: Any) -> list[Mapping[str, Any]]:
    """The entities of a notification."""
    data = body.get("data", []) if isinstance(body, dict) else []
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []


def _entities(
    parts: Parts, rights: Rights, wanted: str, within: Callable[[Place | None], bool]
) -> Iterator[Standing | None]:
    """Requests are looked at by their contact, which is beside them. None: one more was looked at."""
    told = set[tuple[str, str]]()
    types = sorted(_types(rights) - {REQUEST})
    for type in types:
        for document in parts.broker.scan(Selection(types=Types(((type,),)))):
            yield None
            place = place_of(scopes_of(document), parts.places)
            if not within(place):
                continue
            hidden = rights.personal.hidden(document)
            for name in sorted(set(document) - ENTITY_MEMBERS if WHOLE in hidden else hidden):
                one = str(document["id"]), name
                if one not in told and any(is_of(value, wanted) for value in _values(document.get(name))):
                    told.add(one)
                    yield Standing("entity", place.id if place else "", *one)
    for head in _heads(parts, types):
        yield None
        place = place_of(scopes_of(head), parts.places)
        if not within(place):
            continue
        hidden = rights.personal.hidden(head)
        names = () if WHOLE in hidden else tuple(sorted(hidden))
        past: dict[tuple[str, str], list[int]] = {}
        for moment in (
            parts.store.moments(View(str(head["id"]), "createdAt", attributes=names)) if hidden else ()
        ):
            one = moment.entity, moment.attribute
            if one not in told and any(is_of(value, wanted) for value in _values(orjson.loads(moment.body))):
                past.setdefault(one, []).append(moment.number)
        for one, numbers in past.items():
            yield Standing("entity", place.id if place else "", *one, moments=tuple(numbers))


def _heads(parts: Parts, types: Sequence[str]) -> Iterator[Head]:
    """Of the histories of these types, those of entities that are gone too."""
    after = 0
    while types and (found := parts.store.evolutions(types=types, after=after, limit=_PAGE)):
        after = found[-1][0]
        yield from (head for _number, head in found)


def _types(rights: Rights) -> set[str]:
    """The entity types of which something is personal, somewhere."""
    return {
        type
        for type, of_type in rights.classes.items()
        if any(one.kind == PERSONAL for attributes in of_type.values() for one in attributes.values())
    }


def _values(attribute: Any) -> Iterator[Any]:
    """The values of an attribute's instances, those in lists and objects too."""
    if isinstance(attribute, Mapping):
        for value in attribute.values():
            yield from _values(value)
    elif isinstance(attribute, list):
        for value in attribute:
            yield from _values(value)
    else:
        yield attribute


def is_of(value: Any, wanted: str) -> bool:
    """Whether a value is the person's, as :func:`known_as` knows them."""
    return isinstance(value, str | int) and not isinstance(value, bool) and same(str(value), wanted)
