"""`python -m engine.services.explore RUNDIR`: answers questions about one run until there are no more.

Reads one `Question` a line on stdin and writes one `Answer` a line on stdout; see `explore_messages`. Ends
at the end of stdin, and so with the process that asks, however that one ends.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from pydantic import ValidationError

from engine.acceleration.memory import explain_out_of_memory
from engine.config.own_code import use_search_path
from engine.config.record import read_record
from engine.errors import MamlError, ResourceError, UsageError
from engine.evaluation.evaluator import predict_alone, protocol_for
from engine.runs.checkpoints import load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.services.explore_messages import (
    CurveAnswer,
    Pictures,
    PicturesAnswer,
    Problem,
    Question,
    no_checkpoint_yet,
)
from engine.tasks.episode import EpisodeShape
from engine.tasks.sampling import Split, Stream
from engine.tasks.sinusoid import Sinusoid
from engine.training.checkpoint import restore
from engine.training.setup import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.runs.checkpoints import CheckpointRecord, Label
    from engine.services.explore_messages import Answer
    from engine.tasks.episode import TaskSource
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

    def answer(self, question: Question) -> CurveAnswer | PicturesAnswer:
        """Adapt as asked.

        Raises:
            MamlError: There is no such checkpoint, it is damaged, the data is missing, or the episode too large.
        """
        iteration, theta = self._theta(question.checkpoint)
        source = self._setup.source
        stream = Stream(self._setup.config.evaluation.eval_seed, Split[question.split.upper()])
        if isinstance(source, Sinusoid):
            return self._curve(_bent(source, question), stream, question, iteration, theta)
        return self._pictures(cast("ImageTasks", source), stream, question, iteration, theta)

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
        self, source: Sinusoid, stream: Stream, question: Question, iteration: int, theta: Params
    ) -> CurveAnswer:
        task = _sample(source, stream, question, ways=1)
        curve = source.curves(stream, torch.tensor([question.task]))
        amplitude, phase = (value.item() for value in curve)
        grid = torch.linspace(*source.x_range, GRID_POINTS)
        inputs = source.inputs(grid[None], *curve)[0].to(torch.float32)
        learner, losses, predictions = self._setup.learner, [], []
        for params in self._steps(learner, theta, task, question):
            losses.append(_mean_loss(learner, learner.predict(params, task.query_x), task))
            predictions.append(_numbers(learner.predict(params, inputs)))
        return CurveAnswer(
            id=question.id,
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
        self, source: ImageTasks, stream: Stream, question: Question, iteration: int, theta: Params
    ) -> PicturesAnswer:
        ways = self._setup.config.task.ways
        task = _sample(source, stream, question, ways)
        learner = self._setup.learner.for_shots(question.shots)
        losses, accuracies, probabilities = [], [], []
        for params in self._steps(learner, theta, task, question):
            outputs = self._outputs(learner, params, task)
            losses.append(_mean_loss(learner, outputs, task))
            accuracies.append(learner.correct(outputs, task.query_y).mean().item())
            probabilities.append(tuple(map(_numbers, outputs.softmax(dim=-1))))
        classes = source.task_classes(stream, torch.tensor([question.task]), ways)[0]
        return PicturesAnswer(
            id=question.id,
            iteration=iteration,
            loss=tuple(losses),
            class_names=tuple(source.class_names[number] for number in classes),
            support=_as_pictures(task.support_x, task.support_y),
            queries=_as_pictures(task.query_x, task.query_y),
            probabilities=tuple(probabilities),
            accuracy=tuple(accuracies),
        )

    def _steps(self, learner: Learner, theta: Params, task: _Task, question: Question) -> Iterator[Params]:
        support, (*_, step_size) = (task.support_x, task.support_y), self._loaded[question.checkpoint]
        return learner.adapted_to(theta, support, step_size, question.steps, order=1)

    def _outputs(self, learner: Learner, params: Params, task: _Task) -> Tensor:
        if self._setup.config.evaluation.eval_mode == "inductive":
            return predict_alone(learner, params, task.support_x, task.query_x)
        return learner.predict(params, task.query_x)


def _bent(source: Sinusoid, question: Question) -> Sinusoid:
    """Return the curves with A and phi as far as asked for: the interval from a number to itself."""
    amplitude, phase = question.amplitude, question.phase
    return replace(
        source,
        amplitude=source.amplitude if amplitude is None else (amplitude, amplitude),
        phase=source.phase if phase is None else (phase, phase),
    )


def _sample(source: TaskSource, stream: Stream, question: Question, ways: int) -> _Task:
    shape = EpisodeShape(ways, question.shots, question.queries)
    source.check(shape)
    episodes = source.sample(stream, torch.tensor([question.task]), shape)
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


def main(arguments: list[str]) -> int:
    """Answer until stdin ends; return the exit code."""
    # A run may train on this machine right now: it comes first.
    os.nice(_NICENESS)
    torch.set_num_threads(1)
    adapter = Adapter(RunDirectory(Path(arguments[0]).absolute()))
    for line in sys.stdin.buffer:
        print(reply(adapter, line).model_dump_json(), flush=True)
    return 0


def reply(adapter: Adapter, line: bytes) -> Answer:
    """Return the answer to a line; what a person can act on is told, and the next line may fare better."""
    try:
        question = Question.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        return Problem(id=None, problem=f"the question cannot be understood: {place}: {first['msg']}")
    try:
        with explain_out_of_memory("lower shots or queries"):
            return adapter.answer(question)
    except MamlError as error:
        return Problem(id=question.id, problem=str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
