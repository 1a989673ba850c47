"""How a run's model learns single tasks, inner step by inner step."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from engine.config.own_code import use_search_path
from engine.config.record import read_record
from engine.errors import ResourceError, UsageError
from engine.evaluation.evaluator import predict_alone, protocol_for
from engine.runs.checkpoints import CheckpointRecord, Label, load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.services.explore_messages import (
    EXPLORE,
    CurveAnswer,
    ExploreRequest,
    Pictures,
    PicturesAnswer,
    no_checkpoint_yet,
)
from engine.services.server import Handler
from engine.tasks.episode import EpisodeShape, TaskSource
from engine.tasks.sampling import Split, Stream
from engine.tasks.sinusoid import Sinusoid
from engine.training.checkpoint import restore
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.tasks.images import ImageTasks


GRID_POINTS = 200
"""Positions at which a curve is drawn."""


@dataclass(frozen=True)
class _Task:
    """One episode: the tensors of `Episodes` without their first dimension."""

    support_x: Tensor
    support_y: Tensor
    query_x: Tensor
    query_y: Tensor


@dataclass
class Adapter:
    """Answers questions about one run, on the CPU. Reads a checkpoint again only once its pointer has changed."""

    run: RunDirectory
    _loaded: dict[Label, tuple[CheckpointRecord, Params, float]] = field(default_factory=dict)

    def answer(self, request: ExploreRequest) -> CurveAnswer | PicturesAnswer:
        """Adapt as asked.

        Raises:
            MamlError: There is no such checkpoint, it is damaged, the data is missing, or the episode too large.
        """
        iteration, theta = self._theta(request.checkpoint)
        source = self._setup.source
        stream = Stream(self._setup.config.evaluation.eval_seed, Split[request.split.upper()])
        if isinstance(source, Sinusoid):
            return self._curve(_bent(source, request), stream, request, iteration, theta)
        return self._pictures(cast("ImageTasks", source), stream, request, iteration, theta)

    @cached_property
    def _setup(self) -> Setup:
        record = read_record(self.run.config)
        if record.resolved.config.task.task_class:
            raise UsageError(
                "tasks of a class of your own are not shown one by one: see maml eval and maml adapt"
            )
        use_search_path(record.search_path)
        return Setup.build(record.resolved.config, torch.device("cpu"))

    def _theta(self, label: Label) -> tuple[int, Params]:
        pointer = read_pointer(self.run, label)
        if pointer is None:
            raise ResourceError(no_checkpoint_yet(self._setup.config, label))
        if label not in self._loaded or self._loaded[label][0] != pointer:
            record, payload = load_checkpoint(self.run, label)
            theta = restore(self._setup.initial_state(), payload, self._setup.source.fingerprint).theta
            self._loaded[label] = record, theta, self._step_size(theta)
        record, theta, _ = self._loaded[label]
        return record.iteration, theta

    def _step_size(self, theta: Params) -> float:
        evaluation = self._setup.config.evaluation
        tasks, steps = evaluation.val_tasks, evaluation.eval_steps
        usual = protocol_for(self._setup.config, Split.VAL, tasks=tasks, steps=steps)
        return self._setup.step_size(theta, usual)

    def _curve(
        self, source: Sinusoid, stream: Stream, request: ExploreRequest, iteration: int, theta: Params
    ) -> CurveAnswer:
        task = _sample(source, stream, request, ways=1)
        curve = source.curves(stream, torch.tensor([request.task]))
        amplitude, phase = (value.item() for value in curve)
        grid = torch.linspace(*source.x_range, GRID_POINTS)
        inputs = source.inputs(grid[None], *curve)[0].to(torch.float32)
        learner, losses, predictions = self._setup.learner, [], []
        for params in self._steps(learner, theta, task, request):
            losses.append(_mean_loss(learner, learner.predict(params, task.query_x), task))
            predictions.append(_numbers(learner.predict(params, inputs)))
        return CurveAnswer(
            iteration=iteration,
            loss=tuple(losses),
            amplitude=amplitude,
            phase=phase,
            support_x=_numbers(task.support_x[:, 0]),
            support_y=_numbers(task.support_y),
            x=_numbers(grid),
            truth=_numbers(amplitude * torch.sin(grid - phase)),
            predictions=tuple(predictions),
        )

    def _pictures(
        self, source: ImageTasks, stream: Stream, request: ExploreRequest, iteration: int, theta: Params
    ) -> PicturesAnswer:
        ways = self._setup.config.task.ways
        task = _sample(source, stream, request, ways)
        learner = self._setup.learner.for_shots(request.shots)
        losses, accuracies, probabilities = [], [], []
        for params in self._steps(learner, theta, task, request):
            outputs = self._outputs(learner, params, task)
            losses.append(_mean_loss(learner, outputs, task))
            accuracies.append(learner.correct(outputs, task.query_y).mean().item())
            probabilities.append(tuple(map(_numbers, outputs.softmax(dim=-1))))
        classes = source.task_classes(stream, torch.tensor([request.task]), ways)[0]
        return PicturesAnswer(
            iteration=iteration,
            loss=tuple(losses),
            class_names=tuple(source.class_names[number] for number in classes),
            support=_as_pictures(task.support_x, task.support_y),
            queries=_as_pictures(task.query_x, task.query_y),
            probabilities=tuple(probabilities),
            accuracy=tuple(accuracies),
        )

    def _steps(
        self, learner: Learner, theta: Params, task: _Task, request: ExploreRequest
    ) -> Iterator[Params]:
        support, (*_, step_size) = (task.support_x, task.support_y), self._loaded[request.checkpoint]
        return learner.adapted_to(theta, support, step_size, request.steps, order=1)

    def _outputs(self, learner: Learner, params: Params, task: _Task) -> Tensor:
        if self._setup.config.evaluation.eval_mode == "inductive":
            return predict_alone(learner, params, task.support_x, task.query_x)
        return learner.predict(params, task.query_x)


def _bent(source: Sinusoid, request: ExploreRequest) -> Sinusoid:
    """Return the curves with A and phi as far as asked for: the interval from a number to itself."""
    amplitude, phase = request.amplitude, request.phase
    return replace(
        source,
        amplitude=source.amplitude if amplitude is None else (amplitude, amplitude),
        phase=source.phase if phase is None else (phase, phase),
    )


def _sample(source: TaskSource, stream: Stream, request: ExploreRequest, ways: int) -> _Task:
    shape = EpisodeShape(ways, request.shots, request.queries)
    source.check(shape)
    episodes = source.sample(stream, torch.tensor([request.task]), shape)
    return _Task(*(part[0] for part in episodes.tensors()))


def _mean_loss(learner: Learner, outputs: Tensor, task: _Task) -> float:
    return learner.example_losses(outputs, task.query_y).mean().item()


def _numbers(values: Tensor) -> tuple[float, ...]:
    return tuple(values.flatten().tolist())


def _as_pictures(x: Tensor, y: Tensor) -> Pictures:
    count, channels, height, width = x.shape
    pixels = (x * 255).round().to(torch.uint8).contiguous().numpy().tobytes()
    return Pictures(shape=(count, channels, height, width), pixels=pixels, classes=tuple(y.tolist()))


_NICENESS = 10


def answer(request: ExploreRequest) -> CurveAnswer | PicturesAnswer:
    """Adapt as asked; errors are those of `Adapter.answer`."""
    return _adapter(request.run).answer(request)


@cache
def _adapter(run: str) -> Adapter:
    # A run may train on this machine right now: it comes first.
    os.nice(_NICENESS)
    torch.set_num_threads(1)
    return Adapter(RunDirectory(Path(run)))


HANDLER = Handler(EXPLORE, answer, "lower shots or queries")
