from __future__ import annotations

import math

import pytest

from engine.runs.events import (
    CheckpointEvent,
    FinishedEvent,
    RequestEvent,
    StartedEvent,
    StateEvent,
    WarningEvent,
)
from engine.runs.status import Status
from maml_tui.cli.plain import PlainView, event_line, train_line


def status():
    return Status(
        name="demo",
        state="running",
        created=0,
        heartbeat=0,
        iteration=0,
        iterations=60,
    )


def test_a_training_line_has_its_keys_in_a_fixed_order(train_event):
    assert train_line(train_event(18000, grad_norm=1.25, eta_seconds=17340), 60000) == (
        "iter=18000/60000 pct=30.0 it_s=2.41 tasks_s=38.6 eta=4:49:00 "
        "train.loss=0.236 train.acc=0.9480 train.grad_norm=1.25"
    )


def test_what_is_not_finite_is_said(train_event):
    line = train_line(train_event(1, loss=math.nan, accuracy=None, skipped=3), 10)
    assert line == "iter=1/10 pct=10.0 it_s=2.41 tasks_s=38.6 eta=- train.loss=nan train.skipped=3"


def test_an_evaluation_line(evaluation_event, smoke):
    event = evaluation_event(18000, best=0.934, best_iteration=17000, improved=False, patience_left=3)
    assert event_line(event, smoke.config) == (
        "eval iter=18000 split=val checkpoint=current step=3 n=600 acc=0.9313 ci95=0.0071 median=0.9313 "
        "diverged=0 loss=0.287 best=0.934@17000 improved=false patience_left=3"
    )


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            CheckpointEvent(iteration=9, file="iter-9.pt", bytes=12, seconds=0.1, reason="best"),
            "ckpt iter=9 reason=best file=iter-9.pt bytes=12",
        ),
        (StateEvent(state="paused", reason="by request"), 'state=paused reason="by request"'),
        (RequestEvent(verb="pause", id="1", outcome="accepted"), "request verb=pause outcome=accepted"),
        (WarningEvent(message="bad \x1b[2J"), 'warn message="bad \\\\x1b[2J"'),
        (
            FinishedEvent(state="done", iteration=9, seconds=1.234, reason="all iterations done"),
            'finished iter=9 state=done seconds=1.23 reason="all iterations done"',
        ),
        (
            StartedEvent(
                pid=1,
                host="h",
                device="cpu",
                device_name="x86 64",
                torch="2.13",
                python="3.11",
                program="0.1.0",
                iterations=9,
                parameters=7205,
                path="vmap",
                resumed_from=3,
            ),
            'started device=cpu device_name="x86 64" path=vmap parameters=7205 torch=2.13 resumed_from=3',
        ),
    ],
)
def test_everything_else_that_happens_is_a_line(event, line, smoke):
    assert event_line(event, smoke.config) == line


def test_training_is_told_every_few_seconds_and_beside_everything_else(
    train_event, evaluation_event, smoke, capsys
):
    view = PlainView(smoke.config)
    times = [0.0, 1.0, 2.0, 6.0, 7.0]
    view.show([], [train_event(n + 1, time=time) for n, time in enumerate(times)], status())
    view.show([], [evaluation_event(5)], status())
    heads = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert heads == ["iter=1/60", "iter=4/60", "iter=5/60", "eval"]
