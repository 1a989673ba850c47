"""Parameters to adapt from, out of a run's checkpoint or an exported file, and all that is needed to use them.

The data set that they were learned on need not be on this machine, except for its form where it is a person's own.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine.algorithms.algorithm import build_learner
from engine.config.own_code import use_search_path
from engine.config.record import read_record, texts
from engine.config.resolve import Layer, resolve
from engine.config.toml import config_tables, parse_toml, read_toml, sections, write_toml
from engine.data.image_sets import form_of
from engine.data.pictures import Form
from engine.errors import ResourceError, UsageError
from engine.files import explain_os_errors, write_atomic
from engine.models.build import build_model
from engine.runs.checkpoints import Label, load_checkpoint, read_pointer
from engine.runs.directory import RunDirectory
from engine.runs.result import Measured, read_result
from engine.runs.status import read_status
from engine.services.apply_messages import Facts, Origin
from engine.tasks.sources import build_source
from engine.text import printable
from engine.training.checkpoint import parameters_hash, read_theta

if TYPE_CHECKING:
    from engine.algorithms.adapt import Params
    from engine.algorithms.learner import Learner
    from engine.config.schema import RunConfig


_FORMAT = "maml-tui initialisation 1"


def write_weights(path: Path, theta: Params, facts: Facts, form: Form | None, *, force: bool) -> None:
    """Write parameters and what is known of them, whole or not at all.

    Raises:
        UsageError: There is such a file and `force` is not set.
        ResourceError: It cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{printable(path)} exists: add --force to replace it")
    known = {name: json.dumps(value) for name, value in json.loads(facts.model_dump_json()).items()}
    metadata = {"format": _FORMAT, **known, "form": json.dumps(form)}
    write_atomic(path, save({name: value.contiguous() for name, value in theta.items()}, metadata))


def read_weights(path: Path) -> tuple[Params, Facts, Form | None]:
    """Read what `write_weights` wrote.

    Raises:
        ResourceError: It cannot be read, is damaged, or was not written by this program.
    """
    with explain_os_errors(f"read {path}"):
        try:
            with safe_open(path, "pt") as file:
                metadata: dict[str, str] = file.metadata() or {}
                theta = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dictionary
        except SafetensorError as error:
            raise ResourceError(f"{printable(path)} is not a whole safetensors file: {error}") from error
    if metadata.pop("format", None) != _FORMAT:
        raise ResourceError(
            f"{printable(path)} was not written by `maml export` of this version: its metadata say nothing of a network"
        )
    try:
        known = {name: json.loads(text) for name, text in metadata.items()}
        form = known.pop("form")
        return theta, Facts.model_validate(known), None if form is None else Form(*form)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
        raise ResourceError(f"{printable(path)} has damaged metadata: export it again") from error


@dataclass(frozen=True)
class Initialisation:
    """Meta-learned parameters and the network they belong to.

    Attributes:
        form: What pictures are made into; None for regression.
        theta: The parameters, on the CPU.
    """

    config: RunConfig
    form: Form | None
    learner: Learner
    theta: Params
    facts: Facts

    @property
    def inputs(self) -> int:
        """How many numbers an input of a regression network has."""
        return math.prod(_input_shape(self.config, self.form))

    @classmethod
    def load(cls, origin: Origin) -> Initialisation:
        """Read a run's checkpoint or an exported file.

        Raises:
            UsageError: The run is a baseline, which has no step size to adapt by.
            ResourceError: There is no such checkpoint or file, it is damaged, or the data's form is not known here.
        """
        if origin.file is not None:
            return _from_file(Path(origin.file))
        assert origin.run is not None  # noqa: S101 - one of the two is given
        return _from_run(RunDirectory(Path(origin.run)), origin.checkpoint)


def _from_run(run: RunDirectory, wanted: Label | None) -> Initialisation:
    record = read_record(run.config)
    use_search_path(record.search_path)
    config = record.resolved.config
    label = wanted or ("latest" if read_pointer(run, "best") is None else "best")
    pointer, payload = load_checkpoint(run, label)
    form = None if config.is_regression else _form(config)
    learner, theta = _fit(config, form, read_theta(payload), f"run {run.id}")
    facts = Facts(
        name=record.name,
        checkpoint=label,
        iteration=pointer.iteration,
        parameters=sum(value.numel() for value in theta.values()),
        sha256=parameters_hash(theta),
        config=write_toml(config_tables(config)),
        preset=dict(record.preset),
        fingerprint=dict(record.fingerprint),
        versions=texts(read_toml(run.config).get("versions")),
        measurements=_measured(run, label, pointer.iteration),
        place={"host": read_status(run).host, "folder": str(run.path), "command": record.command},
    )
    return Initialisation(config, form, learner, theta, facts)


def _from_file(path: Path) -> Initialisation:
    theta, facts, form = read_weights(path)
    tables = sections(parse_toml(facts.config, str(path)), str(path))
    config = resolve([Layer(str(path), tables)]).config
    if config.own_classes:
        # A file from somebody else must not choose what is imported and run here.
        raise UsageError(
            f"{printable(path)} needs code that it does not bring along ({', '.join(config.own_classes)}): adapt the "
            "run that it was exported from"
        )
    learner, theta = _fit(config, form, theta, str(path))
    return Initialisation(config, form, learner, theta, facts)


def _fit(config: RunConfig, form: Form | None, theta: Params, label: str) -> tuple[Learner, Params]:
    """Return the learner of `theta`, and of `theta` what its network has."""
    if config.algorithm_entry.is_fine_tuned:
        raise UsageError(
            f"{printable(label)} is the baseline {config.algorithm.algorithm}, whose step size was found on validation "
            "tasks: adapt a run that learned to be adapted, such as maml"
        )
    learner = build_learner(config, build_model(config, _input_shape(config, form)))
    shapes = {name: value.shape for name, value in learner.model.named_parameters()}
    if any(name not in theta or theta[name].shape != shape for name, shape in shapes.items()):
        raise ResourceError(
            f"the parameters of {printable(label)} are not those of the network that its configuration describes"
        )
    return learner, {name: theta[name].to(torch.float32) for name in shapes}


def _form(config: RunConfig) -> Form:
    if not config.task.task_class:
        return form_of(config.task.data)
    match build_source(config, torch.device("cpu")).input_shape:
        case (1 | 3 as channels, height, width) if height == width:
            return Form(channels, height)
        case shape:
            raise UsageError(
                f"examples are given as pictures, but {config.task.task_class} has inputs of {list(shape)}"
            )


def _input_shape(config: RunConfig, form: Form | None) -> tuple[int, ...]:
    if form is None:
        return build_source(config, torch.device("cpu")).input_shape
    return form.channels, form.size, form.size


def _measured(run: RunDirectory, label: Label, iteration: int) -> tuple[Measured, ...]:
    """Return the final measurements of these very parameters."""
    result = read_result(run.result)
    name = "best" if label == "best" else "last"
    found = result.measurements if result else ()
    return tuple(one for one in found if one.checkpoint == name and one.iteration == iteration)
