"""A model applied to examples from outside, or written to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.data.examples import read_points, read_queries, read_support
from engine.errors import DivergedError, UsageError
from engine.evaluation.evaluator import predict_alone
from engine.services.apply_messages import APPLY, AdaptRequest, Classified, Exported, Fitted, Guess, Value
from engine.services.initialisation import Initialisation, write_weights
from engine.services.server import Handler
from engine.training.checkpoint import parameters_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from engine.algorithms.adapt import Params
    from engine.data.pictures import Form
    from engine.services.apply_messages import ApplyReport, ApplyRequest, ExportRequest


_GRID_POINTS = 21


def answer(request: ApplyRequest) -> ApplyReport:
    """Adapt or export.

    Raises:
        MamlError: It cannot be done.
    """
    initialisation = Initialisation.load(request.origin)
    if isinstance(request, AdaptRequest):
        return adapt_to(initialisation, request)
    return _export(initialisation, request)


HANDLER = Handler(APPLY, answer, "give fewer queries at a time")


def adapt_to(initialisation: Initialisation, request: AdaptRequest) -> Classified | Fitted:
    """Adapt as asked, save the parameters if asked to, and predict the queries.

    Raises:
        UsageError: The examples do not fit the model.
        ResourceError: They cannot be read, or the parameters not be saved.
        DivergedError: The adapted parameters are not finite.
    """
    if initialisation.form is None:
        return _fit_values(initialisation, request)
    return _tell_classes(initialisation, initialisation.form, request)


def _tell_classes(initialisation: Initialisation, form: Form, request: AdaptRequest) -> Classified:
    config = initialisation.config
    support = read_support(Path(request.support), form, config.task.ways)
    queries = read_queries(map(Path, request.queries), form, support.class_names)
    x, y = _pictures(support.images), torch.from_numpy(support.labels)
    adapted, losses = _adapt(initialisation, x, y, request)
    mode = request.mode or config.evaluation.eval_mode
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


def _fit_values(initialisation: Initialisation, request: AdaptRequest) -> Fitted:
    if request.mode is not None:
        raise UsageError("a regression network has no batch statistics: leave out the mode")
    inputs = initialisation.inputs
    points = read_points(Path(request.support), {inputs + 1})
    x, y = _tensor(points[:, :inputs]), _tensor(points[:, inputs:])
    adapted, losses = _adapt(initialisation, x, y, request)
    asked = [read_points(Path(query), {inputs, inputs + 1}) for query in request.queries] or [
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
    initialisation: Initialisation, x: Tensor, y: Tensor, request: AdaptRequest
) -> tuple[Params, tuple[float, ...]]:
    """Return the adapted parameters, saved if asked for, and the support's mean loss after every step."""
    config, evaluation = initialisation.config, initialisation.config.evaluation
    # Classes may have different numbers of examples: their mean takes the place of the shots K.
    learner = initialisation.learner.for_shots(len(x) if config.is_regression else len(x) / config.task.ways)
    steps = evaluation.eval_steps if request.steps is None else request.steps
    losses = []
    for params in learner.adapted_to(initialisation.theta, (x, y), config.algorithm.inner_lr, steps, order=1):
        losses.append(learner.example_losses(learner.predict(params, x), y).mean().item())
    if not all(value.isfinite().all() for value in params.values()):
        raise DivergedError(f"the parameters are not finite after {steps} steps: take fewer with --steps")
    if request.save is not None:
        _save(Path(request.save), initialisation, params, force=request.force)
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


def _export(initialisation: Initialisation, request: ExportRequest) -> Exported:
    facts = (
        initialisation.facts if request.with_paths else initialisation.facts.model_copy(update={"place": {}})
    )
    write_weights(Path(request.file), initialisation.theta, facts, initialisation.form, force=request.force)
    return Exported(facts=facts)
