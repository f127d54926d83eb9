"""A city's node joins a hub by invitation: what is shared is answered there, and nothing else; revoked at once."""

from __future__ import annotations

import httpx

from nodes.conftest import ONE, STOP, TWO, VALUE, Make, Site, until
from support.api import BASE

Pair = tuple[Site, Site]
INDICATOR = "urn:ngsi-ld:KeyPerformanceIndicator:one"


def _share_key(hub: Site) -> str:
    """The key with which the hub asks, as it is in the hub's store: no answer shows it."""
    from mahakam.store.opening import open_store

    store = open_store("", hub.data)
    try:
        return str(store.tenant().record("node-member", "samarinda")["key"])  # type: ignore[index]
    finally:
        store.close()


def test_a_hub_asks_and_keeps_copies(joined: Pair) -> None:
    hub, city = joined
    stops = hub.query(STOP)
    assert stops == {
        ONE: {"id": ONE, "type": STOP, "waiting": 7, "nameOf": "Pasar Pagi"},
        TWO: {"id": TWO, "type": STOP, "waiting": 3, "nameOf": "Tepian"},
    }
    assert hub.here(STOP) == {}, "a stop is asked for, not copied"
    until(lambda: INDICATOR in hub.here(VALUE), "what there was before joining is copied")
    city.change(INDICATOR, calculated=62)
    until(lambda: hub.here(VALUE)[INDICATOR]["calculated"] == 62, "a change is copied")
    city.delete(INDICATOR)
    until(lambda: not hub.here(VALUE), "a deletion is copied")
    member = hub.member("samarinda")
    assert (member["state"], member["held"], member["push"]) == ("active", 0, [VALUE])
    assert city.facts()["hubs"][0]["told"] is True


def test_a_field_that_is_not_shared_never_comes(joined: Pair) -> None:
    hub, city = joined
    key = _share_key(hub)
    for query in (
        {"type": STOP},
        {"type": STOP, "q": "secret==1"},
        {"type": STOP, "q": "!secret"},
        {"type": STOP, "q": "secret!=2"},
        {"type": STOP, "attrs": "secret"},
        {"type": STOP, "attrs": "secret,waiting"},
        {"type": STOP, "pick": "id,secret"},
        {"type": STOP, "orderBy": "secret"},
        {"type": STOP, "options": "sysAttrs"},
        {"id": ONE},
        {"idPattern": "."},
        {"type": "Ledger"},
        {"q": "amount==12"},
    ):
        answer = city.api("GET", f"{BASE}/entities", key=key, params=query)
        assert "secret" not in answer.text or answer.status_code == 400, (query, answer.text)
        assert "Ledger" not in answer.text, (query, answer.text)
        if "q" in query:
            assert answer.json() == [], query
    by_secret = [one["id"] for one in city.get("/entities", key, type=STOP, orderBy="secret;desc")]
    assert by_secret == [one["id"] for one in city.get("/entities", key, type=STOP, orderBy="secret")]
    assert city.get("/entities", key, type=STOP, attrs="secret") == []
    assert len(city.get("/entities", key, type=STOP, attrs="secret,waiting")) == 2
    assert city.get(f"/entities/{ONE}", key) == {
        "id": ONE,
        "type": STOP,
        "waiting": {"type": "Property", "value": 7},
        "nameOf": {"type": "Property", "value": "Pasar Pagi"},
    }
    assert city.api("GET", f"{BASE}/entities/urn:ngsi-ld:Ledger:one", key=key).status_code == 404
    count = city.api(
        "GET", f"{BASE}/entities", key=key, params={"type": STOP, "q": "secret>0", "count": "true"}
    )
    assert count.headers["ngsild-results-count"] == "0"
    assert sorted(city.get("/types", key)["typeList"]) == [STOP, VALUE]
    assert sorted(city.get("/attributes", key)["attributeList"]) == ["calculated", "nameOf", "waiting"]
    assert city.api("GET", f"{BASE}/types/Ledger", key=key).status_code == 404
    history = city.get(f"/temporal/entities/{ONE}", key)
    assert sorted(history.keys() - {"id", "type"}) == ["nameOf", "waiting"]
    assert city.api("GET", f"{BASE}/temporal/entities/urn:ngsi-ld:Ledger:one", key=key).status_code == 404
    period = {"timerel": "after", "timeAt": "2020-01-01T00:00:00Z", "timeproperty": "modifiedAt"}
    many = city.api("GET", f"{BASE}/temporal/entities", key=key, params={**period, "type": f"{STOP},Ledger"})
    assert len(many.json()) == 2, many.text
    assert "secret" not in many.text
    posted = city.api(
        "POST",
        f"{BASE}/entityOperations/query",
        key=key,
        json={"type": "Query", "entities": [{"type": STOP}], "q": "secret==1"},
    )
    assert posted.json() == []


def test_the_key_does_nothing_but_read_what_is_shared(joined: Pair) -> None:
    hub, city = joined
    key = _share_key(hub)
    subscription = {
        "type": "Subscription",
        "entities": [{"type": STOP}],
        "notification": {"endpoint": {"uri": f"{hub.url}/nodes/notify"}},
    }
    for method, path, body in (
        ("POST", "/entities", {"id": "urn:x:1", "type": STOP}),
        ("PATCH", f"/entities/{ONE}/attrs", {"waiting": 1}),
        ("DELETE", f"/entities/{ONE}", None),
        ("POST", "/subscriptions", subscription),
        ("GET", "/subscriptions", None),
        ("GET", "/csourceRegistrations?type=X", None),
        ("POST", "/csourceRegistrations", {}),
        ("GET", "/jsonldContexts", None),
    ):
        answer = city.api(method, BASE + path, key=key, json=body)
        assert answer.status_code in (401, 403), (method, path, answer.text)
    other = city.api(
        "GET", f"{BASE}/entities", key=key, params={"type": STOP}, headers={"ngsild-tenant": "t"}
    )
    assert other.status_code in (403, 404)
    # Elsewhere it opens nothing, and never more than a stranger gets: not even on a node that is open to everybody.
    for path in ("/catalogue", "/api/3/action/package_list", "/data"):
        assert "secret" not in city.api("GET", path, key=key, headers={"accept": "text/csv"}).text


def test_what_is_answered_on_arrival_is_what_the_whole_way_answers(joined: Pair) -> None:
    hub, city = joined
    key = _share_key(hub)

    def answers(query: dict[str, str]) -> list[tuple[bytes, str | None]]:
        """On arrival, and the whole way, which a header that says more makes it go."""
        asked = [city.api("GET", f"{BASE}/entities", key=key, params=query, headers=more)
                 for more in ({}, {"x-request-id": "the-whole-way"})]  # fmt: skip
        return [(one.content, one.headers.get("link")) for one in asked]

    for query in (
        {"type": STOP},
        {"type": STOP, "limit": "1"},
        {"type": f"{STOP},Ledger"},
        {"type": "Ledger"},
        {"type": STOP, "q": "waiting>3"},
        {"type": STOP, "q": "secret>0"},
        {"type": STOP, "q": "!secret"},
        {"type": STOP, "idPattern": "."},
    ):
        quick, whole = answers(query)
        assert quick == whole, query
    city.change(ONE, waiting=9, secret=5)
    for content, _ in answers({"type": STOP}):
        assert b'"value":9' in content, content
        assert b"secret" not in content
    city.run("change", hub.id, "--share", f"{STOP}:nameOf")
    for content, _ in answers({"type": STOP}):
        assert b"waiting" not in content, content
        assert b"Pasar Pagi" in content, content


def test_what_a_node_shares_of_several_types_is_counted_once(hub: Site, city: Site) -> None:
    shared = ("--share", f"{STOP}:waiting", "--share", "Ledger:amount", "--push", "none")
    city.run("join", hub.invite("samarinda"), *shared)
    many = hub.api(
        "GET", f"{BASE}/entities", params={"type": f"{STOP},Ledger", "limit": "1", "count": "true"}
    )
    assert many.headers["ngsild-results-count"] == "3"
    pages = [
        one["id"]
        for offset in range(4)
        for one in hub.get("/entities", type=f"{STOP},Ledger", limit="1", offset=str(offset))
    ]
    assert sorted(pages) == sorted([ONE, TWO, "urn:ngsi-ld:Ledger:one"])


def test_the_hubs_registrations_never_show_the_key(joined: Pair) -> None:
    hub, _ = joined
    key = _share_key(hub)
    listed = hub.api("GET", f"{BASE}/csourceRegistrations", params={"type": STOP})
    (one,) = listed.json()
    assert "contextSourceInfo" not in one
    assert key not in listed.text
    path = f"{BASE}/csourceRegistrations/{one['id']}"
    assert hub.api("PATCH", path, json={"endpoint": "http://127.0.0.1:1"}).status_code == 403
    assert hub.api("DELETE", path).status_code == 403
    assert key not in hub.node.log()


def test_a_revoked_share_answers_nothing_from_that_moment(joined: Pair) -> None:
    hub, city = joined
    until(lambda: INDICATOR in hub.here(VALUE), "copies")
    key = _share_key(hub)
    hub.stop()  # so that the hub cannot be told
    city.run("revoke", hub.id)
    refused = city.api("GET", f"{BASE}/entities", key=key, params={"type": STOP})
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("ShareRevoked")
    assert city.api("GET", f"{BASE}/entities/{ONE}", key=key).status_code == 403
    city.change(INDICATOR, calculated=99)
    hub.start()
    until(lambda: hub.member("samarinda")["state"] == "ended", "the hub hears of it")
    until(lambda: not hub.here(VALUE), "its copies go")
    assert hub.query(STOP) == {}
    assert hub.get("/csourceRegistrations", type=STOP) == []
    until(lambda: city.facts()["hubs"][0]["told"], "the city knows that the hub knows")


def test_a_hub_learns_from_an_answer_that_the_share_is_revoked(joined: Pair) -> None:
    hub, city = joined
    until(lambda: INDICATOR in hub.here(VALUE), "copies")
    hub.stop()
    city.stop()
    city.run("revoke", hub.id)  # of which the hub hears nothing
    _as_if_told(city, hub.id)
    hub.start()
    assert hub.query(STOP) == {}, "the node is down"
    assert hub.member("samarinda")["state"] == "active"
    city.start()
    until(lambda: hub.query(STOP) == {} and hub.member("samarinda")["state"] == "ended", "ended")
    assert hub.here(VALUE) == {}


def _as_if_told(city: Site, hub: str) -> None:
    """The city believes that the hub knows of the end: its rounds tell it no more."""
    from mahakam.store.opening import open_store

    store = open_store("", city.data)
    tenant = store.tenant()
    try:
        record = tenant.record("sharing", hub)
        assert record is not None
        tenant.write(lambda transaction: transaction.save_record("sharing", hub, {**record, "push_key": ""}))
    finally:
        store.close()


def test_a_hub_ends_a_membership(joined: Pair) -> None:
    hub, city = joined
    until(lambda: INDICATOR in hub.here(VALUE), "copies")
    hub.run("end", "samarinda")
    assert hub.here(VALUE) == {}
    assert hub.query(STOP) == {}
    until(lambda: city.facts()["hubs"][0]["state"] == "ended", "the city hears of it")
    city.change(INDICATOR, calculated=99)
    assert hub.here(VALUE) == {}


def test_an_invitation_is_for_one(hub: Site, city: Site, make: Make) -> None:
    text = hub.invite("samarinda")
    city.run("join", text, "--share", f"{STOP}:waiting")
    other = make("bontang")
    other.create(ONE, STOP, waiting=1)
    assert "used already" in other.run("join", text, "--share", STOP, code=2)
    assert other.facts()["hubs"] == []
    wrong = text[:-4] + "AAAA"
    assert "no such invitation" in other.run("join", wrong, "--share", STOP, code=2)
    assert "not whole" in other.run("join", text[:-30], "--share", STOP, code=2)
    assert "no invitation" in other.run("join", "hello", "--share", STOP, code=2)
    second = hub.invite("bontang")
    id = next(one["id"] for one in hub.facts()["invitations"])
    hub.run("take-back", id)
    assert "took the invitation back" in other.run("join", second, "--share", STOP, code=2)
    expired = hub.invite("bontang")
    _expire_all(hub)
    assert "expired" in other.run("join", expired, "--share", STOP, code=2)


def _expire_all(hub: Site) -> None:
    from mahakam.store.opening import open_store

    store = open_store("", hub.data)
    tenant = store.tenant()
    try:
        for digest, record in tenant.records("node-invitation").items():
            tenant.write(
                lambda transaction, digest=digest, record=record: transaction.save_record(
                    "node-invitation", digest, {**record, "expires": 1.0}
                )
            )
    finally:
        store.close()


def test_what_is_not_public_needs_a_reason(hub: Site, city: Site) -> None:
    (city.data / "config").mkdir()
    (city.data / "config" / "rights.yaml").write_text("types: {BusStop: {secret: personal}}\n")
    config = ("--config", str(city.data / "config"))
    text = hub.invite("samarinda")
    assert "personal" in city.run("join", text, "--share", f"{STOP}:waiting,secret", *config, code=2)
    city.run("join", text, "--share", f"{STOP}:waiting,secret", "--reason", f"{STOP}.secret=Agreed", *config)
    assert hub.query(STOP)[ONE]["secret"] == 1


def test_no_address_outside_is_asked_of_a_node_that_may_not(hub: Site, city: Site) -> None:
    text = hub.invite("samarinda")
    answer = httpx.post(
        f"{hub.url}/nodes/join",
        json={"code": text.partition("#")[2], "attempt": "x" * 30, "address": "file:///etc/passwd", "key": "mhs_x",
              "version": 1, "shares": {STOP: ["waiting"]}, "push": []},
    )  # fmt: skip
    assert answer.status_code == 400
    assert "address" in answer.json()["title"]
