"""Measuring what was learned on one data set on the tasks of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.checkpoint import read_theta
from engine.config.resolve import Layer, resolve
from engine.config.toml import config_tables
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.algorithms.adapt import Params
    from engine.config.schema import RunConfig
    from engine.training import Setup


def on_other_data(
    config: RunConfig, data: str, shots: int | None = None, queries: int | None = None
) -> RunConfig:
    """Return a configuration with the tasks of another data set, by its usual class split.

    Args:
        config: What was trained.
        data: The other data set.
        shots: Support examples to measure with, if not those of training.
        queries: Query examples to measure with, if not the usual ones. As nothing is trained there, the data need
            not be enough for the queries of training.

    Raises:
        UsageError: Network or algorithm do not fit that kind of tasks.
    """
    tables = config_tables(config)
    task = {name: value for name, value in tables["task"].items() if name not in ("class_split", "classes")}
    queries = queries or config.evaluation.eval_queries
    task |= {"data": data, "shots": shots or config.task.shots, "queries": queries}
    values = {**tables, "task": task, "evaluation": {**tables["evaluation"], "eval_queries": queries}}
    # Not chosen: what has no effect on the other data is dropped.
    return resolve([Layer("--data", values, chosen=False)]).config


def theta_for_other_data(setup: Setup, payload: bytes) -> Params:
    """Return the parameters in a checkpoint for the tasks of `setup`.

    Raises:
        UsageError: The network that learned them cannot take these inputs.
        ResourceError: The checkpoint is damaged.
    """
    theta = read_theta(payload)
    # A head for training classes (`classes`) is not used on new ones: any size of it will do.
    needed = {
        name: value.shape
        for name, value in setup.learner.model.named_parameters()
        if not name.startswith("classes.")
    }
    if any(name not in theta or theta[name].shape != shape for name, shape in needed.items()):
        size = "x".join(map(str, setup.source.input_shape))
        raise UsageError(
            f"data = {setup.config.task.data} has inputs of {size}, which do not fit the network of this run: "
            "choose data with as many channels and, for conv4-pool, of the same size"
        )
    return {name: value.to(setup.device) for name, value in theta.items()}
