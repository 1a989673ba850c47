"""Iterations: whole meta-iterations (sampling, meta-gradient, norm, Adam) as one CUDA graph, design by design.

Every design takes the place of the meta-gradient in the product's own step. Correctness comes first: the small problem
in float64 (1e-10), then float32 at full size against float64 of the plain prototype. The latter has no limit, because
one ReLU that rounds the other way moves it; compare the designs with each other.
"""

import time

import byhand
import torch
from common import (
    batched,
    configure_workload,
    difference,
    noise_setup,
    recorded,
    reference,
    set_deterministic,
    step_of,
    to_dtype,
)
from measure import (
    DEVICE,
    DRY,
    GPU,
    Results,
    capture,
    chosen,
    kernels_of,
    milliseconds,
    seconds_left,
    set_tf32,
)

from engine.training.setup import Setup


def by_hand(ops):
    return lambda algorithm: byhand.BatchedByHand(algorithm, ops)


def compiled(algorithm):
    way = byhand.BatchedByHand(algorithm, byhand.Plain())
    way.meta_gradient = torch.compile(way.meta_gradient, dynamic=False)
    return way


DESIGNS = {  # name: whether libraries may use TF32, largest error of the small problem, builder
    "vmap fp32": (False, 1e-10, batched),
    "vmap tf32": (True, 2e-2, batched),
    "by hand, bmm fp32": (False, 1e-10, by_hand(byhand.Plain())),
    "by hand, bmm tf32": (True, 2e-2, by_hand(byhand.Plain())),
}
if byhand.HAS_TRITON:
    DESIGNS |= {
        "by hand, bmm + fused norm fp32": (False, 1e-4, by_hand(byhand.Mixed("ieee"))),
        "by hand, bmm + fused norm tf32": (True, 2e-2, by_hand(byhand.Mixed("tf32"))),
        "by hand, triton ieee": (False, 1e-4, by_hand(byhand.Fused("ieee"))),
        "by hand, triton tf32x3": (False, 1e-4, by_hand(byhand.Fused("tf32x3"))),
        "by hand, triton tf32": (False, 2e-2, by_hand(byhand.Fused("tf32"))),
    }


def measure(design, setup, exact):
    """Return errors, time, kernels and memory of one design.

    Args:
        design: See `DESIGNS`.
        setup: What is trained.
        exact: The meta-gradient of its first iteration in float64, or None.
    """
    tf32, limit, build = design
    set_tf32(tf32)
    row = {**small_error(build, setup, limit)}
    state, way = setup.initial_state(), build(setup.algorithm)
    if exact is not None:
        found, again = (way.meta_gradient(state.theta, setup.episodes(0))[0] for _ in range(2))
        row["full_error"] = difference(found, exact)
        row["same_bits_again"] = all(torch.equal(found[name], again[name]) for name in found)
    if GPU:
        torch.cuda.reset_peak_memory_stats()
    step = step_of(setup, state, way)
    began = time.perf_counter()
    take = recorded(step)
    row["record_s"] = time.perf_counter() - began
    row.update(milliseconds(take, budget=0.6))
    if GPU:
        row["reserved_GB"] = torch.cuda.max_memory_reserved() / 1e9
        row["kernels"] = kernels_of(take)
    step.read()
    del take, step, state
    if GPU:
        torch.cuda.empty_cache()
    return row


def small_error(build, setup, limit):
    """Return the error of a design on the small problem; in float64 where it is to be exact."""
    algorithm, theta, episodes, expected = reference(setup)
    dtype = torch.float64 if limit <= 1e-10 else torch.float32
    found, _ = build(algorithm).meta_gradient(to_dtype(theta, dtype), to_dtype(episodes, dtype))
    error = difference(found, expected)
    return {"small_error": error, "wrong": not error < limit}


def sampling():
    """Time the drawing of a meta-batch of synthetic characters."""
    setup = Setup.build(configure_workload("W1q1", "data=strokes"), DEVICE)
    number = torch.zeros((), dtype=torch.int64, device=DEVICE)
    call = capture(lambda: setup.episodes(number))
    return {**milliseconds(call), "kernels": kernels_of(call)}


def exact_gradient(setup):
    theta, episodes = setup.initial_state().theta, setup.episodes(0)
    way = byhand.BatchedByHand(setup.algorithm, byhand.Plain())
    return way.meta_gradient(to_dtype(theta, torch.float64), to_dtype(episodes, torch.float64))[0]


def interpreted(name):
    """Return whether a dry run leaves a design out: interpreted kernels take seconds each, a CPU has no TF32."""
    return DRY and ("tf32" in name or "triton" in name or "fused" in name)


def conv4(results, workload):
    """Measure every design on one workload, two of them in first order too."""
    set_tf32(False)
    setup = noise_setup(configure_workload(workload))
    exact = exact_gradient(setup)
    for name, design in DESIGNS.items():
        if not interpreted(name) or (workload == "W1q1" and "tf32" not in name):
            results.attempt(measure, design, setup, exact, workload=workload, design=name)
    first_order = noise_setup(configure_workload(workload, "algorithm=fomaml"))
    for name in ("vmap fp32", "by hand, bmm + fused norm fp32"):
        if name in DESIGNS and not interpreted(name):
            about = {"workload": f"{workload} 1st", "design": name}
            results.attempt(measure, DESIGNS[name], first_order, None, **about)


def sinusoid(results, workload):
    """Measure the multilayer perceptron, for which there is no prototype."""
    setup = noise_setup(configure_workload(workload))
    results.attempt(measure, DESIGNS["vmap fp32"], setup, None, workload=workload, design="vmap fp32")


def compilation(results, workload):
    """Measure what torch.compile makes of the prototype; it compiles for a minute or more."""
    about = {"workload": workload, "design": "by hand, compiled fp32"}
    if not GPU or seconds_left() < 100:
        results.add(**about, skipped="needs a GPU and 100 s")
        return
    setup = noise_setup(configure_workload("W1q1"))
    results.attempt(measure, (False, 1e-4, compiled), setup, None, **about)


PARTS = {
    "W1q1": conv4,
    "W2": conv4,
    "W1q15": conv4,
    "W3": sinusoid,
    "sampling": lambda results, workload: results.attempt(sampling, workload=workload, design="strokes"),
    "compiled": compilation,
}


def main():
    results, names = Results("iterations"), chosen(PARTS)
    set_deterministic(True)
    if not byhand.HAS_TRITON:
        results.add(design="triton", skipped="triton is not installed")
    for name in names:
        PARTS[name](results, name)


if __name__ == "__main__":
    main()
