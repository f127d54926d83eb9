"""Traces: one from a write or a run of a feed to the notification, told to a real OTLP receiver."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest

from mahakam import tracing
from support.feeds import Town
from support.node import MAHAKAM, RunningNode, free_port
from support.notify import Receiver, until
from support.otlp import OtlpReceiver, Spanned
from support.portal import hidden

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
GIVEN = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
CREATE, TAKEN = "POST /ngsi-ld/v1/entities", "POST /upload/{place}/{feed}/confirm"
SERVER, PRODUCER = 2, 4
CODE, SECRET, VALUE = "k0de-rahasia", "s3cr3t-p4th", "Halte Pak Budi"


def stop(code: str, name: str = VALUE) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:BusStop:{code}", "type": "BusStop", "scope": "/town", "code": code, "name": name,
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [117.05, -0.45]}},
    }  # fmt: skip


def subscribe(url: str, receiver: str, **endpoint: Any) -> None:
    payload = {
        "id": "urn:s:1", "type": "Subscription", "entities": [{"type": "BusStop"}],
        "notification": {"format": "simplified", "endpoint": {"uri": receiver, **endpoint}},
    }  # fmt: skip
    answer = httpx.post(f"{url}/ngsi-ld/v1/subscriptions", json=payload)
    assert answer.status_code == 201, answer.text


def serving(
    town: Town, otlp: str, more: Mapping[str, str] = MappingProxyType({}), **options: Any
) -> RunningNode:
    town.node.close()
    environment = {"MAHAKAM_TRACES": otlp, "MAHAKAM_PRIVATE_ADDRESSES": "1", **more}
    return RunningNode(town.data, config=(town.config,), open=True, environment=environment, **options)


def delivered(otlp: OtlpReceiver, receiver: Receiver, trace: str, first: str) -> dict[str, Spanned]:
    wanted = {first, "validate", "store", "deliver"}
    until(lambda: receiver.got and otlp.of(trace).keys() >= wanted)
    return otlp.of(trace)


def header(receiver: Receiver) -> list[str]:
    named = {name.lower(): value for name, value in receiver.headers[-1].items()}
    return named["traceparent"].split("-")


def test_one_trace_from_a_write_to_its_notification(tmp_path: Path, store_url: str) -> None:
    town = Town(tmp_path)
    more = {
        "MAHAKAM_STORE": store_url,
        "MAHAKAM_TRACES_KEY": "the-key",
        "MAHAKAM_LOG": "json",
        "MAHAKAM_LOG_LEVEL": "info",
    }
    with OtlpReceiver() as otlp, Receiver() as receiver:
        with serving(town, otlp.url, more, workers=2) as node:
            info = [{"key": "X-Api-Key", "value": "r3ceiver-key"}]
            subscribe(node.url, f"{receiver.uri}&token={SECRET}", receiverInfo=info)
            headers = {**GIVEN, "x-request-id": "proxy-17", "authorization": "Bearer p3rson-key"}
            address = f"{node.url}/ngsi-ld/v1/entities"
            answer = httpx.post(address, json=stop(CODE), headers=headers)
            assert answer.status_code == 201, answer.text
            assert httpx.get(f"{address}?type=BusStop&q=name=={SECRET}").status_code == 400
            found = delivered(otlp, receiver, TRACE, CREATE)
            until(lambda: f'"trace":"{TRACE}"' in node.log())
        request = found[CREATE]
        assert (request.parent, request.kind) == (CALLER, SERVER)
        assert request.facts["mahakam.request"] == "proxy-17"
        assert request.facts["http.response.status_code"] == 201
        assert {found["validate"].parent, found["store"].parent} == {request.id}
        assert (found["deliver"].parent, found["deliver"].kind) == (found["store"].id, PRODUCER)
        assert found["deliver"].facts == {
            "url.scheme": "http",
            "server.address": "127.0.0.1",
            "mahakam.tries": 1,
        }
        assert header(receiver) == ["00", TRACE, found["deliver"].id, "01"]
        assert otlp.keys == {"Bearer the-key"}
        said = b"".join(otlp.raw)
        for word in (CODE, SECRET, VALUE, "r3ceiver-key", "the-key", "p3rson-key", "se-cret", "urn:"):
            assert word.encode() not in said, word
        assert all(one.events == 0 for one in otlp.spans)


def test_a_write_that_is_refused_says_no_more_than_that(tmp_path: Path) -> None:
    with OtlpReceiver() as otlp, serving(Town(tmp_path), otlp.url) as node:
        wrong = stop("A1") | {"seats": 6472011}
        assert httpx.post(f"{node.url}/ngsi-ld/v1/entities", json=wrong, headers=GIVEN).status_code == 400
        until(lambda: CREATE in otlp.of(TRACE))
        found = otlp.of(TRACE)
        assert found["validate"].failed
        assert found["validate"].facts == {"error.type": "Problem"}
        assert found[CREATE].facts["http.response.status_code"] == 400
        assert not found[CREATE].failed
        assert b"6472011" not in b"".join(otlp.raw)


def test_the_trace_outlives_the_process_that_took_the_write(tmp_path: Path) -> None:
    """Its receiver refuses; the server is killed; what is delivered after a restart belongs to the same trace."""
    town = Town(tmp_path)
    with OtlpReceiver() as otlp, Receiver() as receiver:
        receiver.refuse = 10**6
        with serving(town, otlp.url) as node:
            subscribe(node.url, receiver.uri)
            assert (
                httpx.post(f"{node.url}/ngsi-ld/v1/entities", json=stop("A1"), headers=GIVEN).status_code
                == 201
            )
            until(lambda: "deliver" in otlp.of(TRACE))
            assert otlp.of(TRACE)["deliver"].facts["error.type"] == "EndpointError"
            os.killpg(node.pid, signal.SIGKILL)
        receiver.refuse = 0
        with serving(town, otlp.url):
            until(lambda: receiver.got and not otlp.of(TRACE)["deliver"].failed)
        assert header(receiver)[1] == TRACE
        assert otlp.of(TRACE)["deliver"].facts["mahakam.tries"] > 1


def test_one_trace_from_a_run_of_a_feed_to_its_notification(tmp_path: Path, store_url: str) -> None:
    """The run is a command's; the notification is delivered by the server: two processes, one trace."""
    town = Town(tmp_path)
    town.stops()
    more = {"MAHAKAM_STORE": store_url}
    with OtlpReceiver() as otlp, Receiver() as receiver, serving(town, otlp.url, more) as node:
        subscribe(node.url, receiver.uri)
        done = subprocess.run(
            [MAHAKAM, "feed", "run", "town/stops", "--data", str(town.data), "--config", str(town.config)],
            env=os.environ | more | {"MAHAKAM_TRACES": otlp.url}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: len(receiver.got) == 3)
        (run,) = [one for one in otlp.spans if one.name == "feed run"]
        assert run.parent == ""
        assert run.facts["mahakam.state"] == "clean"
        assert run.facts["mahakam.rows.stored"] == 3
        found = delivered(otlp, receiver, run.trace, "feed run")
        assert {found["read"].parent, found["validate"].parent, found["store"].parent} == {run.id}
        assert {one.lower() for one in header(receiver)[:2]} == {"00", run.trace}
        stores = {one.id for one in otlp.spans if one.name == "store"}
        assert found["deliver"].parent in stores
        assert b"Dermaga" not in b"".join(otlp.raw)


def test_one_trace_from_an_upload_to_its_notification(tmp_path: Path) -> None:
    town = Town(tmp_path)
    content = town.stops().read_bytes()
    with OtlpReceiver() as otlp, Receiver() as receiver, serving(town, otlp.url) as node:
        subscribe(node.url, receiver.uri)
        page = f"{node.url}/upload/town/stops"
        with httpx.Client(headers={"origin": node.url}) as client:
            form = hidden(client.get(page).text)
            looked = client.post(page, data=form, files={"file": (f"{SECRET}.csv", content)})
            assert looked.status_code == 200, looked.text
            id = re.search(r'name="id" value="([0-9a-f]{32})"', looked.text)
            assert id, looked.text
            taken = client.post(f"{page}/confirm", data=hidden(looked.text) | {"id": id[1]}, headers=GIVEN)
            assert taken.status_code == 303, taken.text
        found = delivered(otlp, receiver, TRACE, TAKEN)
        request = found[TAKEN]
        assert request.parent == CALLER
        assert found["feed run"].parent == request.id
        assert header(receiver)[1] == TRACE
        said = b"".join(otlp.raw)
        assert SECRET.encode() not in said
        assert id[1].encode() not in said


def test_another_node_goes_on_with_the_trace(tmp_path: Path) -> None:
    one, other = Town(tmp_path / "one"), Town(tmp_path / "other")
    with OtlpReceiver() as otlp, serving(one, otlp.url) as hub, serving(other, otlp.url) as source:
        registration = {
            "id": "urn:r:1", "type": "ContextSourceRegistration", "endpoint": source.url,
            "information": [{"entities": [{"type": "BusStop"}]}],
        }  # fmt: skip
        answer = httpx.post(f"{hub.url}/ngsi-ld/v1/csourceRegistrations", json=registration)
        assert answer.status_code == 201, answer.text
        assert httpx.get(f"{hub.url}/ngsi-ld/v1/entities?type=BusStop", headers=GIVEN).status_code == 200
        until(lambda: len([1 for span in otlp.spans if span.trace == TRACE and span.kind == SERVER]) == 2)
        servers = [span for span in otlp.spans if span.trace == TRACE and span.kind == SERVER]
        (asked,) = [span for span in otlp.spans if span.trace == TRACE and span.name == "ask a source"]
        (first,) = [span for span in servers if span.parent == CALLER]
        assert asked.parent == first.id
        assert {span.parent for span in servers} == {CALLER, asked.id}


@pytest.mark.parametrize(
    "parent", ["", "00-0-0-01", f"00-{'0' * 32}-{CALLER}-01", "x" * 5000, f"ff-{TRACE}-{CALLER}-01"]
)
def test_what_is_no_traceparent_begins_a_trace_of_its_own(parent: str) -> None:
    with OtlpReceiver() as otlp:
        with tracing.kept(otlp.url, "", "1"), tracing.begun("x", parent=parent):
            made = tracing.carried().split("-")[1]
        assert made != TRACE
        assert [(one.trace, one.parent) for one in otlp.spans] == [(made, "")]


@pytest.mark.parametrize(("flag", "kept"), [("01", True), ("00", False)])
def test_who_asks_says_whether_its_trace_is_kept_else_the_share_does(flag: str, kept: bool) -> None:
    with OtlpReceiver() as otlp:
        with tracing.kept(otlp.url, "", "0"):
            with tracing.begun("x", parent=f"00-{TRACE}-{CALLER}-{flag}"), tracing.span("y"):
                assert tracing.carried().startswith(f"00-{TRACE}-")
                assert tracing.carried().endswith(flag)
            with tracing.begun("z"):
                assert not int(tracing.carried()[-2:], 16) & 1
        assert sorted(one.name for one in otlp.spans) == (["x", "y"] if kept else [])


def test_off_nothing_is_loaded_and_nothing_is_passed_on(tmp_path: Path) -> None:
    town = Town(tmp_path)
    with Receiver() as receiver, serving(town, "") as node:
        subscribe(node.url, receiver.uri)
        assert (
            httpx.post(f"{node.url}/ngsi-ld/v1/entities", json=stop("A1"), headers=GIVEN).status_code == 201
        )
        until(lambda: receiver.got)
        assert "traceparent" not in {name.lower() for name in receiver.headers[0]}
    code = (
        "import sys, asyncio, mahakam.app as app\n"
        "from mahakam.api import ngsild; from mahakam.web import site\n"
        "node = app.open_node(app.Settings.from_environment()); ngsild.build(node); site.build(node); node.close()\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"MAHAKAM_DATA": str(tmp_path / "fresh")},
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_a_receiver_that_is_gone_holds_up_nothing(tmp_path: Path) -> None:
    with (
        Receiver() as receiver,
        serving(Town(tmp_path), f"http://127.0.0.1:{free_port()}/v1/traces") as node,
    ):
        subscribe(node.url, receiver.uri)
        for number in range(50):
            entity = stop(f"A{number}")
            assert httpx.post(f"{node.url}/ngsi-ld/v1/entities", json=entity).status_code == 201
        until(lambda: len(receiver.got) == 50)


@pytest.mark.parametrize(
    ("url", "share", "says"),
    [
        ("collector:4318", "1", "the address of an OTLP receiver was expected"),
        ("ftp://collector/x", "1", "the address of an OTLP receiver was expected"),
        ("http://collector:port/", "1", "is no URL"),
        ("http://me:pa55word@collector/", "1", "MAHAKAM_TRACES_KEY"),
        ("http://collector/v1/traces", "half", "a number from 0 to 1"),
        ("http://collector/v1/traces", "1.5", "a number from 0 to 1"),
    ],
)
def test_a_setting_that_cannot_be_is_said(tmp_path: Path, url: str, share: str, says: str) -> None:
    done = subprocess.run(
        [MAHAKAM, "serve", "--data", str(tmp_path / "data"), "--port", str(free_port())],
        env=os.environ | {"MAHAKAM_TRACES": url, "MAHAKAM_TRACES_SHARE": share},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert says in done.stderr
    assert "pa55word" not in done.stderr
    assert "Traceback" not in done.stderr
