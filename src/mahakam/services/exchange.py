"""Requests exchanged with another Open311 server (GeoReport v2), as a place's ``exchange.yaml`` says, each once.

Pushed: what is routed to a team that works elsewhere. Pulled: what residents reported there, with its date and, where
it is settled, what became of it. News from there come into the course of both. A record kept beside each request says
what it is called on the other side.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services.area import Point
from mahakam.services.desk import Changed, Desk, Wanted, revision_of
from mahakam.services.exchange_servers import Server, servers_of
from mahakam.services.georeport import Declined, GeoReport, moment_of
from mahakam.services.queue import Queue, Waiting
from mahakam.services.request import (
    LONGEST_ADDRESS,
    LONGEST_WORDS,
    Draft,
    Refused,
    Request,
    Step,
    clean,
    photo_path,
    utc_text,
)
from mahakam.services.states import OPEN, State
from mahakam.store.protocol import Transaction

_PUSHED, _PULLED, _STATE = "exchange-pushed", "exchange-pulled", "exchange-state"
_OVERLAP = dt.timedelta(days=1)
_MOST, _BATCH, _BESIDE = 100_000, 50, 5.0
_RUNNING, _LONGEST = "running", 600.0
_LONGEST_NAME = 200
_log = logging.getLogger(__name__)


@dataclass
class Exchanged:
    """What one round did, and what went wrong."""

    pushed: int = 0
    pulled: int = 0
    news: int = 0
    problems: list[str] = field(default_factory=list)


class Exchange:
    """One round with one server at a time; the process that leads runs them, or ``mahakam exchange``. ``base`` is the
    address of this node's pages, where photos are fetched."""

    def __init__(self, desk: Desk, broker: Broker, places: Mapping[str, Place], base: str) -> None:
        self._desk, self._broker, self._places, self._base = desk, broker, places, base
        self._store = broker.store

    def run(self) -> Exchanged:
        """Push, look for news, pull, with every server; one that fails stops no other. One round at a time."""
        done = Exchanged()
        if not self._begin():
            done.problems.append("another round is under way")
            return done
        try:
            self._round(done)
        finally:
            self._keep(_STATE, _RUNNING, None)
        return done

    def _begin(self) -> bool:
        """False while another process is at it; one that broke off is waited for no longer than ten minutes."""
        now = time.time()

        def work(transaction: Transaction) -> bool:
            if now - float((transaction.record(_STATE, _RUNNING) or {}).get("at", 0)) < _LONGEST:
                return False
            transaction.save_record(_STATE, _RUNNING, {"at": now})
            return True

        return self._store.write(work)

    def _round(self, done: Exchanged) -> None:
        for place in self._places.values():
            try:
                servers = servers_of(place) if place.kind == "city" else []
            except ConfigError as error:
                done.problems.append(str(error))
                continue
            for server in servers:
                try:
                    with GeoReport.of(server) as there:
                        self._push(there, place, server, done)
                        self._news(there, server, done)
                        self._pull(there, place, server, done)
                except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
                    done.problems.append(f"{server.name}: {error or type(error).__name__}")
        for problem in done.problems:
            _log.warning("exchange of requests: %s", problem)

    # There

    def _push(self, there: GeoReport, place: Place, server: Server, done: Exchanged) -> None:
        if not server.team:
            return
        state = f"{_STATE} {server.name}"
        kept = set(self._store.record_keys(f"{_PUSHED} {server.name}", _MOST))
        kept |= {str(one["number"]) for one in self._store.records(f"{_PULLED} {server.name}").values()}
        for document in Queue(self._broker).scan(Waiting(scope_of(place, self._places), team=server.team)):
            request = self._desk.of(document)
            if request.number in kept or request.service not in server.push:
                continue
            known = self._store.record(state, request.number)
            id = self._find(there, request) if known else ""
            if not id:
                # Said before it is sent: a round that breaks off looks there first instead of sending it again.
                self._keep(state, request.number, {"at": utc_text(dt.datetime.now(dt.UTC))})
                try:
                    id = self._send(there, server, request)
                except Declined as error:
                    self._keep(state, request.number, None)
                    done.problems.append(f"{server.name}: {error}")
                    continue
            self._keep(f"{_PUSHED} {server.name}", request.number, {"id": id, "notes": "", "status": "open"})
            self._keep(state, request.number, None)
            done.pushed += 1

    def _send(self, there: GeoReport, server: Server, request: Request) -> str:
        fields = {
            "api_key": os.environ.get(server.key, "") if server.key else "",
            "service_code": server.push[request.service],
            "lat": str(request.point[1]) if request.point else "",
            "long": str(request.point[0]) if request.point else "",
            "address_string": request.address,
            "description": f"{request.description}\n\n{request.number}",
            "media_url": self._base + photo_path(request.photo) if request.photo else request.media,
        }
        given: dict[str, str | list[str]] = {name: value for name, value in fields.items() if value}
        for code, answer in request.answers.items():
            if isinstance(answer, tuple):
                given[f"attribute[{code}][]"] = list(answer)
            else:
                given[f"attribute[{code}]"] = _text(answer)
        try:
            return there.send(given, f"{server.name}:{request.number}")
        except Declined as error:
            raise Declined(f"{request.number} was refused with {error}") from error

    @staticmethod
    def _find(there: GeoReport, request: Request) -> str:
        """What an attempt that broke off may have made: told by our number in its words; "" for nothing."""
        since = dt.datetime.fromisoformat(request.requested) - _OVERLAP
        for row in there.since(since):
            if str(row.get("description") or "").rstrip().endswith(f"\n{request.number}"):
                return str(row["service_request_id"])
        return ""

    # And back

    def _news(self, there: GeoReport, server: Server, done: Exchanged) -> None:
        """What became there of what was pushed and pulled: words, and that it is settled."""
        for kind in (f"{_PUSHED} {server.name}", f"{_PULLED} {server.name}"):
            followed = self._followed(kind)
            ids = list(followed)
            for at in range(0, len(ids), _BATCH):
                for row in there.named(ids[at : at + _BATCH]):
                    request, key, kept = followed[str(row["service_request_id"])]
                    status, notes = (
                        str(row.get("status") or "open"),
                        str(row.get("status_notes") or "")[:LONGEST_WORDS],
                    )
                    if (status, notes) == (kept.get("status", "open"), kept.get("notes", "")):
                        continue
                    news = {**kept, "status": status, "notes": notes}
                    if self._take(server, request, row, kind, key, news, done):
                        done.news += 1

    def _followed(self, kind: str) -> dict[str, tuple[Request, str, dict[str, Any]]]:
        """What is open here and was not settled there: its id there → it, and the key and the content of its record."""
        found: dict[str, tuple[Request, str, dict[str, Any]]] = {}
        for key, kept in self._store.records(kind).items():
            if kept.get("status") == "closed":
                continue
            request = self._desk.request(str(kept.get("number", key)))
            if request is not None and request.state in OPEN:
                found[str(kept.get("id", key))] = request, key, kept
        return found

    def _take(
        self,
        server: Server,
        request: Request,
        row: Mapping[str, Any],
        kind: str,
        key: str,
        news: dict[str, Any],
        done: Exchanged,
    ) -> bool:
        """A step here for the news there; False if the request has changed meanwhile: the next round looks again."""
        step = _step(server, row, request.agency)

        def decide(before: Request, text: str) -> Step:
            return Step(
                step.state,
                "",
                step.agency,
                text,
                workflow_state=self._desk.workflow(before).at("", step.state).code,
            )

        def note(transaction: Transaction) -> None:
            transaction.save_record(kind, key, news)

        try:
            self._desk.advance(
                request.number, revision_of(request), step.text, decide, server.name, also=note
            )
        except Changed:
            return False
        except (Refused, Problem) as error:
            done.problems.append(f"{server.name} {request.number}: {error}")
            return False
        return True

    def _pull(self, there: GeoReport, place: Place, server: Server, done: Exchanged) -> None:
        if not server.pull:
            return
        kind, state = f"{_PULLED} {server.name}", f"{_STATE} {server.name}"
        began = dt.datetime.now(dt.UTC)
        known = set(self._store.record_keys(kind, _MOST))
        ours = {str(kept["id"]) for kept in self._store.records(f"{_PUSHED} {server.name}").values()}
        for row in there.since(self._pulled_until(server)):
            id, service = str(row["service_request_id"]), server.pull.get(str(row.get("service_code")))
            point = _point(row)
            if service is None or id in known or id in ours or point is None:
                continue
            draft = Draft(
                place.id,
                service,
                str(row.get("description") or row.get("service_name") or ""),
                point,
                idempotency=f"{server.name}:{id}",
                how="exchange",
                media=_web_address(row.get("media_url")),
                address=clean(str(row.get("address") or ""))[:LONGEST_ADDRESS],
            )
            if self._came(place, id, point):
                continue
            status = str(row.get("status") or "open")
            notes = str(row.get("status_notes") or "")[:LONGEST_WORDS]
            step = _step(server, row, "") if status == "closed" else None
            try:
                sent = self._desk.send(draft, moment_of(row.get("requested_datetime"), began), step)
            except (Refused, Problem) as error:
                done.problems.append(f"{server.name} {id}: {error}")
                continue
            self._keep(kind, id, {"number": sent.number, "status": status, "notes": notes})
            done.pulled += 1
        since = server.since.isoformat() if server.since else ""
        self._keep(state, "pulled", {"at": utc_text(began), "since": since})

    def _came(self, place: Place, id: str, point: Point) -> bool:
        """Whether the other server has sent it here itself: its number stands below the words of one there."""
        there = self._desk.around(Wanted(scope_of(place, self._places)), point, _BESIDE, _BATCH)
        return any(one.description.rstrip().endswith(f"\n{id}") for one in there)

    def _pulled_until(self, server: Server) -> dt.datetime | None:
        """From when on requests are asked for: a day before the last round, or the first day that shall be here; None
        for what the server lists by itself."""
        kept = self._store.record(f"{_STATE} {server.name}", "pulled") or {}
        since = server.since.isoformat() if server.since else ""
        if kept.get("at") and (not since or (kept.get("since") or "9999") <= since):
            return dt.datetime.fromisoformat(str(kept["at"])) - _OVERLAP
        return dt.datetime.fromisoformat(since).replace(tzinfo=dt.UTC) if since else None

    def _keep(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        self._store.write(lambda transaction: transaction.save_record(kind, key, value))


def _step(server: Server, row: Mapping[str, Any], agency: str) -> Step:
    """What the other server says of a request, as a step of its course here."""
    closed, notes = row.get("status") == "closed", clean(str(row.get("status_notes") or ""))[:LONGEST_WORDS]
    state: State = "answered" if closed else "inProgress"
    now = dt.datetime.now(dt.UTC)
    at = moment_of(row.get("updated_datetime") or row.get("requested_datetime"), now)
    words = notes or (f"{server.name}: {row['service_request_id']} closed" if closed else "")
    told = clean(str(row.get("agency_responsible") or ""))[:_LONGEST_NAME]
    return Step(state, utc_text(at), told or agency, words)


def _point(row: Mapping[str, Any]) -> Point | None:
    """Where it is; None where the row says nothing, or nothing that is on earth."""
    try:
        lon, lat = float(row["long"]), float(row["lat"])
    except (KeyError, TypeError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _web_address(text: object) -> str:
    """A photo that is kept elsewhere; "" for what is no address of the web, or names a file of our own."""
    url = str(text or "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and len(url) <= 300 else ""


def _text(answer: object) -> str:
    return str(answer).lower() if isinstance(answer, bool) else str(answer)
