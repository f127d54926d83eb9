"""The proxy's configuration in docs/operations.md, in a real nginx before a real node."""

from __future__ import annotations

import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from support.node import ROOT, RunningNode, free_port

HOST = "layanan.example.id"


@dataclass(frozen=True)
class Front:
    """``plain`` and ``secure``: ports; ``authority``: the certificate to trust."""

    plain: int
    secure: int
    authority: Path

    def get(self, path: str, *, secure: bool = True, **headers: str) -> httpx.Response:
        scheme, port = ("https", self.secure) if secure else ("http", self.plain)
        trust = ssl.create_default_context(cafile=str(self.authority))
        with httpx.Client(verify=trust, trust_env=False) as client:
            return client.get(
                f"{scheme}://127.0.0.1:{port}{path}",
                headers={"host": HOST} | headers,
                extensions={"sni_hostname": HOST},
            )


def _nginx() -> str:
    found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if found is None:
        subprocess.run([ROOT / "tools/system-packages", "nginx-light"], check=True)
        found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    assert found, "nginx is not installed: tools/system-packages nginx-light"
    return found


def _certificate(folder: Path) -> None:
    """``cert.pem`` and ``key.pem`` of the host, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    _certificate(folder)
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (text,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    made = Front(free_port(), free_port(), folder / "cert.pem")
    environment = {"MAHAKAM_URL": f"https://{HOST}", "MAHAKAM_LOG": "json", "MAHAKAM_LOG_LEVEL": "info"}
    with RunningNode(folder / "data", environment=environment) as node:
        for was, now in (
            ("listen 80;", f"listen 127.0.0.1:{made.plain};"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{made.secure} ssl;"),
            (f"/etc/letsencrypt/live/{HOST}/fullchain.pem", str(folder / "cert.pem")),
            (f"/etc/letsencrypt/live/{HOST}/privkey.pem", str(folder / "key.pem")),
            ("http://127.0.0.1:8000", node.url),
        ):
            assert was in text
            text = text.replace(was, now)
        paths = "".join(
            f"{kind}_temp_path {folder / kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder / 'pid'}; error_log stderr;\nevents {{}}\n"
            f"http {{ access_log off; {paths}\n{text}}}\n"
        )
        program = subprocess.Popen([_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")])
        try:
            for _ in range(600):
                assert program.poll() is None, "nginx does not take the configuration"
                try:
                    made.get("/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield made
        finally:
            program.terminate()
            program.wait(60)


def test_people_are_led_to_https_and_programs_are_refused(front: Front) -> None:
    led = front.get("/about?lang=en", secure=False)
    assert (led.status_code, led.headers["location"]) == (301, f"https://{HOST}/about?lang=en")
    assert front.get("/ngsi-ld/v1/types", secure=False).status_code == 403
    assert front.get("/oauth2/token", secure=False).status_code == 403


def test_over_https_the_cookie_is_secure_and_the_browser_told_to_stay(front: Front) -> None:
    page = front.get("/about?lang=id")
    assert page.status_code == 200
    assert page.headers["strict-transport-security"].startswith("max-age=31536000")
    assert "; Secure" in page.headers["set-cookie"]
    assert front.get("/ngsi-ld/v1/types").headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("version", "taken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_versions_of_tls_are_refused(front: Front, version: ssl.TLSVersion, taken: bool) -> None:
    trust = ssl.create_default_context(cafile=str(front.authority))
    trust.set_ciphers("ALL:@SECLEVEL=0")
    trust.minimum_version = trust.maximum_version = version
    try:
        with httpx.Client(verify=trust, trust_env=False) as client:
            client.get(f"https://127.0.0.1:{front.secure}/health", extensions={"sni_hostname": HOST})
    except httpx.ConnectError:
        assert not taken
    else:
        assert taken
