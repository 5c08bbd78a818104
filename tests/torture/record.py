"""What a run did, and what was wrong."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

_MOST_KEPT = 50


class Record:
    """Counts by section and name, samples, and violations. Thread-safe.

    Args:
        say: is told of each violation as it is found.
    """

    def __init__(self, say: Callable[[str], None] = lambda line: None) -> None:
        self.violations: list[str] = []
        self.found = 0
        self._say = say
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._samples: dict[str, list[float]] = defaultdict(list)
        self._began = time.monotonic()

    def count(self, section: str, name: str, by: int = 1) -> None:
        with self._lock:
            self._counts[section][name] += by

    def sample(self, name: str, value: float) -> None:
        with self._lock:
            self._samples[name].append(value)

    def violation(self, text: str) -> None:
        """Something that must not be."""
        line = f"{self.clock()} {text}"
        with self._lock:
            self.found += 1
            if len(self.violations) >= _MOST_KEPT:
                return
            self.violations.append(line)
        self._say(f"VIOLATION {line}")

    def clock(self) -> str:
        """Minutes and seconds since the run began."""
        seconds = time.monotonic() - self._began
        return f"{int(seconds // 60):02d}:{seconds % 60:04.1f}"

    def counts(self, section: str) -> dict[str, int]:
        with self._lock:
            return dict(self._counts[section])

    def samples(self, name: str) -> list[float]:
        with self._lock:
            return list(self._samples[name])

    def lines(self) -> list[str]:
        """The counts and samples, for a person."""
        with self._lock:
            lines = []
            for section, counts in self._counts.items():
                lines.append(f"{section}:")
                lines += [f"  {count:>9,}  {name}" for name, count in sorted(counts.items())]
            for name, values in self._samples.items():
                ordered = sorted(values)
                middle = ordered[len(ordered) // 2]
                lines.append(
                    f"{name}: {len(values)} samples, first {values[0]:.1f}, median {middle:.1f}, "
                    f"most {ordered[-1]:.1f}, last {values[-1]:.1f}"
                )
            return lines
