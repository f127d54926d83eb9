"""The floor: the same server and interface, answering the very bytes that the broker answers, from memory."""

from __future__ import annotations

import os
import pickle
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]


def application() -> Callable[
    [dict[str, Any], Callable[[], Awaitable[dict[str, Any]]], Send], Awaitable[None]
]:
    """A factory for granian: answers by request line for GET, one answer a path for the others."""
    answers: dict[tuple[str, bytes], tuple[int, list[tuple[bytes, bytes]], bytes]] = pickle.loads(
        Path(os.environ["MAHAKAM_FLOOR"]).read_bytes()
    )

    async def floor(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] != "GET":
            message = await receive()
            parts = [message["body"]]
            while message.get("more_body"):
                message = await receive()
                parts.append(message["body"])
            b"".join(parts)
        status, headers, body = answers[scope["path"], scope["query_string"]]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return floor
