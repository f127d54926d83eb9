"""Work that a thread of its own does again and again, in the process that leads."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from mahakam.store.errors import StoreError

_log = logging.getLogger(__name__)


class Rounds:
    """A round every ``LOOK`` seconds, the first one at once. What fails in one holds up none of the next."""

    LOOK = 3.0

    PATIENCE: float | None = None
    """Seconds that :meth:`stop` waits for the round under way; None: until it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended = threading.Event()
        """Set once the round under way is to be the last: a long one may end early."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the round under way; what is owed stays owed."""
        self.ended.set()
        if self._thread.is_alive():
            self._thread.join(self.PATIENCE)

    def round(self) -> None:
        """One round."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self.ended.is_set():
            try:
                self.round()
            except StoreError as error:
                _log.error("%s: waits for the store: %s", self.name, error)
            except Exception:
                _log.exception("%s: a round ended early; the next one goes on", self.name)
            self.ended.wait(self.LOOK)


class Every(Rounds):
    """Rounds of some work, a number of seconds from the end of one to the next."""

    def __init__(
        self, name: str, seconds: float, work: Callable[[], object], *, patience: float | None = None
    ) -> None:
        super().__init__(name)
        self.LOOK = seconds
        self.PATIENCE = patience
        self._work = work

    def round(self) -> None:
        self._work()
