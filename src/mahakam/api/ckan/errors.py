"""What goes wrong, as CKAN says it."""

from __future__ import annotations

from typing import Any


class ActionError(Exception):
    """An action that cannot be done: its HTTP status, and ``error`` of the answer."""

    status = 400

    def __init__(self, kind: str, **said: Any) -> None:
        super().__init__(kind)
        self.error: dict[str, Any] = {"__type": kind, **said}


class NotFound(ActionError):
    """There is no such thing."""

    status = 404

    def __init__(self, message: str = "Not found") -> None:
        super().__init__("Not Found Error", message=message)


class NotAuthorized(ActionError):
    """A key was shown that is not known."""

    status = 403

    def __init__(self, why: str) -> None:
        super().__init__("Authorization Error", message=f"Access denied: {why}")


class Invalid(ActionError):
    """A parameter is missing or wrong: its name → what is wrong with it."""

    status = 409

    def __init__(self, **wrong: str) -> None:
        super().__init__("Validation Error", **{name: [words] for name, words in wrong.items()})
