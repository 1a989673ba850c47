"""Rules that tie several options together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.catalogue.networks import NETWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        _validations_are_made,
        _intervals_rise,
    )
    return [problem for check in checks for problem in check(config)]


def _class_is_named(config: RunConfig) -> Iterator[Problem]:
    if "task_class" in config.data_entry.options and not config.task.task_class:
        yield "task_class", f"data = {config.task.data} needs task_class = package.module:Class"
    elif config.model.network == "custom" and not config.model.model_class:
        yield "model_class", "network = custom needs model_class = package.module:Class"


def _network_fits_data(config: RunConfig) -> Iterator[Problem]:
    chosen, data = NETWORKS[config.model.network], config.data_entry
    if chosen.inputs != data.inputs and "any" not in (chosen.inputs, data.inputs):
        fitting = " or ".join(entry.name for entry in NETWORKS.values() if entry.inputs == data.inputs)
        yield "network", f"network = {chosen.name} does not fit data = {config.task.data}: choose {fitting}"


def _algorithm_fits(config: RunConfig) -> Iterator[Problem]:
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
        return
    yield (
        "algorithm",
        f"algorithm = {algorithm.name} does not fit {place}: it needs {missing[0]}, so {remedy}",
    )


def _split_fits_data(config: RunConfig) -> Iterator[Problem]:
    chosen, splits = config.task.class_split, config.data_entry.splits
    if splits and chosen not in splits:
        fitting = " or ".join(splits)
        yield (
            "class_split",
            f"class_split = {chosen} is no split of data = {config.task.data}: choose {fitting}",
        )


def _curve_holds_score(config: RunConfig) -> Iterator[Problem]:
    scored, shown = config.evaluation.eval_steps, config.evaluation.curve_steps
    if shown < scored:
        yield "curve_steps", f"curve_steps = {shown} must be at least eval_steps = {scored}"


def _ways_fit_classes(config: RunConfig) -> Iterator[Problem]:
    ways, classes = config.task.ways, config.task.classes
    # 6 % of the procedural characters are kept for validation: the smallest of the three parts.
    needed = round(ways / 0.06)
    if config.task.data == "strokes" and classes < needed:
        few = f"leaves too few validation classes for ways = {ways}: use {needed} or more"
        yield "classes", f"classes = {classes} {few}"


def _validations_are_made(config: RunConfig) -> Iterator[Problem]:
    training, advice = config.training, "has no effect without validations: set eval_every above 0"
    if not training.eval_every and training.patience > 0:
        yield "patience", f"patience {advice}"
    if not training.eval_every and training.keep_best > 1:
        yield "keep_best", f"keep_best {advice}"


def _intervals_rise(config: RunConfig) -> Iterator[Problem]:
    for name in ("amplitude", "phase", "x_range"):
        low, high = getattr(config.task, name)
        if low >= high:
            yield name, f"{name} = [{low}, {high}]: the first number must be below the second"
