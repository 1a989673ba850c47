"""Results that others published, to stand beside ours: read from `assets/published.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

from engine.paths import assets_dir


@dataclass(frozen=True)
class Published:
    """One published number.

    Attributes:
        ways: Classes per task; None for regression.
        shots: Support examples per class (regression: per task).
        algorithm: What was published, in our names where we have one.
        step: Inner steps after which it was measured; None for "as the publication scores".
        value: Accuracy in per cent, or mean squared error; None where only a range is known.
        ci95: Half-width of its 95 % confidence interval, in the same unit; None where not published.
    """

    data: str
    ways: int | None
    shots: int
    algorithm: str
    source: str
    step: int | None = None
    value: float | None = None
    ci95: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the number lies: its confidence interval, its range, or itself twice."""
        if self.value is None:
            assert self.low is not None  # noqa: S101 - an entry has a value or a range, held by a test
            assert self.high is not None  # noqa: S101
            return self.low, self.high
        half_width = self.ci95 or 0.0
        return self.value - half_width, self.value + half_width

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.low:g} to {self.high:g}"
        return f"{self.value:g}" if self.ci95 is None else f"{self.value:g} ± {self.ci95:g}"


def published(
    data: str, ways: int | None, shots: int, algorithm: str, step: int, *, scored: bool
) -> list[Published]:
    """Return what was published for a task and algorithm after `step` inner steps, the foremost first.

    Args:
        ways: Classes per task; None for regression.
        shots: Support examples per class (regression: per task).
        scored: Whether this is the step that results are scored at, where most publications state their number.
    """
    wanted = (data, ways, shots, algorithm)
    return [
        entry
        for entry in _all()
        if (entry.data, entry.ways, entry.shots, entry.algorithm) == wanted
        and (entry.step == step or (entry.step is None and scored))
    ]


@cache
def _all() -> tuple[Published, ...]:
    tables = tomllib.loads((assets_dir() / "published.toml").read_text(encoding="utf-8"))
    return tuple(
        Published(
            algorithm=publication["algorithm"],
            source=publication["source"],
            **{"ways": None, **result},
        )
        for publication in tables["publication"]
        for result in publication["results"]
    )
