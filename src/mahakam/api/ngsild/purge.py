"""``DELETE /entities``: the end of all that a query selects, or of some of their attributes (clause 5.6.21)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

from mahakam.api.http import Response
from mahakam.api.ngsild.call import Call
from mahakam.api.ngsild.entities import FILTERS, GEO_PARAMETERS, guarded, require_narrow
from mahakam.broker.writes import Delete, Modify, Write
from mahakam.ngsild.entity import Document
from mahakam.ngsild.patch import purge_attributes
from mahakam.ngsild.problem import bad_request
from mahakam.ngsild.query import names_of, selection_from
from mahakam.ngsild.selection import Selection

PURGE_PARAMETERS = frozenset(
    (*FILTERS, *GEO_PARAMETERS, "id", "idPattern", "csf", "expandValues", "jsonKeys", "keep", "drop", "local")
)
_CHUNK = 500


async def purge(call: Call) -> Response:
    """Clause 5.6.21: without ``keep`` and ``drop`` the entities end, with them their attributes."""
    if "keep" in call.params and "drop" in call.params:
        raise bad_request("keep and drop exclude each other", "name the attributes that stay, or that go")
    context = await call.context()
    selection = selection_from(call.params, context)
    require_narrow(call.params, selection)
    keep = names_of(call.params.get("keep", ""), context)
    drop = names_of(call.params.get("drop", ""), context)
    await call.off_loop(partial(_purge, call, selection, keep, drop))
    return call.empty()


def _purge(call: Call, selection: Selection, keep: tuple[str, ...], drop: tuple[str, ...]) -> None:
    broker = call.broker
    found = broker.scan(selection)
    while documents := list(islice(found, _CHUNK)):
        broker.batch(list(_writes(call, documents, keep, drop)), call.author)


def _writes(
    call: Call, documents: list[Document], keep: tuple[str, ...], drop: tuple[str, ...]
) -> Iterator[Write]:
    for document in documents:
        call.permit(call.principal(), document.get("scope"))
        if keep or drop:
            work = guarded(call, lambda stored, at: purge_attributes(stored, at, keep=keep, drop=drop))
            yield Modify(document["id"], work)
        else:
            yield Delete(document["id"])
