"""Adapting to examples from outside: the inner loop of training, on a person's own few examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.application.protocol import Classified, Fitted, Guess, Value
from engine.application.weights import write_weights
from engine.checkpoint import parameters_hash
from engine.data.examples import read_points, read_queries, read_support
from engine.errors import DivergedError, UsageError
from engine.evaluation.evaluator import predict_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.application.initialisation import Initialisation
    from engine.application.protocol import AdaptJob
    from engine.data.pictures import Form

_GRID_POINTS = 21


def adapt_to(initialisation: Initialisation, job: AdaptJob) -> Classified | Fitted:
    """Adapt as asked, save the parameters if asked to, and predict the queries.

    Raises:
        UsageError: The examples do not fit the model.
        ResourceError: They cannot be read, or the parameters not be saved.
        DivergedError: The adapted parameters are not finite.
    """
    if initialisation.form is None:
        return _fit_values(initialisation, job)
    return _tell_classes(initialisation, initialisation.form, job)


def _tell_classes(initialisation: Initialisation, form: Form, job: AdaptJob) -> Classified:
    config = initialisation.config
    support = read_support(Path(job.support), form, config.task.ways)
    queries = read_queries(map(Path, job.queries), form, support.class_names)
    x, y = _pictures(support.images), torch.from_numpy(support.labels)
    adapted, losses = _adapt(initialisation, x, y, job)
    mode = job.mode or config.evaluation.eval_mode
    outputs = _outputs(initialisation, adapted, x, _pictures(queries.images), alone=mode == "inductive")
    actual = queries.labels or (None,) * len(queries.files)
    return Classified(
        **_about(initialisation, losses, np.bincount(support.labels).tolist()),
        class_names=support.class_names,
        mode=mode,
        guesses=tuple(
            Guess(file=file, probabilities=tuple(row), actual=label)
            for file, row, label in zip(queries.files, outputs.softmax(dim=-1).tolist(), actual, strict=True)
        ),
    )


def _fit_values(initialisation: Initialisation, job: AdaptJob) -> Fitted:
    if job.mode is not None:
        raise UsageError("a regression network has no batch statistics: leave out the mode")
    inputs = initialisation.inputs
    points = read_points(Path(job.support), {inputs + 1})
    x, y = _tensor(points[:, :inputs]), _tensor(points[:, inputs:])
    adapted, losses = _adapt(initialisation, x, y, job)
    asked = [read_points(Path(query), {inputs, inputs + 1}) for query in job.queries] or [
        _grid(initialisation)
    ]
    predicted = (initialisation.learner.predict(adapted, _tensor(p[:, :inputs])) for p in asked)
    return Fitted(
        **_about(initialisation, losses, [len(points)]),
        values=tuple(
            Value(x=tuple(row[:inputs]), y=value, actual=row[inputs] if len(row) > inputs else None)
            for rows, outputs in zip(asked, predicted, strict=True)
            for row, (value, *_) in zip(rows.tolist(), outputs.tolist(), strict=True)
        ),
    )


def _adapt(
    initialisation: Initialisation, x: Tensor, y: Tensor, job: AdaptJob
) -> tuple[Params, tuple[float, ...]]:
    """Return the adapted parameters, saved if asked for, and the support's mean loss after every step."""
    config, evaluation = initialisation.config, initialisation.config.evaluation
    # Classes may have different numbers of examples: their mean takes the place of the shots K.
    learner = initialisation.learner.for_shots(len(x) if config.is_regression else len(x) / config.task.ways)
    steps = evaluation.eval_steps if job.steps is None else job.steps
    losses = []
    for params in learner.adapted_to(initialisation.theta, (x, y), config.algorithm.inner_lr, steps, order=1):
        losses.append(learner.example_losses(learner.predict(params, x), y).mean().item())
    if not all(value.isfinite().all() for value in params.values()):
        raise DivergedError(f"the parameters are not finite after {steps} steps: take fewer with --steps")
    if job.save is not None:
        _save(Path(job.save), initialisation, params, force=job.force)
    return params, tuple(losses)


def _save(path: Path, initialisation: Initialisation, adapted: Params, *, force: bool) -> None:
    facts = initialisation.facts
    others = {
        "name": f"{facts.name}-adapted",
        "sha256": parameters_hash(adapted),
        "measurements": (),
        "place": {},
    }
    write_weights(path, adapted, facts.model_copy(update=others), initialisation.form, force=force)


def _outputs(
    initialisation: Initialisation, params: Params, support: Tensor, queries: Tensor, *, alone: bool
) -> Tensor:
    if not len(queries):
        return torch.zeros(0, initialisation.config.task.ways)
    if alone:
        return predict_alone(initialisation.learner, params, support, queries)
    return initialisation.learner.predict(params, queries)


def _about(initialisation: Initialisation, losses: Sequence[float], examples: list[int]) -> dict[str, Any]:
    facts = initialisation.facts
    return {
        "name": facts.name,
        "iteration": facts.iteration,
        "steps": len(losses) - 1,
        "examples": tuple(examples),
        "support_loss": tuple(losses),
    }


def _grid(initialisation: Initialisation) -> np.ndarray:
    """Return points over the whole range that tasks of training are drawn from, `[points, 1]`."""
    if initialisation.inputs != 1 or initialisation.config.task.task_class:
        raise UsageError("say where to predict: --query FILE, a CSV file of points")
    return np.linspace(*initialisation.config.task.x_range, _GRID_POINTS)[:, None]


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).to(torch.float32)


def _pictures(images: np.ndarray) -> Tensor:
    """Return what a network is given of uint8 pictures; see `ImageTasks`."""
    return _tensor(images) / 255
