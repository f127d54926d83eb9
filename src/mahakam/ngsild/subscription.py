"""A subscription as it is kept and matched (clause 5.2.12, 5.2.14, 5.2.15, 5.2.22, 5.2.33), and as it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from mahakam.ngsild import subscription_members
from mahakam.ngsild.context import CORE, Context
from mahakam.ngsild.entity import Document
from mahakam.ngsild.match import fulfils, in_scopes, located, matches
from mahakam.ngsild.problem import Problem, bad_request
from mahakam.ngsild.projection import EVERYTHING, Projection, parse_projection
from mahakam.ngsild.qlanguage import parse_q
from mahakam.ngsild.query import parse_geo, parse_scopes, selection_from
from mahakam.ngsild.represent import Form
from mahakam.ngsild.selection import Condition, Geo, Scopes, Selection
from mahakam.ngsild.subscription_members import DEFAULT_TRIGGERS, FORMS, fault, renamed

Join = Literal["", "flat", "inline"]
Status = Literal["active", "paused", "expired"]
About = Literal["entities", "registrations", "hub"]
Members = dict[str, Any]
T = TypeVar("T")
_LINKS = 4
"""Over how many links a subscription's q may reach."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where notifications go. ``timeout`` and ``cooldown`` in seconds, 0 if not given; infos: (key, value)."""

    uri: str
    accept: str = "application/json"
    timeout: float = 0.0
    cooldown: float = 0.0
    receiver_info: tuple[tuple[str, str], ...] = ()
    notifier_info: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """``members`` are those of the standard, checked, their names canonical; the rest is read from them.

    ``context`` is its own, or that of jsonldContext; ``notified_in`` the same as far as a notification can name
    it; ``words`` the one of the names in its q (and csf).
    ``selectors``: an entity must fulfil any of them (none: every entity), and condition, geo, scopes.
    ``watched`` is empty for every attribute. ``about``: whether it is for entities, or for the
    registrations of context sources. ``hub``: whom it tells what is shared with them (``about`` is "hub"); "" of
    all others. Times are ISO 8601 UTC or "", durations seconds or 0.
    """

    id: str
    members: Members
    context: Context
    words: Context
    endpoint: Endpoint
    notified_in: Context
    selectors: tuple[Selection, ...] = ()
    condition: Condition | None = None
    geo: Geo | None = None
    scopes: Scopes | None = None
    watched: frozenset[str] = frozenset()
    triggers: frozenset[str] = frozenset(DEFAULT_TRIGGERS)
    attributes: tuple[str, ...] = ()
    projection: Projection = EVERYTHING
    datasets: tuple[str, ...] = ()
    form: Form = "normalized"
    sys_attrs: bool = False
    show_changes: bool = False
    lang: str = ""
    join: Join = ""
    join_level: int = 1
    throttling: float = 0.0
    interval: float = 0.0
    active: bool = True
    expires: str = ""
    author: str = ""
    created: str = ""
    modified: str = ""
    about: About = "entities"
    hub: str = ""

    def status(self, now: str) -> Status:
        """Clause 5.2.12, table 2."""
        if self.expires and instant(self.expires) <= instant(now):
            return "expired"
        return "active" if self.active else "paused"

    def selects(self, document: Document, condition: Condition | None) -> bool:
        """Whether an entity is one of those subscribed to; ``condition``: its own, with no ``Linked`` in it."""
        if self.selectors and not any(matches(document, selector) for selector in self.selectors):
            return False
        if self.scopes is not None and not in_scopes(document, self.scopes):
            return False
        if condition is not None and not fulfils(document, condition):
            return False
        return self.geo is None or located(document, self.geo)

    def selections(self) -> list[Selection]:
        """What to ask a store for: together, the entities subscribed to."""
        return [
            replace(one, condition=self.condition, geo=self.geo, scopes=self.scopes)
            for one in self.selectors or (Selection(),)
        ]

    def as_record(self) -> dict[str, Any]:
        """All that makes this subscription again."""
        return {
            "members": self.members,
            "context": _kept(self.context),
            "words": _kept(self.words),
            "author": self.author,
            "created": self.created,
            "modified": self.modified,
            "about": self.about,
            **({"hub": self.hub} if self.hub else {}),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Subscription:
        context, words = _found(record["context"]), _found(record["words"])
        return replace(
            _compiled(record["members"], context, words),
            author=record["author"],
            created=record["created"],
            modified=record["modified"],
            about=record.get("about", "entities"),
            hub=record.get("hub", ""),
        )


def create(payload: object, context: Context, now: str, *, id: str, context_of: Callable[[str], Context],
           author: str = "", about: About = "entities") -> Subscription:  # fmt: skip
    """A subscription from the payload of a request (clause 5.8.1); ``id`` is for one that brings none.

    ``context_of`` gives the context behind the URL of ``jsonldContext``.
    Raises Problem BadRequestData with what is wrong and what would be right, or what ``context_of`` raises.
    """
    members = subscription_members.read(payload, context)
    if "type" not in members:
        raise fault("type", '"Subscription" was expected')
    gone = next((name for name, value in members.items() if value is None), None)
    if gone is not None:
        raise fault(gone, "it cannot be null")
    members = {"id": id, **members}
    _not_past(members, now)
    return replace(
        _compiled(members, _notified_in(members, context, context_of), context),
        author=author,
        created=now,
        modified=now,
        about=about,
    )


def update(before: Subscription, fragment: object, context: Context, now: str, *,
           context_of: Callable[[str], Context]) -> Subscription:  # fmt: skip
    """Clause 5.8.2: the members given are replaced, those that are null are removed; what is known stays.

    Raises Problem BadRequestData.
    """
    given = subscription_members.read(fragment, context)
    if given.get("id", before.id) != before.id:
        raise fault("id", f"{before.id} was expected, or none")
    if given.get("type", "") is None:
        raise fault("type", "it cannot be removed")
    merged = {**before.members, **given}
    members = {name: value for name, value in merged.items() if value is not None}
    if "expiresAt" in given:
        _not_past(members, now)
    if "jsonldContext" in given or not context.is_core:
        notified_in = _notified_in(members, before.words if context.is_core else context, context_of)
    else:
        notified_in = before.context
    words = context if {"q", "csf", "expandValues"} & given.keys() else before.words
    return replace(
        _compiled(members, notified_in, words),
        author=before.author,
        created=before.created,
        modified=now,
        about=before.about,
        hub=before.hub,
    )


def shown(
    subscription: Subscription,
    context: Context,
    now: str,
    counters: Mapping[str, Any],
    *,
    sys_attrs: bool = False,
) -> Members:
    """A subscription as an answer: names in the words of ``context``, with status and counters (clause 5.2.14.2).

    ``counters``: ``timesSent``, ``timesFailed``, ``lastNotification``, ``lastSuccess``, ``lastFailure`` if known.
    """
    members = dict(subscription.members)
    compact = context.compact
    if "entities" in members:
        members["entities"] = [{**one, "type": renamed(one["type"], compact)} for one in members["entities"]]
    if "watchedAttributes" in members:
        members["watchedAttributes"] = [compact(name) for name in members["watchedAttributes"]]
    if "geoQ" in members and "geoproperty" in members["geoQ"]:
        members["geoQ"] = {**members["geoQ"], "geoproperty": compact(members["geoQ"]["geoproperty"])}
    notification = dict(members["notification"])
    for name in ("attributes", "pick", "omit"):
        if name in notification:
            notification[name] = [renamed(one, compact) for one in notification[name]]
    notification |= {name: value for name, value in counters.items() if name in _COUNTERS}
    if "lastNotification" in counters:
        notification["status"] = "failed" if _failing(counters) else "ok"
    members["notification"] = notification
    if subscription.about == "entities":
        members.setdefault("notificationTrigger", list(DEFAULT_TRIGGERS))
    members["status"] = subscription.status(now)
    if sys_attrs:
        members["createdAt"], members["modifiedAt"] = subscription.created, subscription.modified
    return members


_COUNTERS = frozenset(("timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure"))


def _failing(counters: Mapping[str, Any]) -> bool:
    return str(counters.get("lastFailure", "")) >= str(counters.get("lastSuccess", ""))


def instant(time: str) -> datetime:
    """The moment of an ISO 8601 UTC time as the standard writes it."""
    whole, _, fraction = time[:-1].replace(",", ".").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}").replace(tzinfo=UTC)


def _not_past(members: Members, now: str) -> None:
    expires = members.get("expiresAt")
    if expires and instant(expires) <= instant(now):
        raise fault("expiresAt", "a time to come was expected")


def _notified_in(members: Members, context: Context, context_of: Callable[[str], Context]) -> Context:
    url = members.get("jsonldContext")
    if url is None:
        return context
    found = context_of(url)
    # The author's URL is answered, though it may name a version of the core context.
    return Context(url, found.terms, has_core=True) if found.is_core else found


def _nameable(context: Context, accept: str) -> Context:
    """A context that has no URL of its own cannot be named beside a JSON body: there, names are whole."""
    source = context.source
    if isinstance(source, list) and len(source) == 1 and isinstance(source[0], str):
        return Context(source[0], context.terms, has_core=context.has_core)
    return CORE if accept == "application/json" and not context.link else context


def _compiled(members: Members, context: Context, words: Context) -> Subscription:
    """The subscription that its members describe; raises Problem for members that do not go together."""
    if "notification" not in members:
        raise fault("notification", "it is needed: it says where notifications go")
    notification = members["notification"]
    watched = members.get("watchedAttributes", [])
    if "entities" not in members and not watched:
        raise fault("entities", "entities or watchedAttributes is needed, or both")
    if "timeInterval" in members and (watched or "throttling" in members):
        raise fault("timeInterval", "it goes without watchedAttributes and throttling")
    geo = members.get("geoQ")
    endpoint = notification["endpoint"]
    joined = notification.get("join", "@none")
    projection = _worded("notification", lambda: parse_projection(
        ",".join(notification.get("pick", ())), ",".join(notification.get("omit", ())), CORE
    ))  # fmt: skip
    if projection.depth > (0 if joined == "@none" else notification.get("joinLevel", 1)):
        raise fault("notification", "pick or omit reaches over more links than join and joinLevel")
    return Subscription(
        id=members["id"],
        members=members,
        context=context,
        words=words,
        endpoint=Endpoint(
            uri=endpoint["uri"],
            accept=endpoint.get("accept", "application/json"),
            timeout=endpoint.get("timeout", 0) / 1000,
            cooldown=endpoint.get("cooldown", 0) / 1000,
            receiver_info=_pairs(endpoint.get("receiverInfo", [])),
            notifier_info=_pairs(endpoint.get("notifierInfo", [])),
        ),
        notified_in=_nameable(context, endpoint.get("accept", "application/json")),
        selectors=tuple(map(_selector, members.get("entities", []))),
        condition=_condition(members, words),
        geo=_worded("geoQ", lambda: parse_geo(geo_parameters(geo), CORE)) if geo else None,
        scopes=_worded("scopeQ", lambda: parse_scopes(members["scopeQ"])) if "scopeQ" in members else None,
        watched=frozenset(watched),
        triggers=frozenset(members.get("notificationTrigger", DEFAULT_TRIGGERS)),
        attributes=tuple(notification.get("attributes", ())),
        projection=projection,
        datasets=tuple(members.get("datasetId", ())),
        form=FORMS[notification.get("format", "normalized")],
        sys_attrs=notification.get("sysAttrs", False),
        show_changes=notification.get("showChanges", False),
        lang=members.get("lang", ""),
        join="" if joined == "@none" else joined,
        join_level=notification.get("joinLevel", 1),
        throttling=members.get("throttling", 0),
        interval=members.get("timeInterval", 0),
        active=members.get("isActive", True),
        expires=members.get("expiresAt", ""),
    )


def _condition(members: Members, words: Context) -> Condition | None:
    expand = tuple(members.get("expandValues", ()))
    if "csf" in members:
        _worded("csf", lambda: parse_q(members["csf"], words))
    if "q" not in members:
        return None
    return _worded("q", lambda: parse_q(members["q"], words, expand_values=expand, links=_LINKS))


def _selector(one: Mapping[str, Any]) -> Selection:
    ids = one.get("id", [])
    params = {"type": one["type"]}
    if ids:
        params["id"] = ids if isinstance(ids, str) else ",".join(ids)
    elif "idPattern" in one:
        params["idPattern"] = one["idPattern"]
    return _worded("entities", lambda: selection_from(params, CORE))


def geo_parameters(geo: Mapping[str, Any]) -> dict[str, str]:
    """A GeoQuery (clause 5.2.13) as the parameters of a query."""
    import orjson

    return {
        name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in geo.items()
    }


def _worded(member: str, parse: Callable[[], T]) -> T:
    """What a parser gives; what it refuses is said of the member."""
    try:
        return parse()
    except Problem as problem:
        if problem.kind != "BadRequestData":
            raise
        raise bad_request("The subscription is not valid", f"{member}: {problem}") from problem


def _pairs(infos: list[dict[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((one["key"], one["value"]) for one in infos)


def _kept(context: Context) -> list[Any] | None:
    return None if context.is_core else [context.source, dict(context.terms), context.has_core]


def _found(kept: list[Any] | None) -> Context:
    return Context(kept[0], kept[1], has_core=kept[2]) if kept else CORE
