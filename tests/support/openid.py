"""OpenID providers for tests: a real one (npm's oidc-provider), and one that lies as it is told."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from mahakam.web.build import node_program
from support.node import free_port

FOLDER = Path(__file__).parent / "oidc"
CLIENT, SECRET = "mahakam", "a secret of these tests"
PEOPLE: dict[str, dict[str, Any]] = {
    "sub-ani": {
        "preferred_username": "ani",
        "groups": ["dishub"],
        "email": "ani@kota.example",
        "email_verified": True,
    },
    "sub-budi": {"preferred_username": "budi", "groups": ["walidata", "dishub"]},
    "sub-tamu": {"preferred_username": "tamu", "groups": ["visitors"]},
}


def signin_yaml(issuer: str, more: str = "") -> str:
    """A signin.yaml for the two cities of the tests."""
    return f"""issuer: {issuer}
client: {CLIENT}
name: {{en: Provincial account, id: Akun provinsi}}
{more}
roles:
  - when: {{groups: walidata}}
    role: steward
    places: [bay]
  - when: {{groups: dishub}}
    role: officer
    places: [town]
"""


class OpenIdProvider:
    """oidc-provider on a free port of 127.0.0.1, as a context manager; ``make setup`` installs it.

    ``node``: the address of the Mahakam that it knows as a client. ``restart`` gives it other signing keys.
    """

    def __init__(self, node: str, people: Mapping[str, dict[str, Any]] = PEOPLE) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.people = dict(people)
        self._node = node
        self._kid = 0
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the provider

    def start(self) -> None:
        assert (FOLDER / "node_modules/oidc-provider").is_dir(), "the provider is not installed: make setup"
        self._kid += 1
        client = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [f"{self._node}/signin/callback"],
            "post_logout_redirect_uris": [f"{self._node}/signin"],
            "backchannel_logout_uri": f"{self._node}/signin/signed-out",
            "backchannel_logout_session_required": True,
        }
        said = {"port": self.port, "kid": f"key-{self._kid}", "people": self.people, "clients": [client]}
        self._process = subprocess.Popen(
            [node_program(), str(FOLDER / "server.mjs"), json.dumps(said)],
            stdout=self._log, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        until = time.monotonic() + 120
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if httpx.get(f"{self.issuer}/jwks", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        self._log.seek(0)
        raise RuntimeError(f"the provider did not start:\n{self._log.read()[-3000:]}")

    def log(self) -> str:
        """What the provider has printed."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> OpenIdProvider:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def signed_in(self, url: str, login: str) -> str:
        """Somebody goes where the node sent them, signs in and agrees: the address to which they come back."""
        with httpx.Client() as browser:
            return self.passed(browser, url, login)

    def passed(self, browser: httpx.Client, url: str, login: str) -> str:
        """The same in a browser that stays signed in at the provider."""
        answer = browser.get(url)
        for _ in range(20):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(self._node):
                    return target
                answer = browser.get(target)
                continue
            assert answer.status_code == 200, answer.text
            action, prompt = (
                re.search(pattern, answer.text)
                for pattern in (r'action="([^"]+)"', r'name="prompt" value="([^"]+)"')
            )
            assert action, answer.text
            assert prompt, answer.text
            fields = {"prompt": prompt[1], "login": login, "password": "any"}
            answer = browser.post(urljoin(str(answer.url), action[1]), data=fields)
        raise AssertionError("the provider leads round and round")

    def sign_out(self, browser: httpx.Client) -> None:
        """Somebody signs out on the provider's own page, which tells the node of it."""
        shown = browser.get(f"{self.issuer}/session/end")
        xsrf = re.search(r'name="xsrf" value="([^"]+)"', shown.text)
        action = re.search(r'action="([^"]+)"', shown.text)
        assert xsrf, shown.text
        assert action, shown.text
        done = browser.post(action[1], data={"xsrf": xsrf[1], "logout": "yes"})
        assert done.status_code in (200, 303), done.text


class Liar:
    """A provider whose answers a test sets, on a thread of the test: ``claims`` go into the next ID token as they are.

    ``document`` and ``keys`` are added to what it says of itself; ``tokens`` replace its answer of the token endpoint.
    """

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.document: dict[str, Any] = {}
        self.published: list[dict[str, Any]] = [self.key.as_dict(private=False)]
        self.userinfo: dict[str, Any] | None = None
        self.token_status = 200
        self.padding = 0
        self.asked: list[tuple[str, dict[str, str]]] = []
        liar = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                liar.asked.append((path, {}))
                if path.endswith("/openid-configuration"):
                    self._say(liar.about() | liar.document)
                elif path == "/jwks":
                    self._say({"keys": liar.published})
                elif path == "/userinfo" and liar.userinfo is not None:
                    self._say(liar.userinfo)
                else:
                    self._say({"error": "not found"}, 404)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                liar.asked.append((self.path, {k: v[0] for k, v in parse_qs(body).items()}))
                token = {"access_token": "a", "token_type": "Bearer", "id_token": liar.id_token()}
                self._say(
                    token if liar.token_status == 200 else {"error": "invalid_grant"}, liar.token_status
                )

            def _say(self, value: dict[str, Any], status: int = 200) -> None:
                body = json.dumps(value).encode() + b" " * liar.padding
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.issuer}/userinfo"
        return found

    def honest(self, nonce: str) -> dict[str, Any]:
        """The claims of an ID token that holds."""
        now = int(time.time())
        return {
            "iss": self.issuer, "sub": "sub-ani", "aud": CLIENT, "exp": now + 600, "iat": now, "nonce": nonce,
            "preferred_username": "ani", "groups": ["dishub"],
        }  # fmt: skip

    def id_token(self) -> str:
        return jwt.encode(self.header, self.claims, self.key, [self.header["alg"]])

    def __enter__(self) -> Liar:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
