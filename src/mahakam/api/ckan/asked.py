"""The parameters of an action, which come as text (GET, forms) or as JSON (POST), read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from mahakam.api.ckan.errors import Invalid
from mahakam.feeds.catalogue.entry import Entry, Sight


class Asked:
    """Parameters by name, and who asks. Each way to read one raises Invalid, which names it.

    ``root``: the node's address; ``sight``: what the reader sees; ``disclose`` is told of the entry whose rows go.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        root: str,
        sight: Sight,
        disclose: Callable[[Entry], None] = lambda _one: None,
    ) -> None:
        self._values = values
        self.root = root
        self.sight = sight
        self.disclose = disclose

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name, default)
        if isinstance(value, str | int | float):
            return str(value)
        raise Invalid(**{name: "Must be a text"})

    def needed(self, *names: str) -> str:
        """The first of several names that is given."""
        for name in names:
            if value := self.text(name):
                return value
        raise Invalid(**{names[0]: "Missing value"})

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 0; beyond ``most`` it is ``most``, as in CKAN."""
        value = self._values.get(name, default)
        try:
            number = int(str(value))
        except ValueError:
            raise Invalid(**{name: "Invalid integer"}) from None
        if number < 0:
            raise Invalid(**{name: "Must be a natural number"})
        return min(number, most)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._values.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes", "t", "on")

    def mapping(self, name: str) -> dict[str, Any]:
        """An object, as JSON or as text that is JSON."""
        value = self._parsed(name)
        if value in (None, ""):
            return {}
        if not isinstance(value, dict):
            raise Invalid(**{name: "Must be a JSON object"})
        return value

    def listed(self, name: str) -> list[str]:
        """A list, as JSON, as text that is JSON, or as text with commas."""
        value = self._parsed(name)
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Invalid(**{name: "Must be a list of names"})
        return value

    def either(self, name: str) -> Any:
        """A text or an object."""
        return self._parsed(name)

    def plain(self, *names: str) -> dict[str, str]:
        """Those of the parameters that are given, as an address would have them."""
        given = {name: self._values[name] for name in names if name in self._values}
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}

    def _parsed(self, name: str) -> Any:
        value = self._values.get(name)
        if isinstance(value, str) and value[:1] in ("[", "{"):
            try:
                return json.loads(value)
            except ValueError:
                raise Invalid(**{name: "Is not JSON"}) from None
        return value
