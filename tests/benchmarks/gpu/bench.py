"""Bench: the contestants of `maml bench`, as processes but without the command line; and validations."""

import time

import torch
from common import CONTESTANTS, bench_row, configure_workload, noise_setup
from measure import DRY, GPU, Results, chosen, seconds_left

from engine.tasks.sampling import Split

OURS, PLAIN = CONTESTANTS
KEPT = (
    "path",
    "problem",
    "difference",
    "wrong",
    "iterations_per_second",
    "memory",
    "gigaflop",
    "share_of_peak",
)


def contest(workload, contestant, order, tf32):
    """Return the row of one contestant."""
    config = configure_workload(workload, *(["tf32=true"] if tf32 else []))
    values = bench_row(config, contestant, order)
    return {
        **{key: values[key] for key in KEPT if key != "problem" or values[key]},
        "ms": None if values["median"] is None else 1e3 * values["median"],
    }


def validation(workload):
    """Return the time of the preset's validation, which interrupts training at every `eval_every`."""
    config = configure_workload(workload)
    setup, options = noise_setup(config), config.evaluation
    tasks, theta = 8 if DRY else options.val_tasks, setup.initial_state().theta
    times = []
    for _ in range(1 if DRY else 3):
        began = time.perf_counter()
        setup.measure(theta, Split.VAL, tasks=tasks, steps=options.eval_steps)
        times.append(time.perf_counter() - began)
    row = {"tasks": tasks, "steps": options.eval_steps, "seconds": min(times), "first": times[0]}
    return {**row, "peak_GB": torch.cuda.max_memory_reserved() / 1e9} if GPU else row


def main():
    results = Results("bench")
    workloads = chosen(("W1q1", "W2", "W1q15", "W3"))

    def run(names, contestant=OURS, order=2, tf32=False):
        for workload in (name for name in names if name in workloads):
            about = {"workload": workload, "contestant": contestant, "order": order, "tf32": tf32}
            results.attempt(contest, workload, contestant, order, tf32, **about)

    run(("W1q1", "W2", "W1q15", "W3"))
    run(("W1q1", "W2", "W3"), PLAIN)
    for workload in ("W1q1", "W2"):
        if workload in workloads:
            results.attempt(validation, workload, workload=workload, contestant="validation")
    if DRY:
        results.add(contestant="TF32 and first order", skipped="not in a dry run")
        return
    run(("W1q1", "W2", "W1q15"), tf32=True)
    if seconds_left() > 40:
        run(("W1q1", "W2"), order=1)


if __name__ == "__main__":
    main()
