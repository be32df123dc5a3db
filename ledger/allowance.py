"""How often a log may ask a witness: a number a day, of which some may be used at once.

A log has two allowances. What only it can ask for (a checkpoint that goes on from the last one) draws on the
first. What anybody can send who has seen one of its checkpoints (the same again, an older one, a false proof)
draws on the second: so nobody can use up a log's own.
"""

from math import ceil
from typing import Final

DAY_S: Final = 86_400.0
MIN_BURST: Final = 10
"""A log that asks once an hour may have something to catch up on."""


class Allowance:
    """Fills up evenly over the day; each use takes one. Its clock is given, and never goes back."""

    def __init__(self, per_day: int, now_s: float) -> None:
        self.per_day = per_day
        self.burst = min(per_day, max(MIN_BURST, per_day // 24))
        self._left = float(self.burst)
        self._at_s = now_s

    def take(self, now_s: float) -> int:
        """Take one and return 0, or the whole seconds after which there will be one."""
        rate = self.per_day / DAY_S
        self._left = min(float(self.burst), self._left + (now_s - self._at_s) * rate)
        self._at_s = now_s
        if self._left < 1.0:
            return max(1, ceil((1.0 - self._left) / rate))
        self._left -= 1.0
        return 0
