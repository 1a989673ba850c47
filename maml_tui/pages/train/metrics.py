"""What training and validation measured last, with the uncertainty of each mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.statistics.summary import summarise
from maml_tui.pages.train.scene import Line, Panel, Scene, joined
from maml_tui.reports.wording import MISSING, metric_name, metric_value, significant, with_interval

if TYPE_CHECKING:
    from engine.runs.events import EvaluationEvent
    from maml_tui.runs.event_text import Role
    from maml_tui.runs.history import Floats

_TABLE = 37  # columns
_RECENT = 20  # meta-updates that are averaged, so that one meta-batch's luck does not jump about


def metrics(scene: Scene) -> Panel:
    """Return the table, and the facts below it."""
    event = newest_validation(scene)
    title = "Metrics" if event is None else f"Metrics · validated at {event.iteration:,}"
    lines = [_heading(scene), *_measured(scene, event), *_trained(scene), (), *_facts(scene, event)]
    return Panel(title, lines)


def summary(scene: Scene, width: int) -> Panel:
    """Return the same in three lines: a table, facts at its right if there is room, or no table if there is none."""
    event = newest_validation(scene)
    measured, trained = _measured(scene, event), _trained(scene)
    table = [_heading(scene), measured[0], trained[0]]
    if width < _TABLE:
        return Panel("", [*map(squeezed, table[1:]), *_facts(scene, event)[:1]])
    beside = [*measured[2:], *_facts(scene, event), (), (), ()]
    if width < 2 * _TABLE:
        return Panel("", table)
    return Panel("", [joined([line, fact], " │ ") for line, fact in zip(table, beside, strict=False)])


def newest_validation(scene: Scene) -> EvaluationEvent | None:
    """Return the newest measurement on the validation tasks, or None."""
    return scene.watch.history.validations[-1] if scene.watch.history.validations else None


def row(label: str, value: str, tasks: int | None = None, role: Role = "") -> Line:
    """Return a row of the table: `value` as from `with_interval`, `role` of the mean, the number of tasks if known."""
    mean, _, interval = value.partition(" ± ")
    count = "" if tasks is None else f"{tasks:,}"
    return ((f"{label:<13}", ""), (f"{mean:>10}", role), (f" {interval:>7}{count:>6}", ""))


def squeezed(line: Line) -> Line:
    """Return a row of the table without the number of tasks and the blanks that align it."""
    words = [text.split() for text, _ in line]
    interval = f" ± {words[2][0]}" if words[2:] and words[2] else ""
    return (
        (f"{' '.join(words[0])} ", ""),
        *((" ".join(mean), "strong") for mean in words[1:2]),
        (interval, ""),
    )


def _heading(scene: Scene) -> Line:
    return ((f"{'':<13}{metric_name(scene.watch.config.metric):>10} {'± CI95':>7}{'n':>6}", "dim"),)


def _measured(scene: Scene, event: EvaluationEvent | None) -> list[Line]:
    """Return the rows of a validation: at the scored step, before adaptation, and loss or (regression) median."""
    if event is None:
        every = scene.watch.config.training.eval_every
        when = f"first validation at {every:,}" if every else "never validated: e does it now"
        return [((when, "dim"),)]
    measurement = event.measurement
    metric, tasks = measurement.metric, measurement.protocol.tasks
    wanted = scene.watch.config.evaluation.eval_steps
    after, before, loss = measurement.scored(wanted), measurement.series[0], measurement.loss_after(wanted)
    last = (
        row("val median", metric_value(metric, after.median))
        if metric == "mse"
        else row("val loss", with_interval("loss", loss.mean, loss.ci95), tasks)
    )
    return [
        row(f"val after {after.step}", with_interval(metric, after.mean, after.ci95), tasks, "strong"),
        row("val before", with_interval(metric, before.mean, before.ci95), tasks),
        last,
    ]


def _trained(scene: Scene) -> list[Line]:
    train, config = scene.watch.history.train, scene.watch.config
    label = f"train after {config.training_steps}"
    loss = _recent("loss", train.loss)
    tasks = min(_RECENT, len(train)) * config.training.meta_batch_size
    if config.is_regression:
        return [row(label, loss, tasks)]
    return [row(label, _recent("accuracy", train.accuracy), tasks), row("train loss", loss, tasks)]


def _recent(metric: str, values: Floats) -> str:
    """Write the mean of the last meta-batches, each of which counts as one observation."""
    last = values[-_RECENT:]
    if not len(last):
        return MISSING
    mean, half_width, _ = summarise(last)
    return with_interval(metric, mean, half_width)


def _facts(scene: Scene, event: EvaluationEvent | None) -> list[Line]:
    status, metric = scene.status, scene.watch.config.metric
    facts: list[Line] = []
    if status.best is not None and status.best_iteration is not None:
        best = with_interval(metric, status.best, status.best_ci95)
        facts.append((("best ", ""), (best, "strong"), (f" at {status.best_iteration:,}", "")))
    facts += [*_gap(scene, event), *_patience(scene, event), *_troubles(scene, event)]
    train = scene.watch.history.last_train
    if train is not None:
        norm = "not finite" if train.grad_norm is None else significant(train.grad_norm)
        facts.append(((f"gradient norm {norm} · {significant(train.tasks_per_second)} tasks/s", "dim"),))
    return facts


def _gap(scene: Scene, event: EvaluationEvent | None) -> list[Line]:
    """Return by how much training does better than validation: the sign of overfitting to the training classes."""
    accuracy = scene.watch.history.train.accuracy[-_RECENT:]
    step = scene.watch.config.training_steps
    if event is None or event.measurement.accuracy is None or not len(accuracy):
        return []
    if step > event.measurement.protocol.steps:
        return []  # never measured after as many steps as in training
    gap = 100 * (float(accuracy.mean()) - event.measurement.accuracy[step].mean)
    return [((f"train - val after {step}: {gap:+.2f} points", ""),)]


def _patience(scene: Scene, event: EvaluationEvent | None) -> list[Line]:
    patience = scene.watch.config.training.patience
    if event is None or event.patience_left is None:
        return []
    waited = patience - event.patience_left
    return [((f"{waited} of {patience} without gain", "warning" if 2 * waited > patience else ""),)]


def _troubles(scene: Scene, event: EvaluationEvent | None) -> list[Line]:
    train = scene.watch.history.last_train
    troubles = []
    if event is not None:
        at = event.measurement.scored(scene.watch.config.evaluation.eval_steps)
        if at.diverged:
            troubles.append(f"{at.diverged:,} of {event.measurement.protocol.tasks:,} val tasks diverged")
    if train is not None and train.skipped:
        troubles.append(f"{train.skipped:,} updates skipped: not finite")
    return [((trouble, "bad"),) for trouble in troubles]
