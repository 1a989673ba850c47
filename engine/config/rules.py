"""Rules that tie several options together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue.networks import NETWORKS

if TYPE_CHECKING:
    from engine.config.schema import RunConfig

Problem = tuple[str, str]
"""An option's name, and a sentence that says what is wrong with its value."""


def broken_rules(config: RunConfig) -> list[Problem]:
    """Return a problem for every rule that `config` breaks."""
    checks = (
        _class_is_named,
        _network_fits_data,
        _algorithm_fits,
        _split_fits_data,
        _curve_holds_score,
        _ways_fit_classes,
    )
    problems = [problem for check in checks if (problem := check(config)) is not None]
    return problems + _without_validations(config) + _falling_intervals(config)


def _class_is_named(config: RunConfig) -> Problem | None:
    if "task_class" in config.data_entry.options and not config.task.task_class:
        return "task_class", f"data = {config.task.data} needs task_class = package.module:Class"
    if config.model.network == "custom" and not config.model.model_class:
        return "model_class", "network = custom needs model_class = package.module:Class"
    return None


def _network_fits_data(config: RunConfig) -> Problem | None:
    chosen, data = NETWORKS[config.model.network], config.data_entry
    if chosen.inputs == data.inputs or "any" in (chosen.inputs, data.inputs):
        return None
    fitting = " or ".join(entry.name for entry in NETWORKS.values() if entry.inputs == data.inputs)
    return "network", f"network = {chosen.name} does not fit data = {config.task.data}: choose {fitting}"


def _algorithm_fits(config: RunConfig) -> Problem | None:
    """Compare what the algorithm needs with what data and network offer."""
    algorithm, data, network = config.algorithm_entry, config.data_entry, NETWORKS[config.model.network]
    needs = algorithm.needs | (frozenset() if config.is_regression else algorithm.needs_for_classes)
    of_networks = frozenset[str]().union(*(entry.offers for entry in NETWORKS.values()))
    if missing := sorted(needs - of_networks - data.offers):
        place, remedy = f"data = {config.task.data}", "choose other data or another algorithm"
    elif missing := sorted((needs & of_networks) - network.offers):
        fitting = (entry.name for entry in NETWORKS.values() if missing[0] in entry.offers)
        place, remedy = f"network = {network.name}", f"choose {' or '.join(fitting)}"
    else:
        return None
    return "algorithm", (
        f"algorithm = {algorithm.name} does not fit {place}: it needs {missing[0]}, so {remedy}"
    )


def _split_fits_data(config: RunConfig) -> Problem | None:
    chosen, splits = config.task.class_split, config.data_entry.splits
    if not splits or chosen in splits:
        return None
    return "class_split", (
        f"class_split = {chosen} is no split of data = {config.task.data}: choose {' or '.join(splits)}"
    )


def _curve_holds_score(config: RunConfig) -> Problem | None:
    scored, shown = config.evaluation.eval_steps, config.evaluation.curve_steps
    if shown >= scored:
        return None
    return "curve_steps", f"curve_steps = {shown} must be at least eval_steps = {scored}"


def _falling_intervals(config: RunConfig) -> list[Problem]:
    intervals = {name: getattr(config.task, name) for name in ("amplitude", "phase", "x_range")}
    return [
        (name, f"{name} = [{low}, {high}]: the first number must be below the second")
        for name, (low, high) in intervals.items()
        if low >= high
    ]


def _without_validations(config: RunConfig) -> list[Problem]:
    training = config.training
    set_for_them = {"patience": training.patience > 0, "keep_best": training.keep_best > 1}
    return [
        (name, f"{name} has no effect without validations: set eval_every above 0")
        for name, is_set in set_for_them.items()
        if is_set and not training.eval_every
    ]


def _ways_fit_classes(config: RunConfig) -> Problem | None:
    task = config.task
    # 6 % of the procedural characters are kept for validation: the smallest of the three parts.
    needed = round(task.ways / 0.06)
    if task.data != "strokes" or task.classes >= needed:
        return None
    return "classes", (
        f"classes = {task.classes} leaves too few validation classes for ways = {task.ways}: use {needed} or more"
    )
