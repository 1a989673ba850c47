"""What is looked at before a start."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from engine.data import store
from engine.runs.status import read_status, write_status
from engine.services.messages import Costs
from maml_tui.pages.setup.checks import checks, visible_gpus

COSTS = Costs(
    device="cuda:0",
    device_name="NVIDIA H100",
    iterations_per_second=2.4,
    iterations_per_second_p90=2.2,
    memory_peak=12 << 30,
    memory_total=80 << 30,
    seconds=3600.0,
    parameters=112_000,
    checkpoint_bytes=1 << 20,
)


def found(draft, costs=None, environment=None):
    return [
        (check.verdict, check.text)
        for check in checks(draft, costs, environment or {"CUDA_VISIBLE_DEVICES": ""})
    ]


def test_all_is_well(draft):
    (data, device, folder, room, name) = found(draft())
    assert data == ("good", "strokes needs no data")
    assert device == ("good", "device auto; no GPU, so auto is the CPU")
    assert folder == ("good", "run folder can be written")
    assert room[0] == "good" and room[1].endswith("free where runs are kept")
    assert name == ("good", "no run is called smoke-maml yet")


def test_fields_that_are_wrong_are_counted(draft):
    assert found(draft(ways="1"))[0] == ("bad", "1 field is wrong")
    assert found(draft(ways="1", seed="x"))[0] == ("bad", "2 fields are wrong")


def test_missing_data_say_how_to_get_them(draft):
    verdict, text = found(draft("omniglot-5w1s"))[0]
    assert verdict == "bad" and "maml data get omniglot" in text


def test_installed_data_are_counted_and_must_be_enough(draft):
    names = [f"class{number:03}" for number in range(100)]
    pictures = np.zeros((300, 1, 8, 8), dtype=np.uint8)
    store.save(store.make_image_set("mine", pictures, names, [3] * 100, "made up"))
    mine = draft("strokes-5w1s", data="mine")
    assert found(mine)[0] == ("good", "mine: 100 classes, 300 pictures")
    verdict, text = found(mine.edited("shots", "3"))[0]
    assert verdict == "bad" and "lower them to " in text
    assert found(mine.edited("shots", "x"))[1] == ("good", "mine: 100 classes, 300 pictures")


@pytest.mark.parametrize(
    ("device", "visible", "costs", "expected"),
    [
        ("auto", "0,1", None, ("good", "device auto; 2 GPUs")),
        ("cuda:1", "0,1", None, ("good", "device cuda:1; 2 GPUs")),
        ("cuda:1", "0", None, ("note", "no NVIDIA driver shows cuda:1 here: measure to try it")),
        ("cuda", "-1", None, ("note", "no NVIDIA driver shows cuda here: measure to try it")),
        ("auto", "0", COSTS, ("good", "device cuda:0: NVIDIA H100")),
        ("gpu\x1b", "0", None, ("bad", "'gpu\\x1b' is no device: choose auto, cpu, cuda or cuda:N")),
    ],
)
def test_the_device(draft, device, visible, costs, expected):
    assert expected in found(replace(draft(), device=device), costs, {"CUDA_VISIBLE_DEVICES": visible})


def test_gpus_are_counted_from_the_drivers_files(tmp_path):
    assert visible_gpus({}, tmp_path / "absent") == 0
    for address in ("0000:01:00.0", "0000:41:00.0"):
        (tmp_path / address).mkdir()
    assert visible_gpus({}, tmp_path) == 2
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "1"}, tmp_path) == 1


def test_a_full_disk(draft, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(34 << 20))
    assert ("good", "34.0 MiB free where runs are kept") in found(draft())
    assert ("bad", "34.0 MiB free where runs are kept, 35.0 MiB needed") in found(draft(), COSTS)
    kept = draft().edited("keep_best", "5")
    assert ("bad", "34.0 MiB free where runs are kept, 39.0 MiB needed") in found(kept, COSTS)


def test_a_folder_that_cannot_be_written(draft, monkeypatch, home):
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    assert ("bad", f"{home} cannot be written: set MAML_STATE_DIR to a folder of yours") in found(draft())


def test_names_in_use_and_runs_at_work_are_worth_a_note(draft, new_run):
    run = new_run("smoke")
    assert ("note", "another run is called smoke-maml, too") in found(draft())
    status = read_status(run)
    process = {"pid": os.getpid(), "host": "elsewhere", "heartbeat": status.created + 1e9}
    write_status(run, status.model_copy(update={"state": "running", **process}))
    assert ("note", "1 run is at work: speeds are shared") in found(draft())
