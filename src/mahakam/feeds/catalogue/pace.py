"""How many questions an address may ask in a while, counted in this process."""

from __future__ import annotations

import threading
import time
from collections import deque

_MOST = 10_000


class Pace:
    """At most ``questions`` in any ``seconds``."""

    def __init__(self, questions: int, seconds: float) -> None:
        self.questions = questions
        self.seconds = seconds
        self._asked: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, address: str) -> int:
        """0, and the question is counted; or how long its address must wait."""
        now = time.monotonic()
        with self._lock:
            if len(self._asked) > _MOST:  # those who stopped asking are forgotten
                self._asked = {a: times for a, times in self._asked.items() if times[-1] > now - self.seconds}
            times = self._asked.setdefault(address, deque(maxlen=self.questions))
            if len(times) == self.questions and times[0] > now - self.seconds:
                return int(times[0] + self.seconds - now) + 1
            times.append(now)
            return 0
