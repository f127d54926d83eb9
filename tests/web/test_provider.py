"""Sign-in by OpenID Connect: through a real provider, and refused where a lying one says what does not hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from mahakam.access import accounts, second_step, sessions
from mahakam.access.accounts import IDENTITY, add_account
from mahakam.access.provider import asking, flow
from support.openid import CLIENT, PEOPLE, SECRET, Liar, OpenIdProvider, signin_yaml
from support.portal import Browser, Portal, two_cities, words_of

PASSWORD = "correct horse battery"
NODE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def real() -> Iterator[OpenIdProvider]:
    with OpenIdProvider(NODE) as provider:
        yield provider


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar() as provider:
        yield provider


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    portals: list[Portal] = []

    def open_portal(issuer: str, more: str = "", **settings: Any) -> Portal:
        places = two_cities(tmp_path / f"places-{len(portals)}")
        (places / "signin.yaml").write_text(signin_yaml(issuer, more))
        portals.append(Portal(tmp_path / f"data-{len(portals)}", places, signin_secret=SECRET, **settings))
        return portals[-1]

    yield open_portal
    for portal in portals:
        portal.node.close()


def begun(browser: Browser, next: str = "") -> tuple[str, dict[str, str]]:
    """The address to which the node sends the browser, and its query."""
    answer = browser.get(f"/signin/provider?{urlencode({'next': next})}")
    assert answer.status_code == 303, words_of(answer.text)
    url = answer.headers["location"]
    return url, {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def path_of(url: str) -> str:
    return url.removeprefix(NODE)


def through(browser: Browser, provider: OpenIdProvider, login: str, next: str = "") -> httpx.Response:
    return browser.get(path_of(provider.signed_in(begun(browser, next)[0], login)))


def who(portal: Portal) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {one.name: (one.roles, one.places) for one in accounts.accounts(portal.node.store.tenant())}


def audited(portal: Portal, action: str) -> list[str]:
    return [entry.detail for entry in portal.node.store.tenant().audit_entries(action=action)]


def is_in(browser: Browser) -> bool:
    return "Sign out" in browser.get("/signin?lang=en").text


# through a real provider


def test_whoever_the_provider_vouches_for_gets_what_the_file_says_and_no_more(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    portal = opened(real.issuer)
    browser = portal.browser()
    page = browser.get("/signin?lang=en").text
    assert "Sign in with Provincial account" in page
    assert "There is no account here yet" not in page
    url, query = begun(browser, "/queue")
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{NODE}/signin/callback"
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    answer = browser.get(path_of(real.signed_in(url, "sub-ani")))
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert browser.get("/queue").status_code == 200
    assert who(portal) == {"ani": (("officer",), ("town",))}
    # Budi is in both groups: the first line that holds counts, they are not added up.
    assert through(portal.browser(), real, "sub-budi").status_code == 303
    assert who(portal)["budi"] == (("steward",), ("bay",))
    entries = portal.node.store.tenant().audit_entries(action="sign-in")
    assert {entry.object for entry in entries} == {"account/ani", "account/budi"}


def test_whom_no_line_names_is_told_so_and_has_nothing(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    portal = opened(real.issuer)
    browser = portal.browser()
    browser.get("/signin?lang=en")
    answer = through(browser, real, "sub-tamu")
    assert answer.status_code == 403
    assert "Provincial account knows you, but you have no role on this node yet" in words_of(answer.text)
    assert who(portal) == {}
    assert not is_in(browser)
    assert '"why":"role"' in audited(portal, "sign-in.refused")[0].replace(" ", "")


def test_a_line_without_when_makes_residents_of_the_others(
    opened: Callable[..., Portal], real: OpenIdProvider, tmp_path: Path
) -> None:
    portal = opened(real.issuer)
    path = tmp_path / "places-0" / "signin.yaml"
    path.write_text(path.read_text() + "  - {role: resident, places: [town]}\n")
    assert through(portal.browser(), real, "sub-tamu").status_code == 303
    assert who(portal) == {"tamu": (("resident",), ("town",))}


def test_an_answer_is_taken_once_and_in_the_browser_that_began(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    portal = opened(real.issuer)
    browser, thief = portal.browser(), portal.browser()
    back = path_of(real.signed_in(begun(browser)[0], "sub-ani"))
    begun(thief)  # it has a cookie of its own sign-in
    assert thief.get(back).status_code == 400
    assert not is_in(thief)
    assert browser.get(back).status_code == 303
    again = browser.get(back)
    assert again.status_code == 400, "the state is used"
    # The code again, with a state that holds: the provider refuses it, and the node says so.
    code = parse_qs(urlsplit(back).query)["code"][0]
    fresh = portal.browser()
    fresh.get("/signin?lang=en")
    state = begun(fresh)[1]["state"]
    answer = fresh.get(f"/signin/callback?{urlencode({'code': code, 'state': state, 'iss': real.issuer})}")
    assert answer.status_code == 401
    assert "nobody was signed in" in words_of(answer.text)
    assert not is_in(fresh)


@pytest.mark.parametrize("change", ["state", "iss", "no iss", "no code", "no state"])
def test_a_tampered_answer_signs_nobody_in(
    opened: Callable[..., Portal], real: OpenIdProvider, change: str
) -> None:
    portal = opened(real.issuer)
    browser = portal.browser()
    back = urlsplit(real.signed_in(begun(browser)[0], "sub-ani"))
    query = {name: values[0] for name, values in parse_qs(back.query).items()}
    match change:
        case "state":
            query["state"] = query["state"][:-1] + ("A" if query["state"][-1] != "A" else "B")
        case "iss":
            query["iss"] = "https://evil.example"
        case other:
            del query[other.removeprefix("no ")]
    answer = browser.get(f"{back.path}?{urlencode(query)}")
    assert answer.status_code in (400, 401, 502)
    assert 'role="alert"' in answer.text
    assert not is_in(browser)
    assert who(portal) == {}


def test_a_sign_in_holds_ten_minutes(
    opened: Callable[..., Portal], real: OpenIdProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = opened(real.issuer).browser()
    back = path_of(real.signed_in(begun(browser)[0], "sub-ani"))
    late = time.time() + flow.LASTS + 1
    monkeypatch.setattr(flow.time, "time", lambda: late)
    assert browser.get(back).status_code == 400


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y"],
)
def test_nobody_is_led_away_from_the_node(
    opened: Callable[..., Portal], real: OpenIdProvider, target: str
) -> None:
    answer = through(opened(real.issuer).browser(), real, "sub-ani", target)
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")


def test_who_says_no_at_the_provider_is_back_at_the_sign_in(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    browser = opened(real.issuer).browser()
    browser.get("/signin?lang=en")
    state = begun(browser)[1]["state"]
    query = urlencode(
        {"error": "access_denied", "state": state, "iss": real.issuer, "error_description": "<b>x"}
    )
    answer = browser.get(f"/signin/callback?{query}")
    assert answer.status_code == 401
    assert "Provincial account did not sign you in" in words_of(answer.text)
    assert "<b>x" not in answer.text


def test_a_provider_that_is_away_closes_no_other_door(opened: Callable[..., Portal]) -> None:
    provider = OpenIdProvider(NODE)  # never started
    portal = opened(provider.issuer)
    add_account(portal.node.store.tenant(), "siti", PASSWORD, ["officer"], ["town"])
    browser = portal.browser()
    browser.get("/signin?lang=en")
    answer = browser.get("/signin/provider?next=/queue")
    assert answer.status_code == 502
    assert "cannot be reached now" in words_of(answer.text)
    assert 'name="next" value="/queue"' in answer.text
    signed = browser.fill("/signin?next=/queue", {"name": "siti", "password": PASSWORD})
    assert (signed.status_code, signed.headers["location"]) == (303, "/queue")


def test_keys_are_rotated(opened: Callable[..., Portal], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LOOK_AGAIN", -1.0)
    with OpenIdProvider(NODE) as provider:
        portal = opened(provider.issuer)
        assert through(portal.browser(), provider, "sub-ani").status_code == 303
        provider.stop()
        provider.start()  # with another key, under another name
        assert through(portal.browser(), provider, "sub-budi").status_code == 303


def test_what_the_provider_takes_back_is_gone(opened: Callable[..., Portal]) -> None:
    people = {name: dict(claims) for name, claims in PEOPLE.items()}
    with OpenIdProvider(NODE, people) as provider:
        portal = opened(provider.issuer)
        browser = portal.browser()
        through(browser, provider, "sub-ani")
        assert browser.get("/queue").status_code == 200
        provider.stop()
        provider.people["sub-ani"]["groups"] = []
        provider.start()
        portal.node.provider._keys = (0.0, {})  # type: ignore[union-attr]
        assert through(portal.browser(), provider, "sub-ani").status_code == 403
        assert who(portal) == {"ani": ((), ())}
        assert browser.get("/queue").status_code == 303, "the session that was has ended"
        provider.stop()
        provider.people["sub-ani"]["groups"] = ["walidata"]
        provider.start()
        portal.node.provider._keys = (0.0, {})  # type: ignore[union-attr]
        assert through(portal.browser(), provider, "sub-ani").status_code == 303
        assert who(portal) == {"ani": (("steward",), ("bay",))}


# whose account it is


def test_an_account_of_the_same_name_is_never_taken_over(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    portal = opened(real.issuer, "link: email")
    add_account(portal.node.store.tenant(), "ani", PASSWORD, ["admin"])
    browser = portal.browser()
    browser.get("/signin?lang=en")
    answer = through(browser, real, "sub-ani")
    assert answer.status_code == 403
    assert "is another account's here" in words_of(answer.text)
    assert who(portal) == {"ani": (("admin",), ("*",))}


@pytest.mark.parametrize(
    ("more", "verified", "roles", "linked"),
    [
        ("link: email", True, ["officer"], True),
        ("link: email", False, ["officer"], False),
        ("link: email", "true", ["officer"], False),
        ("", True, ["officer"], False),
        ("link: email", True, ["admin"], False),
    ],
)
def test_an_account_is_linked_by_a_verified_address_where_the_file_says_so(
    opened: Callable[..., Portal], liar: Liar, more: str, verified: object, roles: list[str], linked: bool
) -> None:
    portal = opened(liar.issuer, more)
    store = portal.node.store.tenant()
    add_account(store, "Ani@kota.example", PASSWORD, roles, ["bay"])
    browser = portal.browser()
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"]) | {"email": "ani@Kota.example", "email_verified": verified}
    answer = browser.get(f"/signin/callback?code=c&state={query['state']}")
    assert answer.status_code == 303
    expected = "ani@kota.example" if linked else "ani"
    assert who(portal)["ani@kota.example"] == (tuple(roles), ("bay",)), "it keeps the roles it was given here"
    assert [one["account"] for one in store.records(IDENTITY).values()] == [expected]
    assert ("ani" in who(portal)) is not linked
    if linked:  # another subject with that address is not them
        other = portal.browser()
        query = begun(other)[1]
        liar.claims = liar.honest(query["nonce"]) | {
            "sub": "other", "email": "ani@kota.example", "email_verified": True, "preferred_username": "eve",
        }  # fmt: skip
        assert other.get(f"/signin/callback?code=c&state={query['state']}").status_code == 303
        assert who(portal)["eve"] == (("officer",), ("town",))
        assert len(audited(portal, "account.link")) == 1
    accounts.remove_account(store, expected)
    assert expected not in [one["account"] for one in store.records(IDENTITY).values()]


def test_an_account_of_the_provider_has_no_password(
    opened: Callable[..., Portal], real: OpenIdProvider
) -> None:
    portal = opened(real.issuer)
    browser = portal.browser()
    through(browser, real, "sub-ani")
    assert "have no password here" in words_of(browser.get("/account?lang=en").text)
    for password in ("", "x", PASSWORD):
        assert accounts.verify(portal.node.store.tenant(), "ani", password) is None
    assert portal.browser().fill("/signin", {"name": "ani", "password": ""}).status_code == 401


def test_the_second_step_is_asked_for_unless_the_provider_had_one(
    opened: Callable[..., Portal], liar: Liar
) -> None:
    portal = opened(liar.issuer, "second_step: {amr: [mfa, otp]}", second_step="officer")
    browser = portal.browser()
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"]) | {"amr": ["pwd"]}
    answer = browser.get(f"/signin/callback?code=c&state={query['state']}")
    assert answer.status_code == 200
    assert not is_in(browser)
    assert second_step.offered(portal.node.store.tenant(), "ani")
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"]) | {"amr": ["pwd", "otp"]}
    assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == 303
    assert is_in(browser)


def test_signing_out_ends_it_at_the_provider_too(opened: Callable[..., Portal], real: OpenIdProvider) -> None:
    portal = opened(real.issuer)
    browser = portal.browser()
    through(browser, real, "sub-ani")
    page = browser.get("/signin")
    assert f"form-action 'self' {real.issuer};" in page.headers["content-security-policy"]
    answer = browser.fill("/signin", {}, action="/signout")
    url = urlsplit(answer.headers["location"])
    assert f"{url.scheme}://{url.netloc}" == real.issuer
    assert parse_qs(url.query) == {"client_id": [CLIENT], "post_logout_redirect_uri": [f"{NODE}/signin"]}
    assert not is_in(browser)
    store = portal.node.store.tenant()
    add_account(store, "siti", PASSWORD, ["officer"], ["town"])
    browser.cookies.set(
        sessions.cookie_name(store), sessions.begin_session(store, accounts.account(store, "siti"))
    )  # type: ignore[arg-type]
    assert browser.fill("/signin", {}, action="/signout").headers["location"] == "/signin"


# what does not hold

WRONG: dict[str, dict[str, Any]] = {
    "nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "audience": {"aud": "somebody-else"},
    "two audiences, the other is the party": {"aud": [CLIENT, "x"], "azp": "x"},
    "two audiences, no party": {"aud": [CLIENT, "x"]},
    "expired": {"exp": int(time.time()) - 3600},
    "no end": {"exp": None},
    "not yet": {"nbf": int(time.time()) + 36_000},
    "issued tomorrow": {"iat": int(time.time()) + 86_400},
    "no subject": {"sub": None},
    "empty subject": {"sub": ""},
    "a number as subject": {"sub": 7},
    "hash of another access token": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("case", WRONG)
def test_an_id_token_that_does_not_hold_signs_nobody_in(
    opened: Callable[..., Portal], liar: Liar, case: str
) -> None:
    portal = opened(liar.issuer)
    browser = portal.browser()
    query = begun(browser)[1]
    claims = liar.honest(query["nonce"]) | WRONG[case]
    liar.claims = {name: value for name, value in claims.items() if value is not None}
    answer = browser.get(f"/signin/callback?code=c&state={query['state']}")
    assert answer.status_code == 401
    assert not is_in(browser)
    assert who(portal) == {}
    assert '"why":"token"' in audited(portal, "sign-in.refused")[0].replace(" ", "")


def test_the_honest_one_holds(opened: Callable[..., Portal], liar: Liar) -> None:
    browser = opened(liar.issuer).browser()
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"])
    assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == 303
    assert is_in(browser)
    form = next(fields for path, fields in liar.asked if path == "/token")
    assert form["code"] == "c"
    assert len(form["code_verifier"]) >= 43
    assert "client_secret" not in form, "it goes into the header"


def _unsigned(liar: Liar) -> str:
    import base64
    import json

    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(liar.claims)}."


def _by_secret(liar: Liar) -> str:
    return jwt.encode({"alg": "HS256", "kid": "one"}, liar.claims, OctKey.import_key(SECRET), ["HS256"])


def _by_another(liar: Liar) -> str:
    return jwt.encode(liar.header, liar.claims, RSAKey.generate_key(2048), ["RS256"])


def _of_unknown_key(liar: Liar) -> str:
    return jwt.encode({"alg": "RS256", "kid": "unknown"}, liar.claims, liar.key, ["RS256"])


@pytest.mark.parametrize(
    "made", [_unsigned, _by_secret, _by_another, _of_unknown_key, lambda _liar: "no.token", lambda _liar: 7]
)
def test_a_signature_that_is_not_the_providers_signs_nobody_in(
    opened: Callable[..., Portal], liar: Liar, made: Callable[[Liar], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = opened(liar.issuer)
    browser = portal.browser()
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"])
    forged = made(liar)
    monkeypatch.setattr(liar, "id_token", lambda: forged)
    assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == 401
    assert who(portal) == {}


def test_userinfo_adds_but_never_of_another(opened: Callable[..., Portal], liar: Liar) -> None:
    liar.userinfo = {"sub": "sub-ani", "groups": ["walidata"]}
    portal = opened(liar.issuer)
    browser = portal.browser()
    query = begun(browser)[1]
    liar.claims = {name: value for name, value in liar.honest(query["nonce"]).items() if name != "groups"}
    assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == 303
    assert who(portal) == {"ani": (("steward",), ("bay",))}
    liar.userinfo = {"sub": "sub-budi", "groups": ["walidata"]}
    other = portal.browser()
    query = begun(other)[1]
    liar.claims = liar.honest(query["nonce"])
    assert other.get(f"/signin/callback?code=c&state={query['state']}").status_code == 401


@pytest.mark.parametrize("name", ["", None, "<b>", "x" * 65, {"a": 1}])
def test_a_name_that_is_none_is_said_to_be_missing(
    opened: Callable[..., Portal], liar: Liar, name: object
) -> None:
    portal = opened(liar.issuer)
    browser = portal.browser()
    query = begun(browser)[1]
    liar.claims = liar.honest(query["nonce"]) | {"preferred_username": name}
    assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == 403
    assert who(portal) == {}


# what a provider says of itself

ABOUT: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://evil.example"},
    "a plain token endpoint": {"token_endpoint": "http://login.example.org/token"},
    "no address": {"jwks_uri": 7},
    "a file": {"jwks_uri": "file:///etc/passwd"},
    "a password in it": {"token_endpoint": "https://a:b@login.example.org/"},
}


@pytest.mark.parametrize("case", ABOUT)
def test_a_discovery_document_that_does_not_hold_leads_nowhere(
    opened: Callable[..., Portal], liar: Liar, case: str
) -> None:
    liar.document = ABOUT[case]
    answer = opened(liar.issuer).browser().get("/signin/provider")
    assert answer.status_code == 502
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[::ffff:10.0.0.1]", "127.0.0.2"])
def test_the_provider_cannot_make_the_node_ask_its_own_network(
    opened: Callable[..., Portal], liar: Liar, host: str
) -> None:
    liar.document = {"token_endpoint": f"https://{host}/token"}
    portal = opened(liar.issuer)
    browser = portal.browser()
    query = begun(browser)[1]
    answer = browser.get(f"/signin/callback?code=c&state={query['state']}")
    assert answer.status_code == 502
    assert "private address" in audited(portal, "sign-in.refused")[0]


def test_an_answer_without_end_is_cut_off(opened: Callable[..., Portal], liar: Liar) -> None:
    liar.padding = asking.MOST + 1
    portal = opened(liar.issuer)
    assert portal.browser().get("/signin/provider").status_code == 502
    assert "KiB" in audited(portal, "sign-in.refused")[0]


def test_a_refused_code_and_a_broken_token_endpoint(opened: Callable[..., Portal], liar: Liar) -> None:
    portal = opened(liar.issuer)
    for status, shown in ((400, 401), (401, 401), (500, 502)):
        browser = portal.browser()
        query = begun(browser)[1]
        liar.claims, liar.token_status = liar.honest(query["nonce"]), status
        assert browser.get(f"/signin/callback?code=c&state={query['state']}").status_code == shown
        assert SECRET not in "".join(audited(portal, "sign-in.refused"))


def test_another_site_cannot_begin_a_sign_in(opened: Callable[..., Portal], liar: Liar) -> None:
    """Who is signed in at the provider would be signed in here, by a link, without having wished it."""
    browser = opened(liar.issuer).browser()
    for said in ({"Sec-Fetch-Site": "cross-site"}, {"Referer": "https://evil.example/"}):
        answer = browser.get("/signin/provider?next=/queue", **said)
        assert (answer.status_code, answer.headers["location"]) == (303, "/signin?next=%2Fqueue")
        assert "set-cookie" not in answer.headers
    began = browser.get("/signin/provider", **{"Sec-Fetch-Site": "same-origin"})
    assert began.headers["location"].startswith(liar.issuer)


def test_an_address_cannot_begin_without_end(
    opened: Callable[..., Portal], liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mahakam.web.pages import provider

    monkeypatch.setattr(provider, "TURNS", 3)
    browser = opened(liar.issuer).browser()
    for _ in range(3):
        begun(browser)
    answer = browser.get("/signin/provider")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def test_without_a_provider_there_is_no_such_door(tmp_path: Path) -> None:
    with Portal(tmp_path / "data", two_cities(tmp_path / "places")) as portal:
        browser = portal.browser()
        assert "/signin/provider" not in browser.get("/signin").text
        for path in ("/signin/provider", "/signin/callback?code=c&state=s"):
            assert browser.get(path).headers["location"] == "/signin"
