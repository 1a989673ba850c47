from __future__ import annotations

import numpy as np
import pytest

from engine.config.presets import load_preset
from engine.config.resolve import override_layer, resolve
from engine.runs.directory import RunDirectory
from engine.runs.events import AtStep, Measurement, Protocol
from engine.runs.report import Report
from engine.runs.result import Measured
from engine.runs.scores import Scores
from engine.runs.status import Status
from engine.statistics.summary import summarise
from maml_tui.comparing.contender import Contender, outcome_of


@pytest.fixture
def configured():
    """Return a preset's configuration with some values changed."""

    def make(preset="smoke", *overrides):
        return resolve([load_preset(preset).layer, override_layer(overrides)]).config

    return make


@pytest.fixture
def report():
    """Make a report of the last parameters, whose every step has the same scores."""

    def make(config, scores, step=3, keep=True, fingerprint=None, **protocol):
        values = np.float32(scores)
        at = tuple(AtStep(step=index, **summarise(values)._asdict()) for index in range(6))
        regression = config.is_regression
        usual = {"split": "test", "tasks": len(values), "shots": 1, "queries": 2, "steps": 5, "seed": 1}
        measurement = Measurement(
            metric=config.metric,
            protocol=Protocol(**{**usual, "ways": None if regression else config.task.ways, **protocol}),
            loss=at,
            accuracy=None if regression else at,
        )
        return Report(
            run="x",
            measurements=(Measured(checkpoint="last", iteration=60, measurement=measurement),),
            fingerprint=fingerprint or {},
            scores=Scores.of(step, {"last": values}) if keep else None,
        )

    return make


@pytest.fixture
def contender(configured, report, tmp_path):
    """Make a run of a comparison; without scores it was not measured."""

    def make(letter, scores=None, *overrides, preset="smoke", status=None, **measured):
        config = configured(preset, *overrides)
        found = None if scores is None else report(config, scores, **measured)
        usual = {"state": "done", "name": f"run-{letter}", "iteration": 60, "iterations": 60, "best": 0.5}
        return Contender(
            letter,
            RunDirectory(tmp_path / f"7f3{letter.lower()}"),
            config,
            Status(created=0.0, heartbeat=0.0, **{**usual, **(status or {})}),
            outcome_of(config, found, found and found.scores, "last"),
        )

    return make
