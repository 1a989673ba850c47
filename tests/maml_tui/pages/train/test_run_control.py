"""Keys of the Train page that control its run: the worker, this very process, answers when the test does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from app_driver import notifications, shows, tells, watching
from deadline import until
from run_folders import answer_request, change_status
from screens import screen_text

from engine.runs.checkpoints import save_checkpoint
from engine.runs.requests import pending
from engine.runs.status import read_status
from maml_tui.pages.train import screen as train


@pytest.mark.parametrize(
    ("key", "state", "verb", "words"),
    [
        ("space", "running", "pause", ": paused"),
        ("space", "paused", "resume", ": resumed"),
        ("r", "paused", "resume", ": resumed"),
        ("c", "running", "checkpoint", ": writing"),
        ("e", "running", "evaluate", ": evaluating"),
    ],
)
async def test_a_key_asks_and_the_answer_is_told(full, key, state, verb, words):
    run = full(state)
    async with watching(run) as pilot:
        await shows(pilot, state.upper())
        await pilot.press(key)
        assert answer_request(run).verb == verb
        await tells(pilot, words)


async def test_a_pause_is_asked_for_while_a_run_warms_up_and_answered_after_its_first_iteration(new_run):
    run = new_run(state="warming-up")
    async with watching(run) as pilot:
        await shows(pilot, "WARMING-UP")
        await shows(pilot, "space Pause")
        await pilot.press("space")
        (request,) = pending(run)
        assert (request.verb, read_status(run).state) == ("pause", "warming-up")
        change_status(run, state="running", iteration=1)
        await shows(pilot, "RUNNING")
        assert pending(run) == [request]
        assert not any(": paused" in sentence for sentence in notifications(pilot))
        answer_request(run)
        change_status(run, state="paused", reason="by request")
        await tells(pilot, ": paused")
        await shows(pilot, "PAUSED")
        await pilot.press("space")
        assert [request.verb for request in pending(run)] == ["resume"]


async def test_a_refusal_is_told(full):
    run = full("running")
    async with watching(run) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("c")
        answer_request(run, "refused", "training is over, the result is being measured")
        await tells(pilot, "refused to checkpoint: training is over")


async def test_only_what_makes_sense_is_offered(full):
    live, finished = full("running"), full("done")
    async with watching(live) as pilot:
        await shows(pilot, "space Pause")
        assert "Resume" not in screen_text(pilot.app)
        change_status(live, state="failed", reason="disk full")
        await until(lambda: "r Resume" in screen_text(pilot.app) and "Pause" not in screen_text(pilot.app))
    async with watching(finished) as pilot:
        await shows(pilot, "DONE")
        await until(lambda: "Resume" not in screen_text(pilot.app) and "Pause" not in screen_text(pilot.app))


@pytest.mark.parametrize(
    ("keys", "asked"),
    [
        (["g"], "graceful"),
        (["n"], "now"),
        (["down", "enter"], "graceful"),
        (["escape"], None),
        (["k", "escape", "escape"], None),
        (["k", "n", "escape"], None),
    ],
)
async def test_the_stop_dialog_asks_for_what_was_chosen(full, keys, asked):
    run = full("running")
    async with watching(run) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("X")
        await shows(pilot, "Leave or stop run")
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await until(lambda: isinstance(pilot.app.screen, train.TrainPage))
        assert [request.mode for request in pending(run)] == ([asked] if asked else [])


async def test_detaching_is_the_default_and_leaves_the_run_alone(full):
    run = full("running")
    async with watching(run) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("X")
        await shows(pilot, "close this window, the run goes on")
        await pilot.press("enter")
        await until(lambda: pilot.app._exit)
    assert pilot.app.return_code == 0 and pending(run) == []


async def test_ctrl_c_asks_how_to_leave_a_live_run(full):
    async with watching(full("running")) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("ctrl+c")
        await shows(pilot, "Leave or stop run")


async def test_a_kill_is_asked_twice(full, monkeypatch):
    killed = []
    monkeypatch.setattr("maml_tui.pages.run_control.kill_worker", killed.append)
    run = full("running")
    save_checkpoint(run, 20, b"x", ["latest"])
    async with watching(run) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("X")
        await shows(pilot, "what came after 20")
        await pilot.press("k")
        await shows(pilot, "Kill run")
        assert not killed
        await pilot.press("y")
        await until(lambda: killed == [run])


async def test_a_worker_elsewhere_is_not_killed_from_here(full):
    async with watching(full("running", host="gpubox03")) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press("X")
        await shows(pilot, "Leave or stop run")
        await pilot.press("k")
        await shows(pilot, "its worker is on gpubox03: kill it there")


async def test_a_lost_run_is_taken_up_by_a_new_worker_in_the_persons_environment(full, monkeypatch):
    started = []

    def start(run, environment):
        started.append((run, environment))
        return SimpleNamespace(pid=1, poll=lambda: None)

    monkeypatch.setattr("engine.runs.control.start_worker", start)
    run = full("lost")
    async with watching(run) as pilot:
        await shows(pilot, "r resumes from iteration 20")
        await pilot.press("r")
        await tells(pilot, "is starting")
        assert started == [(run, {"A": "b"})]
        await pilot.press("r")
        await tells(pilot, "is starting already")


async def test_a_worker_that_dies_at_once_is_told_of(full, monkeypatch):
    monkeypatch.setattr("engine.runs.control.start_worker", lambda *_: SimpleNamespace(pid=1, poll=lambda: 3))
    run = full("failed")
    run.log.write_text("maml: no such thing\n")
    async with watching(run) as pilot:
        await shows(pilot, "r tries again")
        await pilot.press("r")
        await tells(pilot, "exit status 3: maml: no such thing")


@pytest.mark.parametrize("key", ["space", "c", "e", "X"])
async def test_a_read_only_window_refuses(full, key):
    run = full("running")
    async with watching(run, readonly=True) as pilot:
        await shows(pilot, "RUNNING")
        await pilot.press(key)
        await tells(pilot, "read-only")
        assert pending(run) == []
