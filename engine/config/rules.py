"""Rules that tie several options together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.option import CUSTOM_CLASSIFICATION, CUSTOM_TASKS
from engine.config.schema import CLASS_SPLITS

if TYPE_CHECKING:
    from engine.config.schema import RunConfig


def broken_rules(config: RunConfig) -> list[tuple[str, str]]:
    """Return (option name, sentence) for every rule that `config` breaks."""
    checks = (
        _class_is_named,
        _network_fits_data,
        _algorithm_fits_data,
        _split_fits_data,
        _curve_holds_score,
        _ways_fit_classes,
        _patience_can_run_out,
        _best_are_told,
    )
    problems = [problem for check in checks if (problem := check(config)) is not None]
    return problems + _falling_intervals(config)


def _class_is_named(config: RunConfig) -> tuple[str, str] | None:
    if CUSTOM_TASKS.holds(dict(config.task)) and not config.task.task_class:
        return "task_class", f"data = {config.task.data} needs task_class = package.module:Class"
    if config.model.network == "custom" and not config.model.model_class:
        return "model_class", "network = custom needs model_class = package.module:Class"
    return None


def _network_fits_data(config: RunConfig) -> tuple[str, str] | None:
    free = config.model.network == "custom" or config.task.data == CUSTOM_CLASSIFICATION
    if free or config.is_regression == (config.model.network == "mlp"):
        return None
    fitting = "mlp" if config.is_regression else "conv4-stride or conv4-pool"
    return "network", (
        f"network = {config.model.network} does not fit data = {config.task.data}: choose {fitting}"
    )


def _algorithm_fits_data(config: RunConfig) -> tuple[str, str] | None:
    chosen, data = config.algorithm.algorithm, config.task.data
    if chosen == "oracle" and data != "sinusoid":
        return (
            "algorithm",
            f"algorithm = oracle does not fit data = {data}: only sinusoid has something to tell it",
        )
    if chosen == "prototypical" and config.is_regression:
        return (
            "algorithm",
            f"algorithm = prototypical does not fit data = {data}: it needs classes to tell apart",
        )
    if chosen == "pretrained" and data == CUSTOM_CLASSIFICATION:
        return (
            "algorithm",
            f"algorithm = pretrained does not fit data = {data}: it needs classes that are known",
        )
    return _algorithm_fits_network(config)


def _algorithm_fits_network(config: RunConfig) -> tuple[str, str] | None:
    chosen, network = config.algorithm.algorithm, config.model.network
    needs_head = chosen == "prototypical" or (chosen == "pretrained" and not config.is_regression)
    if not needs_head or network not in ("mlp", "custom"):
        return None
    return "algorithm", (
        f"algorithm = {chosen} does not fit network = {network}: it needs the head of conv4-stride or conv4-pool"
    )


def _split_fits_data(config: RunConfig) -> tuple[str, str] | None:
    chosen, splits = config.task.class_split, CLASS_SPLITS.get(config.task.data)
    if splits is None or chosen in splits:
        return None
    return "class_split", (
        f"class_split = {chosen} is no split of data = {config.task.data}: choose {' or '.join(splits)}"
    )


def _curve_holds_score(config: RunConfig) -> tuple[str, str] | None:
    scored, shown = config.evaluation.eval_steps, config.evaluation.curve_steps
    if shown >= scored:
        return None
    return "curve_steps", f"curve_steps = {shown} must be at least eval_steps = {scored}"


def _falling_intervals(config: RunConfig) -> list[tuple[str, str]]:
    intervals = {name: getattr(config.task, name) for name in ("amplitude", "phase", "x_range")}
    return [
        (name, f"{name} = [{low}, {high}]: the first number must be below the second")
        for name, (low, high) in intervals.items()
        if low >= high
    ]


def _patience_can_run_out(config: RunConfig) -> tuple[str, str] | None:
    if config.training.eval_every or not config.training.patience:
        return None
    return "patience", "patience has no effect without validations: set eval_every above 0"


def _best_are_told(config: RunConfig) -> tuple[str, str] | None:
    if config.training.eval_every or config.training.keep_best == 1:
        return None
    return "keep_best", "keep_best has no effect without validations: set eval_every above 0"


def _ways_fit_classes(config: RunConfig) -> tuple[str, str] | None:
    task = config.task
    # 6 % of the procedural characters are kept for validation: the smallest of the three parts.
    needed = round(task.ways / 0.06)
    if task.data != "strokes" or task.classes >= needed:
        return None
    return "classes", (
        f"classes = {task.classes} leaves too few validation classes for ways = {task.ways}: use {needed} or more"
    )
