"""``python -m bench.requests [--requests 1000000] [--open 20000] [--data DIR]``: CPU of the queue's pages and Open311.

Makes a store of that many requests (kept in DIR if it is there already), of which so many are open, and asks for
the pages in this process; prints the CPU time of each, the median of 20.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import statistics
import tempfile
import time
from pathlib import Path

import httpx

from bench.results import record
from mahakam.access import accounts
from mahakam.app import Application, Node
from mahakam.broker.clock import now as broker_now
from mahakam.broker.clock import stamped
from mahakam.broker.lists import keep_lists
from mahakam.config import Place, Settings, examples_folder
from mahakam.ngsild import represent
from mahakam.ngsild.entity import Document
from mahakam.services.area import Point, contains
from mahakam.services.queue import RequestLists, build_lists
from mahakam.services.request import Request, Step, to_document, utc_text
from mahakam.services.states import State
from mahakam.store.protocol import Transaction

PASSWORD = "correct horse battery"
SERVICES = ("pothole", "waste", "street-light", "flood", "fallen-tree")
TEAMS = ("dpupr/jalan", "dlh/kebersihan", "dishub/pju", "dpupr/drainase", "dlh/pertamanan")
PAGES = (
    "/queue?city=samarinda",
    "/queue?city=samarinda&page=300",
    "/queue?city=samarinda&status=late",
    "/queue?city=samarinda&team=dpupr",
    "/queue?city=samarinda&service=pothole&team=dpupr/jalan&status=inProgress",
    "/queue/count?city=samarinda",
    "/queue/SMD-2026-{last:06d}?city=samarinda",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&status=open",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&status=closed",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&start_date={since}&end_date={until}",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&end_date={until}",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&service_code=flood&end_date={until}",
    "/open311/requests.json?jurisdiction_id=samarinda&page_size=1000&page=700",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=20_000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        node = Node(Settings(data=given.data or Path(temporary), config=(examples_folder() / "kaltim",)))
        fill(node, given.requests, given.open)
        asyncio.run(measure(node, given.requests, given.open))
        node.close()


def fill(node: Node, requests: int, opened: int) -> None:
    """So many requests, the last ``opened`` of them open, in the order of their dates; past the contract and without
    history, which would take most of the time and are not measured here."""
    there = node.broker.types().get("ServiceRequest", 0)
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=365)
    chance = random.Random(1)
    began = time.perf_counter()
    store, listing, made = node.store.tenant(), RequestLists(), broker_now()
    for first in range(there, requests, 5000):
        documents = [
            stamped(_document(node.places["samarinda"], at, requests, opened, start, chance), made)
            for at in range(first, min(first + 5000, requests))
        ]

        def work(transaction: Transaction, documents: list[Document] = documents) -> None:
            for document in documents:
                transaction.insert(document, represent.body(document))
                keep_lists(transaction, listing, None, document)

        store.write(work)
    build_lists(node.broker)
    print(f"{requests - there:,} requests made in {time.perf_counter() - began:.0f} s", flush=True)


def _document(
    place: Place, at: int, requests: int, opened: int, start: dt.datetime, chance: random.Random
) -> Document:
    kind = chance.randrange(len(SERVICES))
    moment = start + dt.timedelta(days=364) * at / requests
    asked = utc_text(moment)
    waits = at >= requests - opened
    waiting: tuple[State, ...] = ("received", "inProgress", "inProgress", "waiting")
    state: State = chance.choice(waiting) if waits else "closed"
    steps = (Step("received", asked), Step(state, asked, "Dinas", "A crew comes"))
    due = (
        utc_text(moment + dt.timedelta(days=chance.randrange(1, 20))) if waits and state != "waiting" else ""
    )
    request = Request(
        number=f"SMD-2026-{at + 1:06d}",
        place="samarinda",
        service=SERVICES[kind],
        service_name=SERVICES[kind],
        description="A report in the words of a resident, as long as they often are, about what is wrong here",
        state=state,
        requested=asked,
        updated=asked,
        agency="Dinas (contoh)",
        point=_inside(place, chance),
        address="Sungai Pinang",
        photos=(),
        steps=steps,
        expected=due,
        due=due,
        due_stage="finish" if due else "",
        routed=(TEAMS[kind],),
    )
    return to_document(request, "/kaltim/samarinda")


def _inside(place: Place, chance: random.Random) -> Point:
    while True:
        point = (117.1 + chance.random() / 10, -0.55 + chance.random() / 10)
        if contains(place, point):
            return point


async def measure(node: Node, requests: int, opened: int) -> None:
    rows = []
    if accounts.account(node.store.tenant(), "siti") is None:
        accounts.add_account(node.store.tenant(), "siti", PASSWORD, ["officer"], ["samarinda"])
    transport = httpx.ASGITransport(Application(node), client=("127.0.0.1", 50000))
    origin = "http://127.0.0.1:8000"
    now = dt.datetime.now(dt.UTC)
    long_ago = {
        "since": utc_text(now - dt.timedelta(days=240)),
        "until": utc_text(now - dt.timedelta(days=210)),
    }
    async with httpx.AsyncClient(transport=transport, base_url=origin) as client:
        page = (await client.get("/signin")).text
        token = page.partition('name="form" value="')[2].partition('"')[0]
        fields = {"name": "siti", "password": PASSWORD, "form": token}
        await client.post("/signin", data=fields, headers={"Origin": origin})
        for path in PAGES:
            address = path.format(last=requests, **long_ago)
            (await client.get(address)).raise_for_status()
            taken = []
            for _time in range(20):
                began = time.process_time()
                await client.get(address)
                taken.append((time.process_time() - began) * 1000)
            print(f"{statistics.median(taken):6.1f} ms CPU  {address}", flush=True)
            rows.append(
                {"what": address, "value": round(statistics.median(taken), 1), "unit": "ms CPU", "n": 20}
            )
    note = f"Of {requests:,} requests {opened:,} are open. Not in `make bench`: making the store takes ten minutes."
    record("requests", "python -m bench.requests", rows, note=note)


if __name__ == "__main__":
    main()
