"""TLS as a feed's options say it: whose word on the other side is taken, and what the feed shows of itself."""

from __future__ import annotations

import ssl

from mahakam.feeds.origins import Ask
from mahakam.feeds.sources.model import SourceError

FILES = ("authority", "certificate", "key")
"""The options that name files."""


def trusting(ask: Ask) -> ssl.SSLContext:
    """TLS that checks the other side's certificate, by the machine's authorities or the feed's; shows the feed's own.

    Raises SourceError for files that cannot be read or are none.
    """
    paths = {name: ask.place / str(ask.options[name]) for name in FILES if name in ask.options}
    if "key" in paths and "certificate" not in paths:
        raise SourceError(ask.name, "key: goes with the certificate that it belongs to")
    try:
        context = ssl.create_default_context(cafile=paths.get("authority"))
        if "certificate" in paths:
            context.load_cert_chain(paths["certificate"], paths.get("key"), password=_no_password)
    except (OSError, ValueError) as error:
        listed = ", ".join(f"{name} {path}" for name, path in paths.items())
        why = getattr(error, "strerror", None) or error
        raise SourceError(ask.name, f"cannot be used for TLS: {listed} ({why})") from error
    return context


def _no_password() -> str:
    raise ValueError("the key has a password: give one without, that only this machine's user can read")
