from __future__ import annotations

import json
import math

import pytest

from engine.runs.events import (
    AtStep,
    EvaluationEvent,
    Measurement,
    Protocol,
    StateEvent,
    TrainEvent,
    describe_events,
    parse_event,
)

PROTOCOL = Protocol(split="val", tasks=600, ways=5, shots=1, queries=15, steps=1, seed=7, mode="transductive")


def steps(*means: float) -> tuple[AtStep, ...]:
    return tuple(AtStep(step=i, mean=mean, ci95=0.01, median=mean) for i, mean in enumerate(means))


def test_an_evaluation_survives_the_way_through_json():
    measurement = Measurement(
        metric="accuracy", protocol=PROTOCOL, loss=steps(1.6, 0.3), accuracy=steps(0.2, 0.9)
    )
    event = EvaluationEvent(
        iteration=10, split="val", checkpoint="current", seconds=1.5, measurement=measurement, improved=True
    )
    assert parse_event(event.model_dump_json().encode()) == event
    assert measurement.series[-1].mean == 0.9


def test_the_metric_of_a_regression_is_its_loss():
    measurement = Measurement(metric="mse", protocol=PROTOCOL, loss=steps(3.0, 0.4))
    assert measurement.series == measurement.loss


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_are_null_in_strict_json_and_nan_when_read(value):
    event = TrainEvent(
        iteration=1, loss=value, iterations_per_second=1.0, tasks_per_second=4.0, grad_norm=value
    )
    text = event.model_dump_json()
    raw = json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is not JSON"))
    assert raw["loss"] is None
    read = parse_event(text.encode())
    assert isinstance(read, TrainEvent)
    assert math.isnan(read.loss)
    assert read.grad_norm is None


def test_diverged_steps_inside_a_measurement_are_null_too():
    text = Measurement(metric="mse", protocol=PROTOCOL, loss=steps(3.0, math.nan)).model_dump_json()
    assert json.loads(text)["loss"][1]["mean"] is None
    assert math.isnan(Measurement.model_validate_json(text).loss[1].mean)


def test_unknown_fields_are_ignored():
    assert parse_event(b'{"v":1,"seq":3,"kind":"state","state":"done","later":[1]}') == StateEvent(
        seq=3, state="done"
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"\xff\xfe",
        b"\0\0\0",
        b'{"kind":"state","sta',
        b'{"v":1,"kind":"from the future"}',
        b'{"v":2,"kind":"state","state":"done"}',
        b'{"kind":"state","state":"dancing"}',
        b"[" * 100_000,
        b"1" * 100_000,
    ],
    ids=lambda line: repr(line[:40]),
)
def test_other_lines_are_no_record(line):
    assert parse_event(line) is None


def test_the_description_names_every_kind_and_explains_every_field():
    text = describe_events()
    for kind in ("started", "train", "evaluation", "checkpoint", "state", "request", "warning", "finished"):
        assert f"### `{kind}`" in text
    assert "| `loss` | number or null | query loss after adaptation, mean over tasks |" in text
    assert "| `measurement` | Measurement |" in text
    assert "| `accuracy` | array of AtStep or null |" in text
    assert "None" not in text


@pytest.mark.parametrize("change", [{"loss": []}, {"accuracy": []}])
def test_a_measurement_without_a_value_for_every_step_is_no_record(change):
    """Whoever shows it may rely on each step being there."""
    protocol = PROTOCOL.model_copy(update={"steps": 1})
    sound = Measurement(metric="mse", protocol=protocol, loss=steps(3.0, 0.4))
    event = EvaluationEvent(iteration=1, split="val", checkpoint="current", seconds=1.0, measurement=sound)
    told = json.loads(event.model_dump_json())
    assert parse_event(json.dumps(told).encode()) == event
    told["measurement"] |= change
    assert parse_event(json.dumps(told).encode()) is None


@pytest.mark.parametrize("iteration", [-1, 2**63, 10**400])
def test_a_number_of_iterations_that_cannot_be_plotted_is_damage(iteration):
    text = TrainEvent(iteration=3, loss=1, iterations_per_second=1, tasks_per_second=1).model_dump_json()
    assert parse_event(text.encode()) is not None
    assert parse_event(text.replace(":3,", f":{iteration},").encode()) is None
