"""How many requests one sender may make. Counts live in memory and are gone with the process."""

import threading
import time
from collections.abc import Callable


class Limit:
    """At most MOST requests per sender in SECONDS, spread evenly after a first burst."""

    def __init__(self, most: int, seconds: float = 60, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._rate, self._clock = most, most / seconds, clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def allows(self, sender: str) -> bool:
        with self._lock:
            now = self._clock()
            if len(self._left) > 10_000:
                self._left = {name: each for name, each in self._left.items() if self._filled(each, now) < self._most}
            left = self._filled(self._left.get(sender, (self._most, now)), now)
            self._left[sender] = (max(left - 1, 0) if left >= 1 else left, now)
            return left >= 1

    def _filled(self, each: tuple[float, float], now: float) -> float:
        return min(self._most, each[0] + (now - each[1]) * self._rate)
