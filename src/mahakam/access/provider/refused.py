"""Why nobody was signed in by the provider."""

from __future__ import annotations

from typing import Literal

Why = Literal["away", "provider", "turn", "denied", "code", "token", "claims", "role", "taken"]
"""away: the provider does not answer; provider: it answers what does not hold; turn: the sign-in was not begun in this
browser, or too long ago, or is used; denied: the person or the provider said no; code: the code is not taken; token:
the ID token does not hold; claims: one is missing; role: none is mapped; taken: the account's name is another's.
"""


class Refused(Exception):
    """``why`` is for the page, ``detail`` for the log and the audit trail: no token, no code, no secret is in it."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why
        self.detail = detail
