"""What a browser calls itself, in the words by which its owner knows it."""

from __future__ import annotations

from mahakam.web.language import _

_NAMES = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
          ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip
"""What tells the more particular one stands first: nearly every browser says that it is Safari, too."""


def browser_words(agent: str) -> str:
    """``Firefox, Android`` of a User-Agent header."""
    found = [next((name for mark, name in known if mark in agent), "") for known in (_NAMES, _SYSTEMS)]
    return ", ".join(filter(None, found)) or _("another browser")
