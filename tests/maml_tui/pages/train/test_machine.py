from __future__ import annotations

from maml_tui.pages.train.sections import machine


def shown_at(scene, samples, width=39, **status):
    return machine(
        scene(state="running", host="box", telemetry=samples[-1], machine=samples, **status), width
    )


def test_gpu_processor_and_memory_with_their_course(scene, records, texts):
    samples = [records.sample(time, cpu_percent=100.0 * time) for time in range(1, 17)]
    shown = shown_at(scene, samples)
    assert shown.title == "Machine · box · H200"
    assert texts(shown) == [
        "GPU    ▇▇▇▇▇▇▇▇▇▇▇▇▇▇              87 %",
        "memory ▂▂▂▂▂▂▂▂▂▂▂▂▂▂   12.0 of 139 GiB",
        "412 W · 58 °C · SM 1,755 MHz",
        "cpu    ▂▃▃▄▄▅▅▅▆▆▇▇██  16.0 of 16 cores",
        "ram    ▂▂▂▂▂▂▂▂▂▂▂▂▂▂   20.0 of 128 GiB",
        "the worker occupies 3.0 GiB",
    ]


def test_without_a_gpu_there_are_no_lines_of_one(scene, records, texts):
    assert [line.split()[0] for line in texts(shown_at(scene, [records.sample(gpu=False)]))] == [
        "cpu",
        "ram",
        "the",
    ]


def test_what_a_gpu_does_not_tell_is_left_out(scene, records, texts):
    told = records.sample()
    gpu = told.gpu.model_copy(
        update={"utilization": None, "power": None, "memory_used": None, "sm_clock": None}
    )
    assert texts(shown_at(scene, [told.model_copy(update={"gpu": gpu})]))[0] == "58 °C"


def test_before_the_first_sample_and_after_the_end(scene, records, texts):
    assert texts(machine(scene(state="running"), 38)) == ["the first sample comes in a second"]
    assert texts(machine(scene(state="done", machine=[records.sample()]), 38)) == ["no worker is at this run"]


def test_a_foreign_name_cannot_steer_the_terminal(scene, records):
    gpu = records.sample().gpu.model_copy(update={"name": "\x1b[2J"})
    assert "\x1b" not in shown_at(scene, [records.sample().model_copy(update={"gpu": gpu})]).title
