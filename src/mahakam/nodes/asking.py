"""One request from a node to its hub or back: to allowed addresses, in time, within limits, no redirects."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson

from mahakam.nodes.exchange import exchange, require_allowed
from mahakam.nodes.faults import NodeError

SECONDS = 15.0
_MOST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """``said``: the JSON object of the answer; empty if it has none."""

    status: int
    said: dict[str, Any]

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def kind(self) -> str:
        """The last part of the problem's type; "" for what is no problem."""
        return str(self.said.get("type", "")).rpartition("/")[2]


def ask(
    method: str,
    url: str,
    *,
    key: str = "",
    body: dict[str, Any] | None = None,
    private_addresses: bool = False,
    seconds: float = SECONDS,
) -> Answer:
    """Raises NodeError (kind Unreachable) if there is no answer. The key is in no message."""
    require_allowed(url, private_addresses=private_addresses)
    return asyncio.run(_ask(method, url, key, body, private_addresses, seconds))


async def _ask(
    method: str, url: str, key: str, body: dict[str, Any] | None, private: bool, seconds: float
) -> Answer:
    headers = {"Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = orjson.dumps(body) if body is not None else None
    async with exchange(
        method, url, headers, private=private, seconds=seconds, data=data, decompress=False
    ) as answer:
        content = await answer.content.read(_MOST)
        while len(content) < _MOST and (more := await answer.content.read(_MOST)):
            content += more
        status = answer.status
    try:
        said = orjson.loads(content) if content else {}
    except orjson.JSONDecodeError:
        said = {}
    return Answer(status, said if isinstance(said, dict) else {})


def refusal(answer: Answer, who: str) -> NodeError:
    """What an answer that is not good says."""
    detail = str(answer.said.get("detail") or answer.said.get("title") or "")[:500]
    return NodeError(
        detail or f"{who} answered {answer.status}", status=answer.status, kind=answer.kind or "Refused"
    )
