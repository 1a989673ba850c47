"""The Adapt page against a stand-in for the process, and once against the real one."""

from __future__ import annotations

import json
import os
import re
from types import SimpleNamespace

import psutil
import pytest
import run_folders
from app_driver import settled
from deadline import until
from run_folders import change_status
from screens import screen_text

from engine.runs.checkpoints import save_checkpoint
from engine.runs.status import read_status
from maml_tui.pages.adapt import screen as adapt
from maml_tui.plotting import Charset
from maml_tui.reports.wording import metric_value
from maml_tui.runs.watch import RunWatch

STAND_IN = """
import base64
for line in sys.stdin:
    number, asked = json.loads(line).values()
    with open(asked["run"] + "/asked", "a") as file:
        print(json.dumps(asked), file=file)
    steps, classes = range(asked["steps"] + 1), range(WAYS)
    told = {"iteration": 70, "loss": [2.0 / (1 + step) for step in steps]}
    pictures = {"shape": [WAYS, 1, 8, 8], "pixels": base64.urlsafe_b64encode(bytes([200] * 64 * WAYS)).decode(),
                "classes": [*classes]}
    if WAYS == 1:
        told |= {"kind": "curve", "amplitude": asked["amplitude"] or 2.34, "phase": asked["phase"] or 1.0,
                 "support_x": [0.0] * asked["shots"], "support_y": [1.0] * asked["shots"],
                 "x": [-5.0, 5.0], "truth": [1.0, -1.0], "predictions": [[0.0, step / 10] for step in steps]}
    else:
        told |= {"kind": "pictures", "class_names": [f"name{n}" for n in classes], "support": pictures,
                 "queries": pictures, "accuracy": [0.5 for step in steps],
                 "probabilities": [[[1.0 * (n == 0) for n in classes] for _ in classes] for step in steps]}
    print(json.dumps({"id": number, "result": told}), flush=True)
"""
SIZES = [(120, 40), (80, 24), (60, 15), (30, 6), (30, 4), (20, 1), (200, 60)]


@pytest.fixture
def make_run(root):
    """Return `make_run(preset, "key=value", ...)`: a run with a latest checkpoint, of which nobody reads the bytes."""

    def make(preset="sinusoid-10shot", *overrides, labels=("latest",)):
        run = run_folders.make_run(root, "eval_steps=1", *overrides, preset=preset, device="cpu")
        if labels:
            save_checkpoint(run, 70, b"one", set(labels))
        return run

    return make


@pytest.fixture
def stand_in(program):
    """Return `stand_in(text)`: let that program answer; by default one that adapts to curves."""

    def use(text=STAND_IN, ways=1):
        program(text.replace("WAYS", str(ways)))

    use()
    return use


@pytest.fixture
def opened(open_page):
    """Return `opened(run, size, ...)`: the application on its Adapt page."""
    return lambda run, *size, **how: open_page(
        "adapt", *size, watched=RunWatch(run) if run else None, environment=os.environ, **how
    )


def asked(run):
    path = run.path / "asked"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_without_a_run_it_says_how_to_choose_one(opened):
    async with opened(None) as pilot:
        assert "No run is chosen" in await settled(pilot)
        await pilot.press("n", "full_stop", "space", "v", "up")
        assert "No run is chosen" in await settled(pilot)


@pytest.mark.parametrize(
    ("state", "advice"), [("running", "then c to write one now"), ("failed", "The run has ended (failed)")]
)
async def test_without_a_checkpoint_it_says_when_there_is_one(
    opened, make_run, stand_in, monkeypatch, state, advice
):
    run = make_run("sinusoid-10shot", "eval_every=250", labels=())
    monkeypatch.setattr(
        "maml_tui.runs.watch.current_status",
        lambda run: read_status(run).model_copy(update={"state": state}),
    )
    async with opened(run) as pilot:
        screen = await settled(pilot)
        assert "after iteration 250" in screen and advice in screen
        assert asked(run) == []


async def test_it_shows_the_curve_and_where_it_comes_from(opened, make_run, stand_in):
    run = make_run()
    async with opened(run) as pilot:
        screen = await settled(pilot)
        assert f"{run.id} demo, queued: latest checkpoint, iteration 70" in screen
        assert "A ╌ truth  B o K = 10" in screen and "C ┈ before  D ━ step 1" in screen
        assert "step 1/10: mse 1.000" in screen and "K 10  A 2.34  phase 1.00" in screen


async def test_keys_change_what_is_asked(opened, make_run, stand_in):
    run = make_run()
    expected = [
        ("", {"task": 0, "shots": 10, "checkpoint": "latest", "split": "test", "amplitude": None}),
        ("n", {"task": 1}),
        ("N", {"task": 0}),
        ("k", {"shots": 11}),
        ("K", {"shots": 10}),
        ("up", {"amplitude": 2.4, "phase": None}),
        ("a", {"amplitude": 2.5}),
        ("A", {"amplitude": 2.4}),
        ("right", {"phase": 1.1, "amplitude": 2.4}),
        ("0", {"phase": None, "amplitude": None}),
        ("t", {"split": "val"}),
    ]
    async with opened(run) as pilot:
        for key, answer in expected:
            if key:
                await pilot.press(key)
            await settled(pilot)
            assert asked(run)[-1].items() >= answer.items(), key
        assert len(asked(run)) == len(expected)
        await pilot.press("r")
        await settled(pilot)
        assert asked(run)[-1]["task"] != 0


async def test_steps_need_no_question(opened, make_run, stand_in):
    run = make_run()
    async with opened(run) as pilot:
        await settled(pilot)
        await pilot.press("full_stop", "full_stop")
        assert "step 3/10: mse 0.5000" in await settled(pilot)
        await pilot.press(*["comma"] * 9)
        screen = await settled(pilot)
        assert "step 0/10: mse 2.000" in screen and "D ━" not in screen
        assert len(asked(run)) == 1


async def test_the_curve_is_written_to_files(opened, make_run, stand_in, root):
    run = make_run()
    async with opened(run) as pilot:
        await settled(pilot)
        await pilot.press("n", "w")
        await settled(pilot)
        await pilot.app.workers.wait_for_complete()
    written = sorted((root.parent / "exports").iterdir())
    assert [path.suffix for path in written] == [".csv", ".png", ".svg"]
    assert written[0].name.startswith(f"{run.id}-test-task-2-step-1-")
    assert "truth,-5,1" in written[0].read_text()


async def test_it_plays_from_the_beginning_to_the_end(opened, make_run, stand_in, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(adapt, "time", SimpleNamespace(monotonic=lambda: clock.now))
    async with opened(make_run()) as pilot:
        await settled(pilot)
        await pilot.press(*["full_stop"] * 9, "space")
        seen = []
        for _ in range(25):
            clock.now += 0.3
            screen = await settled(pilot)
            seen.append(int(re.search(r"step (\d+)/10", screen)[1]))
        steps = list(dict.fromkeys(seen))
        assert steps == list(range(11)) and seen.count(10) > 2


async def test_another_checkpoint_is_asked_for_again(opened, make_run, stand_in, monkeypatch):
    run = make_run()
    async with opened(run) as pilot:
        await settled(pilot)
        save_checkpoint(run, 80, b"two", {"latest"})
        await settled(pilot)
        assert len(asked(run)) == 1, "nothing else told of a change"
        study = pilot.app.screen._study
        study._clock = lambda: study._seen_at + 2
        pilot.app.watched.version += 1
        await settled(pilot)
        assert len(asked(run)) == 2


async def test_best_and_latest(opened, make_run, stand_in):
    run = make_run(labels=("latest", "best"))
    change_status(run, state="done")
    async with opened(run) as pilot:
        assert "best checkpoint" in await settled(pilot), "a run that has ended is shown at its best"
        await pilot.press("v")
        assert "latest checkpoint" in await settled(pilot)
        assert [one["checkpoint"] for one in asked(run)] == ["best", "latest"]


async def test_a_run_without_a_best_one_leads_back(opened, make_run, stand_in):
    async with opened(make_run("sinusoid-10shot", "eval_every=0")) as pilot:
        await settled(pilot)
        await pilot.press("v")
        assert "Press v for the latest checkpoint" in await settled(pilot)
        await pilot.press("v")
        assert "step 1/10" in await settled(pilot)


async def test_a_process_that_fails_is_told_and_tried_again(opened, make_run, stand_in):
    stand_in("sys.stdin.readline(); print('no torch here', file=sys.stderr); sys.exit(1)")
    async with opened(make_run()) as pilot:
        screen = await settled(pilot)
        assert "no torch here" in screen and "tries again" in screen
        stand_in()
        await pilot.press("n")
        assert "step 1/10" in await settled(pilot)


async def test_what_the_process_refuses_is_told(opened, make_run, stand_in):
    stand_in("""
        for line in sys.stdin:
            failure = {"sentence": "lower shots", "exit_code": 2}
            print(json.dumps({"id": json.loads(line)["id"], "failure": failure}), flush=True)
    """)
    async with opened(make_run()) as pilot:
        assert "lower shots" in await settled(pilot)


async def test_while_the_network_is_loaded_it_says_so(opened, make_run, stand_in):
    stand_in("time.sleep(600)")
    async with opened(make_run()) as pilot:
        await pilot.pause()
        await pilot.app.screen.pulse()
        await pilot.pause()
        assert "loading the network" in screen_text(pilot.app)


async def test_pictures_have_pages(opened, make_run, stand_in):
    stand_in(ways=5)
    async with opened(make_run("smoke"), size=(60, 15)) as pilot:
        assert "page 1 of" in await settled(pilot)
        await pilot.press("pagedown")
        assert "page 2 of" in await settled(pilot)
        await pilot.press(*["pagedown"] * 9)
        last = await settled(pilot)
        await pilot.press("pageup")
        assert await settled(pilot) != last
        await pilot.press("n")
        assert "page 1 of" in await settled(pilot)


async def test_keys_are_offered_where_they_do_something(opened, make_run, stand_in):
    def offered(pilot):
        return {active.binding.id for active in pilot.app.screen.active_bindings.values()}

    async with opened(make_run()) as pilot:
        await settled(pilot)
        assert "adapt.raise" in offered(pilot) and "adapt.next_page" not in offered(pilot)
        assert pilot.app.screen.focused.id == "curve"
    stand_in(ways=5)
    async with opened(make_run("smoke")) as pilot:
        await settled(pilot)
        assert "adapt.raise" not in offered(pilot) and "adapt.next_page" in offered(pilot)
        assert pilot.app.screen.focused.id == "classes"
        await pilot.press("z")
        assert "accuracy per step" not in await settled(pilot), "z gives the pictures the whole page"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("preset", "ways"), [("sinusoid-10shot", 1), ("omniglot-20w1s", 20)])
async def test_it_fits_every_terminal(opened, make_run, stand_in, size, preset, ways):
    stand_in(ways=ways)
    async with opened(make_run(preset), size=size) as pilot:
        screen = await settled(pilot)
        assert size[1] < 2 or "step " in screen
        await pilot.resize_terminal(100, 30)
        assert "step " in await settled(pilot)


async def test_ascii_is_ascii(opened, make_run, stand_in):
    stand_in(ways=5)
    async with opened(make_run("smoke"), charset=Charset.ASCII, plain=True) as pilot:
        screen = await settled(pilot)
        body = screen.splitlines()[1:-1]
        assert all(line.isascii() for line in body) and any("+ A 100%" in line for line in body)


async def test_an_idle_page_paints_nothing(opened, make_run, stand_in, monkeypatch):
    async with opened(make_run()) as pilot:
        await settled(pilot)
        painted = []
        monkeypatch.setattr(
            "textual.widget.Widget.refresh", lambda self, *_, **__: painted.append(self) or self
        )
        for _ in range(5):
            await pilot.app.screen.pulse()
        assert painted == []


async def test_another_run_takes_the_place_of_the_first(opened, make_run, stand_in):
    first, second = make_run(), make_run("sinusoid-5shot")
    async with opened(first) as pilot:
        await settled(pilot)
        old = pilot.app.screen._study._client.pid
        pilot.app.watched = RunWatch(second)
        assert second.id in await settled(pilot) and asked(second)[0]["shots"] == 5
        assert not psutil.pid_exists(old)


async def test_no_process_is_left_over(opened, make_run, stand_in, monkeypatch):
    monkeypatch.setattr(adapt, "_KEEP_SECONDS", 0.01)
    async with opened(make_run()) as pilot:
        await settled(pilot)
        study = pilot.app.screen._study
        gone = psutil.Process(study._client.pid)
        pilot.app.action_help()
        await until(lambda: not gone.is_running(), explain=lambda: "the page was left for long")
        pilot.app.pop_screen()
        await pilot.press("n")
        await settled(pilot)
        left = psutil.Process(study._client.pid)
    assert not left.is_running(), "the application was left"


@pytest.fixture
def trained(make_run):
    """Return `trained("key=value", ...)`: a run of a tiny network that was trained for three iterations."""
    import torch

    from engine.config.record import read_record
    from engine.training.checkpoint import to_bytes
    from engine.training.loop import meta_train
    from engine.training.setup import Setup

    def train(*overrides):
        tiny = ("hidden=[8]", "iterations=3", "eval_every=0", "val_tasks=4")
        run = make_run("sinusoid-10shot", *tiny, *overrides, labels=())
        setup = Setup.build(read_record(run.config).resolved.config, torch.device("cpu"))
        state = setup.initial_state()
        for _ in meta_train(setup, state):
            pass
        save_checkpoint(run, state.iteration, to_bytes(state, {}), {"latest"})
        return run

    return train


async def test_the_real_process_on_a_real_run(opened, trained):
    async with opened(trained()) as pilot:
        screen = await settled(pilot)
        assert "latest checkpoint, iteration 3" in screen and "10 █" in screen
        assert "pretrained beside it: maml train" in screen and "E ┅" not in screen


async def test_the_pretrained_baseline_stands_beside_it(opened, trained):
    run = trained()
    async with opened(run) as pilot:
        await settled(pilot)
        pretrained = trained("algorithm=pretrained")
        pilot.app.screen.on_screen_resume()
        screen = await settled(pilot)
        assert "E ┅ pretrained" in screen and f"pretrained: {pretrained.id} demo, latest" in screen
        page = pilot.app.screen
        answer, beside = page._study.answer, page._baseline.study.answer
        assert beside.truth == answer.truth and beside.loss != answer.loss
        assert f"{metric_value('mse', answer.loss[1])}" in screen
        assert all(metric_value("mse", value) in screen for value in beside.loss)
        await pilot.press("n", "k")
        await settled(pilot)
        assert page._baseline.study.answer.truth == page._study.answer.truth != answer.truth
        processes = [psutil.Process(one._client.pid) for one in (page._study, page._baseline.study)]
    assert not any(one.is_running() for one in processes)
