"""Sinusoid regression (paper, section 5.1): each task is a curve y = A sin(x - phi)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.catalogue.entries import TASK_PARAMETERS
from engine.tasks.episode import Episodes, EpisodeShape
from engine.tasks.sampling import Purpose, Stream

if TYPE_CHECKING:
    from engine.config.schema import RunConfig


@dataclass(frozen=True)
class Sinusoid:
    """Curves with A, phi and x uniform over the given intervals.

    All arithmetic is done in float64 and rounded once, so that devices whose sine differs in the last bit still
    agree on the float32 result.

    Attributes:
        amplitude: Interval of A.
        phase: Interval of phi, in radians.
        x_range: Interval of x.
    """

    amplitude: tuple[float, float]
    phase: tuple[float, float]
    x_range: tuple[float, float]
    device: torch.device

    @classmethod
    def from_config(cls, config: RunConfig, device: torch.device) -> Sinusoid:
        """Build the source that a configuration describes."""
        kind = ToldSinusoid if TASK_PARAMETERS in config.algorithm_entry.needs else cls
        return kind(config.task.amplitude, config.task.phase, config.task.x_range, device)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One number."""
        return (1,)

    @property
    def fingerprint(self) -> dict[str, str]:
        """Nothing: there is no data behind the curves."""
        return {}

    def check(self, shape: EpisodeShape) -> None:
        """Accept every shape: a curve has as many points as are asked for."""

    def sample(self, stream: Stream, indices: Tensor, shape: EpisodeShape) -> Episodes:
        """Return the curves with the given numbers: `shots` support and `queries` query points each."""
        tasks = indices.to(self.device)[:, None]
        amplitude, phase = self.curves(stream, indices)
        parts = []
        for purpose, points in ((Purpose.SUPPORT_POINTS, shape.shots), (Purpose.QUERY_POINTS, shape.queries)):
            x = self._points(stream, purpose, tasks, points)
            y = amplitude[:, None] * torch.sin(x - phase[:, None])
            parts += [self.inputs(x, amplitude, phase).to(torch.float32), y[..., None].to(torch.float32)]
        return Episodes(*parts)

    def inputs(self, x: Tensor, amplitude: Tensor, phase: Tensor) -> Tensor:  # noqa: ARG002 - told by others
        """Return what the network is given, `[tasks, points, *input_shape]`.

        The positions x are `[tasks, points]`, the curves' amplitudes and phases `[tasks]`.
        """
        return x[..., None]

    def curves(self, stream: Stream, indices: Tensor) -> tuple[Tensor, Tensor]:
        """Return amplitude and phase of the curves with the given numbers, float64 `[tasks]` each."""
        tasks = indices.to(self.device)
        return (
            _between(self.amplitude, stream.uniform(Purpose.AMPLITUDE, tasks)),
            _between(self.phase, stream.uniform(Purpose.PHASE, tasks)),
        )

    def _points(self, stream: Stream, purpose: Purpose, tasks: Tensor, count: int) -> Tensor:
        positions = torch.arange(count, device=self.device)
        return _between(self.x_range, stream.uniform(purpose, tasks, positions))


class ToldSinusoid(Sinusoid):
    """The same curves for the paper's oracle, whose network is given A and phi beside every x."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """x, A and phi."""
        return (3,)

    def inputs(self, x: Tensor, amplitude: Tensor, phase: Tensor) -> Tensor:
        """Return (x, A, phi) of every point, `[tasks, points, 3]`."""
        return torch.stack([x, *(value[:, None].expand_as(x) for value in (amplitude, phase))], dim=-1)


def _between(interval: tuple[float, float], unit: Tensor) -> Tensor:
    low, high = interval
    return low + (high - low) * unit
