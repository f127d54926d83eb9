"""Where in the tables of a node a person stands: held rows, personal attributes of entities, versions of datasets.

What agencies hand in is put right in their file and its next run; this says where to look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mahakam.config import ConfigError, Place, place_of
from mahakam.feeds.dataset_rows import stored_dataset, versions_of
from mahakam.feeds.datasets import dataset_id
from mahakam.feeds.known import feed_of
from mahakam.feeds.sources.model import SourceError, identifier
from mahakam.ngsild.entity import ENTITY_MEMBERS
from mahakam.ngsild.selection import Selection, Types
from mahakam.quality.classes import WHOLE
from mahakam.quality.contract import PERSONAL
from mahakam.services.data_subject import known_as, same
from mahakam.services.request import TYPE as REQUEST

if TYPE_CHECKING:
    from mahakam.access.rights import Rights
    from mahakam.feeds.parts import Parts

Kind = Literal["held", "entity", "dataset", "unread"]
_PAGE = 1000
_READ = ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UBIGINT", "UINTEGER")


@dataclass(frozen=True, slots=True)
class Standing:
    """``of``: ``place/feed``, or an entity's id; ``detail``: the row's number in quarantine (held), the attribute
    (entity), run and rows of a version (dataset), why it could not be read (unread). ``place``: its id, or ""."""

    kind: Kind
    place: str
    of: str
    detail: str


def standings(
    parts: Parts, rights: Rights, who: str, within: Callable[[Place | None], bool] = lambda _place: True
) -> Iterator[Standing]:
    """Everywhere that an address, a telephone number or another number of eight digits and more (NIK) stands as a value
    by itself, in the places in which whoever asks may look. Raises ValueError as :func:`known_as`."""
    wanted = known_as(who)
    for place in filter(within, parts.places.values()):
        for feed in place.files("feeds"):
            yield from _held(parts, place, feed, wanted)
            yield from _versions(parts, place, feed, wanted)
    yield from _entities(parts, rights, wanted, within)


def _held(parts: Parts, place: Place, feed: str, wanted: str) -> Iterator[Standing]:
    """Rows that were released or left out are kept, too, for what was decided of them."""
    after = 0
    while rows := parts.store.held(place.id, feed, None, limit=_PAGE, after=after):
        after = rows[-1].id
        for row in rows:
            values: list[Any] = [*row.raw.values(), *row.fixed.values()]
            values += [reason.get("value") for reason in row.reasons]
            if any(_same(value, wanted) for value in values):
                yield Standing("held", place.id, f"{place.id}/{feed}", str(row.id))


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
                asked = [
                    f"{_sql(name)} IN (SELECT unnest(?))" for name, kind in columns.items() if kind in _READ
                ]
                sql = f"SELECT count(*) FROM dataset WHERE {' OR '.join(asked)}"  # noqa: S608 - quoted names
                rows = connection.execute(sql, [_forms(wanted)] * len(asked)).fetchall() if asked else [(0,)]
        except SourceError as error:
            yield Standing("unread", place.id, f"{place.id}/{feed}", str(error))
            continue
        if rows[0][0]:
            yield Standing("dataset", place.id, f"{place.id}/{feed}", f"run {found.run}: {rows[0][0]}")


def _sql(name: str) -> str:
    """A column's values in the form in which they are compared: folded; of what is all number, the digits."""
    text = f"lower(trim(CAST({identifier(name)} AS VARCHAR)))"
    return (
        f"CASE WHEN regexp_full_match({text}, '[\\d\\s()+./-]+') "
        f"THEN regexp_replace({text}, '\\D', '', 'g') ELSE {text} END"
    )


def _forms(wanted: str) -> list[str]:
    """The ways in which :func:`known_as` reads a number as this one, as digits alone."""
    if "@" in wanted:
        return [wanted]
    return [wanted, f"00{wanted}", *([f"0{wanted[2:]}"] if wanted.startswith("62") else [])]


def _entities(
    parts: Parts, rights: Rights, wanted: str, within: Callable[[Place | None], bool]
) -> Iterator[Standing]:
    """Requests are looked at by their contact, which is beside them."""
    told = set[tuple[str, str]]()
    for type in sorted(_types(rights) - {REQUEST}):
        for document in parts.broker.scan(Selection(types=Types(((type,),)))):
            scopes = document.get("scope") or []
            place = place_of([scopes] if isinstance(scopes, str) else scopes, parts.places)
            if not within(place):
                continue
            hidden = rights.personal.hidden(document)
            for name in sorted(set(document) - ENTITY_MEMBERS if WHOLE in hidden else hidden):
                one = str(document["id"]), name
                if one not in told and any(_same(value, wanted) for value in _values(document.get(name))):
                    told.add(one)
                    yield Standing("entity", place.id if place else "", *one)


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


def _same(value: Any, wanted: str) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and same(str(value), wanted)
