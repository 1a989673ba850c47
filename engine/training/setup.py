"""All that stays the same during training: configuration, tasks, network, algorithm."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from engine.acceleration.ways import Way, choose_way
from engine.algorithms.algorithm import Algorithm, build_algorithm, build_learner
from engine.evaluation.evaluator import TaskCurves, best_step_size, evaluate, protocol_for
from engine.models.build import build_model
from engine.tasks.images import LabelledImages
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import build_source, training_shape
from engine.training.state import TrainingState, fresh_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig
    from engine.runs.events import Measurement, Protocol
    from engine.tasks.episode import Episodes, TaskSource

# Meta-batches drawn at once, and the numbers in them: drawing a small one takes as long as computing with it.
_MAX_DRAWN = 64
_DRAWN_NUMBERS = 2**18


@dataclass(frozen=True)
class Setup:
    """All that stays the same during training."""

    config: RunConfig
    device: torch.device
    source: TaskSource
    learner: Learner
    algorithm: Algorithm

    @classmethod
    def build(cls, config: RunConfig, device: torch.device) -> Setup:
        """Load the data and build the network that a configuration describes.

        Raises:
            ResourceError: If the data set is not installed.
            UsageError: If data, network and episode size do not fit together.
        """
        source = build_source(config, device)
        classes = source.training_classes if isinstance(source, LabelledImages) else 0
        learner = build_learner(config, build_model(config, source.input_shape, classes)).to(device)
        return cls(config, device, source, learner, build_algorithm(config, learner))

    def initial_state(self) -> TrainingState:
        """Return the state before the first iteration: the network's initialisation, on the device."""
        parameters = self.learner.model.named_parameters()
        theta = {name: value.detach().to(self.device, copy=True) for name, value in parameters}
        return fresh_state(theta, self.config.training.meta_lr if self.config.algorithm_entry.learns else 0.0)

    @cached_property
    def way(self) -> Way:
        """The fastest way to compute the meta-gradient here; chosen, and compared with the reference, at first use."""
        return choose_way(self.config, self.algorithm, self.source)

    def episodes(self, iteration: int | Tensor, iterations: int = 1) -> Episodes:
        """Return the meta-batches of some iterations from `iteration` on (counted from 0), in a row."""
        training = self.config.training
        tasks = torch.arange(iterations * training.meta_batch_size, device=self.device)
        tasks = tasks + iteration * training.meta_batch_size
        return self.source.sample(Stream(training.seed, Split.TRAIN), tasks, training_shape(self.config))

    def meta_batches(self, iteration: int) -> Iterator[Episodes]:
        """Yield the meta-batch of `iteration` and of every one after it, drawing small ones many at a time."""
        count = 1
        while True:
            drawn = self.episodes(iteration, count)
            yield from drawn.split(self.config.training.meta_batch_size)
            iteration += count
            numbers = sum(part.numel() for part in drawn.tensors()) // count
            count = min(_MAX_DRAWN, max(1, _DRAWN_NUMBERS // numbers))

    def measure(
        self,
        theta: Params,
        split: Split,
        *,
        tasks: int,
        steps: int,
        between: Callable[[int], None] | None = None,
    ) -> TaskCurves:
        """Evaluate parameters by the configuration's own protocol; see `evaluate`."""
        return self.measure_by(protocol_for(self.config, split, tasks=tasks, steps=steps), theta, between)

    def measure_by(
        self,
        protocol: Protocol,
        theta: Params,
        between: Callable[[int], None] | None = None,
        others: Sequence[Params] = (),
    ) -> TaskCurves:
        """Evaluate parameters by any protocol; see `evaluate`. `others` are those of an ensemble's other members.

        The protocol of the result notes the ensemble's size, and the step size where one was chosen.
        """
        step_size = self.step_size(theta, protocol, others, between)
        if self.config.algorithm_entry.is_fine_tuned:
            protocol = protocol.model_copy(update={"step_size": step_size})
        if others:
            protocol = protocol.model_copy(update={"ensemble": 1 + len(others)})
        library = self.way.library
        return evaluate(self.learner, theta, self.source, protocol, step_size, between, others, library)

    def step_size(
        self,
        theta: Params,
        protocol: Protocol,
        others: Sequence[Params] = (),
        between: Callable[[int], None] | None = None,
    ) -> float:
        """Return the alpha of adaptation: the configured one or, for fine-tuning, the best on validation tasks.

        Best after the step that is scored: the configuration's, or the last where fewer are taken.
        """
        if not self.config.algorithm_entry.is_fine_tuned:
            return self.config.algorithm.inner_lr
        evaluation = self.config.evaluation
        steps = evaluation.scored_step(protocol.steps)
        tried = {"split": "val", "tasks": evaluation.val_tasks, "steps": steps}
        protocol, library = protocol.model_copy(update=tried), self.way.library
        return best_step_size(self.learner, theta, self.source, protocol, others, library, between)

    def validate(self, theta: Params, between: Callable[[int], None] | None = None) -> Measurement:
        """Evaluate parameters on the validation tasks; see `evaluate`."""
        tasks, steps = self.config.evaluation.val_tasks, self.config.evaluation.eval_steps
        return self.measure(theta, Split.VAL, tasks=tasks, steps=steps, between=between).summarise()
