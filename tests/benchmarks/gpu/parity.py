"""Parity: episodes, meta-gradients, recorded iterations and evaluations on the GPU against the CPU."""

import time

import byhand
import torch
from common import (
    batched,
    chosen_way,
    configure,
    difference,
    recorded_run,
    reference,
    set_deterministic,
    step_of,
    to_dtype,
    written_out,
)
from measure import DEVICE, DRY, GPU, Results, chosen, relative_error, set_tf32

from engine.errors import MamlError
from engine.tasks.sampling import Split, Stream
from engine.tasks.sources import evaluation_shape, training_shape
from engine.training.checkpoint import parameters_hash
from engine.training.loop import meta_train
from engine.training.setup import Setup

CPU = torch.device("cpu")
TOLERANCE = 1e-10  # of a meta-gradient in float64, relative to its norm

CONFIGURATIONS = {
    "omniglot-5w1s": ("omniglot-5w1s", []),
    "strokes": ("omniglot-5w1s", ["data=strokes"]),
    "strokes-first-order": ("omniglot-5w1s", ["data=strokes", "algorithm=fomaml"]),
    "strokes-pooled-5-steps": (
        "omniglot-5w1s",
        ["data=strokes", "network=conv4-pool", "inner_steps=5", "filters=32", "meta_batch_size=4"],
    ),
    "strokes-6-steps": ("omniglot-5w1s", ["data=strokes", "inner_steps=6", "task_chunk=3"]),
    "strokes-anil": ("omniglot-5w1s", ["data=strokes", "algorithm=anil"]),
    "strokes-reptile": ("omniglot-5w1s", ["data=strokes", "algorithm=reptile", "inner_steps=3"]),
    "strokes-pretrained": ("omniglot-5w1s", ["data=strokes", "algorithm=pretrained"]),
    "strokes-prototypical": ("omniglot-5w1s", ["data=strokes", "algorithm=prototypical"]),
    "sinusoid": ("sinusoid-10shot", []),
    "sinusoid-oracle": ("sinusoid-10shot", ["algorithm=oracle"]),
}
EVALUATED = ("omniglot-5w1s", "strokes", "strokes-prototypical", "sinusoid")


def is_maml(setup):
    return setup.config.algorithm.algorithm in ("maml", "fomaml")


def episodes(here, there):
    """Compare episodes of every split bit by bit."""
    different = []
    for split in Split:
        shape = (training_shape if split is Split.TRAIN else evaluation_shape)(here.config)
        for first in (0, 10**6, 2**40):
            tasks = torch.arange(first, first + 64)
            drawn = [setup.source.sample(Stream(7, split), tasks, shape).tensors() for setup in (here, there)]
            for name, ours, theirs in zip(
                ("support_x", "support_y", "query_x", "query_y"), *drawn, strict=True
            ):
                if not torch.equal(ours, theirs.cpu()):
                    different.append((split.label, first, name, float((ours - theirs.cpu()).abs().max())))
    return {"different": different, "wrong": bool(different)}


def gradients(here, there):
    """Compare every implementation of the meta-gradient with the CPU's plain loop, in float64."""
    *_, expected = reference(here)
    algorithm, theta, drawn, by_loop = reference(there)
    ways = {"vmap": batched(algorithm), "vmap in chunks": batched(algorithm, 1)}
    if is_maml(there):  # others have no inner steps to recompute
        ways["vmap recomputed"] = batched(algorithm, recompute=True)
    if byhand.is_made_for(algorithm):
        ways["prototype"] = byhand.BatchedByHand(algorithm, byhand.Plain())
    row = {"loop": difference(by_loop, expected)}
    for name, way in ways.items():
        row[name] = difference(way.meta_gradient(theta, drawn)[0], expected)
    return {**row, "wrong": not all(value <= TOLERANCE for value in row.values())}


def derivatives_on_device(_, there):
    """Run the product's written-out derivatives on this device."""
    algorithm, theta, drawn, expected = reference(there)
    way = written_out(algorithm)
    if way is None:
        return {"skipped": "not written out for this algorithm or network"}
    return {"difference": difference(way.meta_gradient(theta, drawn)[0], expected)}


def recording(_, there):
    """Compare ten replays with ten steps, and the first one with the ordinary loop, bit by bit."""
    state, plain = there.initial_state(), there.initial_state()
    name, warnings, replay = recorded_run(there, state)
    row = {"way": name, "warnings": warnings}
    if replay is None:
        return {**row, "wrong": True} if GPU else {**row, "skipped": "no CUDA graph without a GPU"}
    step = step_of(there, plain, chosen_way(there))
    for _ in range(10):
        replay.advance(1)
        step()
    step.read()
    same = parameters_hash(state.theta) == parameters_hash(plain.theta)
    ordinary, again = there.initial_state(), there.initial_state()
    *_, replay = recorded_run(there, again)
    next(meta_train(there, ordinary))
    next(meta_train(there, again, replay))
    first = parameters_hash(ordinary.theta) == parameters_hash(again.theta)
    return {**row, "replays_are_steps": same, "as_the_loop": first, "wrong": not (same and first)}


def rounding(_, there):
    """Compare float32 and TF32 with float64, at full size."""
    theta, drawn, way = there.initial_state().theta, there.episodes(0), batched(there.algorithm)
    exact, _ = way.meta_gradient(to_dtype(theta, torch.float64), to_dtype(drawn, torch.float64))
    row = {}
    for tf32 in (False, True):
        set_tf32(tf32)
        row["tf32" if tf32 else "fp32"] = difference(way.meta_gradient(theta, drawn)[0], exact)
    set_tf32(False)
    return row


def evaluation(here, there):
    """Compare the losses of an evaluation, and time it."""
    theta = here.initial_state().theta
    expected = here.measure(theta, Split.VAL, tasks=64, steps=3)
    theta = {name: value.to(DEVICE) for name, value in theta.items()}
    there.measure(theta, Split.VAL, tasks=64, steps=3)
    began = time.perf_counter()
    found = there.measure(theta, Split.VAL, tasks=64, steps=3)
    error = relative_error(torch.tensor(found.losses), torch.tensor(expected.losses))
    return {
        "difference": error,
        "seconds_64_tasks": time.perf_counter() - began,
        "wrong": not error < 1e-2,
    }


def main():
    results = Results("parity")
    set_deterministic(True)
    set_tf32(False)
    for name in chosen(CONFIGURATIONS):
        preset, overrides = CONFIGURATIONS[name]
        few = ["val_tasks=8", "eval_tasks=8", "eval_every=0"]
        tiny = ["meta_batch_size=2", "filters=4"] if DRY and "sinusoid" not in preset else []
        config = configure(preset, [*overrides, *few, *tiny])
        try:
            here, there = Setup.build(config, CPU), Setup.build(config, DEVICE)
        except MamlError as error:
            results.add(configuration=name, skipped=str(error)[:200])
            continue
        checks = [episodes, gradients, recording]
        if is_maml(there) and "6-steps" not in name:
            checks += [rounding, derivatives_on_device]
        if name in EVALUATED:
            checks.append(evaluation)
        for check in checks:
            results.attempt(check, here, there, configuration=name, check=check.__name__)


if __name__ == "__main__":
    main()
