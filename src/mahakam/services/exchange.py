"""Requests exchanged with another Open311 server (GeoReport v2), as a place's ``exchange.yaml`` says, each once.

Pushed: what is routed to a team that works elsewhere; its news there come back into its course here. Pulled: what
residents reported there. A record kept beside each request says what it is called on the other side.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from mahakam.broker.broker import Broker
from mahakam.config import ConfigError, Place, read_yaml, scope_of
from mahakam.ngsild.problem import Problem
from mahakam.services.desk import Changed, Desk, revision_of
from mahakam.services.queue import Queue, Waiting
from mahakam.services.request import Draft, Refused, Request, Step, utc_text
from mahakam.services.states import OPEN, State
from mahakam.store.protocol import Transaction

FILE = "exchange.yaml"
_KEYS = ("name", "url", "jurisdiction", "key", "push", "pull")
_PUSHED, _PULLED, _STATE = "exchange-pushed", "exchange-pulled", "exchange-state"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SECONDS = 20.0
_OVERLAP = dt.timedelta(days=1)
_MOST = 100_000
_RUNNING, _LONGEST = "running", 600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """Another server. ``key`` is the name of the environment variable with its api_key; ``team`` and ``push``: whose
    requests go there, and our service → theirs; ``pull``: their service → ours."""

    name: str
    url: str
    jurisdiction: str = ""
    key: str = ""
    team: str = ""
    push: Mapping[str, str] = field(default_factory=dict)
    pull: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Exchanged:
    """What one round did, and what went wrong."""

    pushed: int = 0
    pulled: int = 0
    news: int = 0
    problems: list[str] = field(default_factory=list)


def servers_of(place: Place) -> list[Server]:
    """The servers of a place's own file. Raises ConfigError naming what is wrong."""
    path = place.folder / FILE
    if not path.is_file():
        return []
    raw = read_yaml(path).get("servers")
    if not isinstance(raw, list):
        raise ConfigError(path, "servers is a list, e.g. servers: [{name: province, url: https://…/open311}]")
    return [_server(path, one) for one in raw]


class Exchange:
    """One round with one server at a time; the process that leads runs them, or ``mahakam exchange``."""

    def __init__(self, desk: Desk, broker: Broker, places: Mapping[str, Place]) -> None:
        self._desk, self._broker, self._places = desk, broker, places
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
            for server in servers_of(place) if place.kind == "city" else ():
                try:
                    with httpx.Client(base_url=server.url, timeout=_SECONDS) as client:
                        self._push(client, place, server, done)
                        self._news(client, server, done)
                        self._pull(client, place, server, done)
                except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                    done.problems.append(f"{server.name}: {error or type(error).__name__}")
        for problem in done.problems:
            _log.warning("exchange of requests: %s", problem)

    # There

    def _push(self, client: httpx.Client, place: Place, server: Server, done: Exchanged) -> None:
        if not server.team:
            return
        kept = set(self._store.record_keys(f"{_PUSHED} {server.name}", _MOST))
        for document in Queue(self._broker).scan(Waiting(scope_of(place, self._places), team=server.team)):
            request = self._desk.of(document)
            if request.number in kept or request.service not in server.push:
                continue
            known = self._store.record(f"{_STATE} {server.name}", request.number)
            there = self._find(client, server, request) if known else ""
            if not there:
                # Said before it is sent: a round that breaks off looks there first instead of sending it again.
                self._keep(
                    f"{_STATE} {server.name}", request.number, {"at": utc_text(dt.datetime.now(dt.UTC))}
                )
                there = self._send(client, server, request)
            self._keep(
                f"{_PUSHED} {server.name}", request.number, {"id": there, "notes": "", "status": "open"}
            )
            self._keep(f"{_STATE} {server.name}", request.number, None)
            done.pushed += 1

    def _send(self, client: httpx.Client, server: Server, request: Request) -> str:
        fields = {
            "jurisdiction_id": server.jurisdiction,
            "api_key": os.environ.get(server.key, "") if server.key else "",
            "service_code": server.push[request.service],
            "lat": str(request.point[1]),
            "long": str(request.point[0]),
            "address_string": request.address,
            "description": f"{request.description}\n\n{request.number}",
        } | {f"attribute[{code}]": _text(answer) for code, answer in request.answers.items()}
        key = f"{server.name}:{request.number}"
        given = {name: value for name, value in fields.items() if value}
        answer = client.post("requests.json", data=given, headers={"Idempotency-Key": key})
        if answer.status_code >= 400:
            raise ValueError(f"{request.number} was refused with {answer.status_code}: {answer.text[:300]}")
        row = answer.json()[0]
        if found := row.get("service_request_id"):
            return str(found)
        token = client.get(f"tokens/{row['token']}.json", params=_asked(server)).raise_for_status()
        return str(token.json()[0]["service_request_id"])

    def _find(self, client: httpx.Client, server: Server, request: Request) -> str:
        """What an attempt that broke off may have made: told by our number in its words; "" for nothing."""
        since = dt.datetime.fromisoformat(request.requested) - _OVERLAP
        for row in _listed(client, server, {"start_date": utc_text(since)}):
            if str(row.get("description") or "").rstrip().endswith(f"\n{request.number}"):
                return str(row["service_request_id"])
        return ""

    # And back

    def _news(self, client: httpx.Client, server: Server, done: Exchanged) -> None:
        """What became of what was pushed: words, and that it is settled there."""
        kind = f"{_PUSHED} {server.name}"
        for number, kept in self._store.records(kind).items():
            request = self._desk.request(number)
            if request is None or request.state not in OPEN or kept["status"] == "closed":
                continue
            answer = client.get(f"requests/{kept['id']}.json", params=_asked(server)).raise_for_status()
            row = answer.json()[0]
            status, notes = str(row.get("status") or "open"), str(row.get("status_notes") or "")
            if (status, notes) == (kept["status"], kept["notes"]):
                continue
            if self._take(server, request, kept, row, status, notes):
                done.news += 1

    def _take(
        self,
        server: Server,
        request: Request,
        kept: Mapping[str, Any],
        row: Mapping[str, Any],
        status: str,
        notes: str,
    ) -> bool:
        """A step here for the news there; False if the request has changed meanwhile: the next round looks again."""
        state: State = "answered" if status == "closed" else "inProgress"
        words = notes or (f"{server.name}: {kept['id']} closed" if state == "answered" else "")
        agency = str(row.get("agency_responsible") or request.agency)

        def decide(before: Request, text: str) -> Step:
            return Step(
                state, "", agency, text, workflow_state=self._desk.workflow(before).at("", state).code
            )

        def note(transaction: Transaction) -> None:
            news = {**kept, "status": status, "notes": notes}
            transaction.save_record(f"{_PUSHED} {server.name}", request.number, news)

        try:
            self._desk.advance(request.number, revision_of(request), words, decide, server.name, also=note)
        except Changed:
            return False
        return True

    def _pull(self, client: httpx.Client, place: Place, server: Server, done: Exchanged) -> None:
        if not server.pull:
            return
        kind, state = f"{_PULLED} {server.name}", f"{_STATE} {server.name}"
        last = str((self._store.record(state, "pulled") or {}).get("at", ""))
        began = dt.datetime.now(dt.UTC)
        since = {"start_date": utc_text(dt.datetime.fromisoformat(last) - _OVERLAP)} if last else {}
        known = set(self._store.record_keys(kind, _MOST))
        ours = {str(kept["id"]) for kept in self._store.records(f"{_PUSHED} {server.name}").values()}
        for row in _listed(client, server, since):
            id, service = str(row["service_request_id"]), server.pull.get(str(row.get("service_code")))
            if service is None or id in known or id in ours or row.get("lat") is None:
                continue
            draft = Draft(
                place.id,
                service,
                str(row.get("description") or row.get("service_name") or ""),
                (float(row["long"]), float(row["lat"])),
                idempotency=f"{server.name}:{id}",
                media=str(row.get("media_url") or "")[:300],
                address=str(row.get("address") or "")[:200],
            )
            try:
                sent = self._desk.send(draft)
            except (Refused, Problem) as error:
                done.problems.append(f"{server.name} {id}: {error}")
                continue
            self._keep(kind, id, {"number": sent.number})
            done.pulled += 1
        self._keep(state, "pulled", {"at": utc_text(began)})

    def _keep(self, kind: str, key: str, value: dict[str, Any] | None) -> None:
        self._store.write(lambda transaction: transaction.save_record(kind, key, value))


def _listed(client: httpx.Client, server: Server, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """All pages of a server's requests; one that knows no pages gives the same page again, and ends it."""
    found: dict[str, dict[str, Any]] = {}
    for page in range(1, 1000):
        params = {**_asked(server), **asked, "page": str(page), "page_size": "100"}
        rows = client.get("requests.json", params=params).raise_for_status().json()
        new = {
            str(row["service_request_id"]): row for row in rows if str(row["service_request_id"]) not in found
        }
        if not new:
            break
        found |= new
    return list(found.values())


def _asked(server: Server) -> dict[str, str]:
    return {"jurisdiction_id": server.jurisdiction} if server.jurisdiction else {}


def _text(answer: object) -> str:
    if isinstance(answer, bool):
        return "true" if answer else "false"
    return ", ".join(map(str, answer)) if isinstance(answer, tuple) else str(answer)


def _server(path: Path, raw: object) -> Server:
    if not isinstance(raw, Mapping) or not _NAME.fullmatch(str(raw.get("name") or "")):
        raise ConfigError(path, "a server has a name in small letters, digits and -")
    if unknown := sorted(str(key) for key in raw if key not in _KEYS):
        raise ConfigError(path, f"{raw['name']}: unknown {unknown[0]!r}; it has {', '.join(_KEYS)}")
    url = str(raw.get("url") or "")
    if not url.startswith(("https://", "http://")):
        raise ConfigError(path, f"{raw['name']}: url is the address of its GeoReport v2, https://…/open311")
    push, pull = raw.get("push") or {}, raw.get("pull") or {}
    if not isinstance(push, Mapping) or not isinstance(pull, Mapping) or (push and not push.get("team")):
        raise ConfigError(
            path, f"{raw['name']}: push is {{team: …, services: {{ours: theirs}}}}, pull {{services: …}}"
        )
    return Server(
        str(raw["name"]),
        url.rstrip("/") + "/",
        str(raw.get("jurisdiction") or ""),
        str(raw.get("key") or ""),
        str(push.get("team") or ""),
        {str(a): str(b) for a, b in (push.get("services") or {}).items()},
        {str(a): str(b) for a, b in (pull.get("services") or {}).items()},
    )
