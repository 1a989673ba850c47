"""The words beside the form."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from engine.services.messages import Costs
from maml_tui.pages.setup.checks import Check, Estimate, memory, reported, update_size
from maml_tui.pages.setup.preview import blocks, command_lines, two_lines

COSTS = Costs(
    device="cpu",
    device_name="x86_64",
    iterations_per_second=2.4,
    iterations_per_second_p90=2.2,
    memory_peak=int(11.2 * 2**30),
    memory_total=139 << 30,
    seconds=24_960,
    parameters=111_749,
    checkpoint_bytes=1,
)


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("omniglot-20w1s", "16×20×(1+1) = 640 images a meta-update"),
        ("sinusoid-10shot", "25×(10+10) = 500 points a meta-update"),
    ],
)
def test_the_size_of_an_update(draft, preset, words):
    assert update_size(draft(preset).config) == words


@pytest.mark.parametrize(
    ("preset", "words"),
    [
        ("omniglot-20w1s", "95.8 ± 0.3 % (Finn et al. 2017)"),
        ("sinusoid-5shot", "0.35 mse (Finn et al. 2017)"),
        ("smoke", ""),
    ],
)
def test_what_was_published(draft, preset, words):
    assert reported(draft(preset).config) == words


def test_a_measured_draft(draft):
    cost, compared, command = blocks(draft("omniglot-20w1s"), Estimate(COSTS), "^t")
    assert cost.lines == (
        "speed    2.40 it/s (p90 2.20)",
        "memory   11.2 GiB of 139 GiB",
        "time     6:56:00, tests included",
        "network  111,749 parameters",
        "16×20×(1+1) = 640 images a meta-update",
    )
    assert compared.lines == ("published: 95.8 ± 0.3 % (Finn et al. 2017)", "exactly preset omniglot-20w1s")
    assert command.lines == ("maml train omniglot-20w1s",)


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(), "^t measures speed, memory and time"),
        (Estimate(seconds=3), "measuring, 3 s … ^t calls it off"),
        (Estimate(problem="out of memory: lower it"), "out of memory: lower it"),
    ],
)
def test_a_draft_that_is_not_measured(draft, estimate, words):
    cost, *_ = blocks(draft(), estimate, "^t")
    assert cost.lines[0] == words
    assert two_lines(draft(), estimate, [], "^t")[0] == f"{words}; 8×5×(1+2) = 120 images a meta-update"


def test_changes_name_the_old_value(draft):
    _, compared, _ = blocks(draft("smoke", meta_batch_size="4", rotations="true"), Estimate(), "^t")
    assert compared.lines[1:] == ("preset smoke, changed:", "rotate classes true (false)", "meta-batch 4 (8)")


def test_a_wrong_draft_is_not_compared_with_anything(draft):
    cost, compared, _ = blocks(draft("smoke", ways="1"), Estimate(), "^t")
    assert len(cost.lines) == 1
    assert compared.lines == ("preset smoke, changed:", "ways N 1 (5)")


def test_the_command_is_broken_between_options_and_can_be_pasted(draft):
    request = replace(draft("sinusoid-5shot", hidden="8, 8", seed="3"), name="mine").request
    lines = command_lines(request)
    assert lines == (
        "maml train sinusoid-5shot \\",
        "  -s 'hidden=[8, 8]' \\",
        "  -s seed=3 \\",
        "  --name mine",
    )
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(request.command())


def test_two_lines_say_what_is_in_the_way(draft):
    good, note, bad = Check("good", "fine"), Check("note", "careful"), Check("bad", "no room")
    measured = Estimate(COSTS)
    assert two_lines(draft(), measured, [good, note, bad], "^t") == (
        "≈ 6:56:00 · 2.40 it/s · 11.2 GiB",
        "no room",
    )
    assert two_lines(draft(), measured, [good, note], "^t")[1] == "careful"
    assert two_lines(draft(), measured, [good], "^t")[1] == "ready: maml train smoke"


@pytest.mark.parametrize(
    ("count", "words"), [(3 << 20, "3.00 MiB"), (1 << 30, "1.00 GiB"), (139 << 30, "139 GiB")]
)
def test_memory_is_written_in_the_fitting_unit(count, words):
    assert memory(count) == words
