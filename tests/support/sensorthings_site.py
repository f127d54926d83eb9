"""A small Django site that speaks OGC SensorThings 1.1 (django-ogc-sensorthings), over SQLite; a program of its own.

usage: sensorthings_site.py PORT DATABASE TOKEN
"""

from __future__ import annotations

import sys
from socketserver import ThreadingMixIn
from typing import Any
from uuid import UUID
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

PAGE = 10
"""Entities that the server gives to a request at most."""
urlpatterns: list[Any] = []


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        return


def main(port: int, database: str, token: str) -> None:
    settings.configure(
        SECRET_KEY="tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database, "OPTIONS": {"timeout": 20}}
        },
        INSTALLED_APPS=["sensorthings.versions.v1_1", "sensorthings.versions.v1_1.backends.django"],
        SENSORTHINGS_V1_1_SERVICE_URL=f"http://127.0.0.1:{port}/sta",
        SENSORTHINGS_V1_1_BACKEND_ADAPTER="sensorthings.versions.v1_1.backends.django.adapter.DjangoBackendAdapter",
        SENSORTHINGS_V1_1_ID_TYPE=UUID,
        SENSORTHINGS_V1_1_ID_DELIMITER="'",
        SENSORTHINGS_V1_1_MAX_TOP=PAGE,
    )
    settings.SENSORTHINGS_V1_1_DEFAULT_AUTH_HANDLER = [_bearer(token)]
    django.setup()
    call_command("migrate", verbosity=0)
    urlpatterns.append(path("sta/", include("sensorthings.versions.v1_1.urls")))
    make_server(
        "127.0.0.1", port, get_wsgi_application(), server_class=Server, handler_class=Quiet
    ).serve_forever()


def _bearer(token: str) -> Any:
    from ninja.security import HttpBearer  # it reads Django's settings when it is imported

    class Bearer(HttpBearer):
        def authenticate(self, _request: Any, given: str) -> str | None:
            return given if given == token else None

    return Bearer()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
