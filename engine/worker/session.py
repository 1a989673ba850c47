"""One worker's stretch of a run: training, and all that it writes into the run's folder meanwhile."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from engine.evaluation.evaluator import score
from engine.runs.checkpoints import load_checkpoint, prune, read_pointer, read_ranking, save_checkpoint
from engine.runs.events import CheckpointEvent, EvaluationEvent, RequestEvent, StateEvent
from engine.runs.requests import MalformedRequest, Request, acknowledge, pending
from engine.runs.result import CheckpointName, Measured, Result, Scores, write_result, write_scores
from engine.tasks.sampling import Split
from engine.training.checkpoint import parameters_hash, restore, standing, to_bytes
from engine.training.loop import Updated, Validated, meta_train
from engine.training.recorded import Replay, replayed
from engine.training.reporting import Reporter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.acceleration.ways import Way
    from engine.algorithms.adapt import Params
    from engine.runs.checkpoints import Label, Standing
    from engine.runs.directory import RunDirectory
    from engine.runs.events import Event, Measurement, State
    from engine.runs.journal import EventWriter
    from engine.training.setup import Setup
    from engine.training.state import TrainingState
    from engine.worker.heartbeat import Heartbeat
    from engine.worker.stopping import Stop

_POLL_SECONDS = 0.1

CheckpointReason = Literal["periodic", "best", "requested", "final"]


class _CalledOffError(Exception):
    """A stop does not wait for the end of a measurement."""


@dataclass
class Session:
    """Drives `meta_train` and keeps the run's folder true to it."""

    run: RunDirectory
    setup: Setup
    state: TrainingState
    events: EventWriter
    heartbeat: Heartbeat
    stop: Stop
    _replay: Replay | None = None
    _saved: int | None = None
    _paused: bool = False
    _measuring: bool = False
    _obeyed: float = 0.0
    _scores: dict[CheckpointName, NDArray[np.float32]] = field(default_factory=dict)
    _reporter: Reporter = field(init=False)

    def __post_init__(self) -> None:
        """Make the reporter of this configuration."""
        self._reporter = Reporter(self.setup.config)

    def emit(self, event: Event) -> None:
        """Write a record to the journal."""
        self.heartbeat.update(seq=self.events.write(event).seq)

    def enter(self, state: State, reason: str = "") -> None:
        """Tell journal and status of a new state."""
        self.emit(StateEvent(state=state, reason=reason))
        self.heartbeat.update(write=True, state=state, reason=reason)

    def resume(self) -> int | None:
        """Take up the latest checkpoint and return its iteration; None if there is none yet."""
        if read_pointer(self.run, "latest") is None:
            return None
        record, payload = load_checkpoint(self.run, "latest")
        restore(self.state, payload, self.setup.source.fingerprint)
        prune(self.run)  # a worker killed after its last save has left what that superseded
        # Once the validation that was called off is made, this iteration is saved anew.
        self._saved = None if self.state.validation_due else record.iteration
        self.heartbeat.update(iteration=record.iteration)
        self._show_best()
        return record.iteration

    def prepare(self) -> Way:
        """Choose how the iterations from here on are taken; return it."""
        way, self._replay = replayed(self.setup, self.state)
        return way

    def train(self) -> str:
        """Train until the end, patience, or a request to stop; return in words why it ended."""
        self._reporter.start(self.state.iteration)
        with suppress(_CalledOffError):
            self._train()
        self.heartbeat.update(validated=None)
        return self._why_ended()

    def _train(self) -> None:
        for happening in meta_train(self.setup, self.state, self._replay, self._amid_validation):
            if isinstance(happening, Validated):
                self._validated(happening)
                continue
            self._updated(happening)
            self._obey()
            if self.heartbeat.failure:
                raise self.heartbeat.failure
            if self.stop.mode:
                break

    def finish(self) -> None:
        """Save the last parameters; unless stopped `now`, measure them and the best ones on the test tasks."""
        self.save({"latest"}, "final")
        if self.stop.mode == "now":
            return
        self.heartbeat.update(write=True, reason="measuring on the test tasks", measured=0.0)
        self._measuring = True
        with suppress(_CalledOffError):
            self._write_result(tuple(self._final_measurements()))

    def _final_measurements(self) -> list[Measured]:
        best = read_pointer(self.run, "best")
        twice = best is not None and best.iteration != self.state.iteration
        share = 0.5 if twice else 1.0
        measured = []
        if best is not None:
            fresh = self.setup.initial_state()
            chosen = restore(fresh, load_checkpoint(self.run, "best")[1], self.setup.source.fingerprint)
            measured.append(self._test("best", chosen.iteration, chosen.theta, share))
        if best is None or twice:
            measured.append(self._test("last", self.state.iteration, self.state.theta, share))
        else:
            measured.append(measured[0].model_copy(update={"checkpoint": "last"}))
            self._scores["last"] = self._scores["best"]
        return measured

    def refuse(self, items: Sequence[Request | MalformedRequest], reason: str) -> None:
        """Answer requests with no."""
        for item in items:
            self._reply(item, "refused", reason)

    def save(self, labels: set[Label], reason: CheckpointReason, standing: Standing | None = None) -> None:
        """Write a checkpoint of the state, unless the newest already is one."""
        if self._saved == self.state.iteration and "best" not in labels:
            return
        began = time.perf_counter()
        payload = to_bytes(self.state, self.setup.source.fingerprint)
        record = save_checkpoint(self.run, self.state.iteration, payload, labels, standing=standing)
        self._saved = self.state.iteration
        seconds = time.perf_counter() - began
        self._reporter.leave_out(seconds)
        self.emit(
            CheckpointEvent(
                iteration=record.iteration,
                file=record.file,
                bytes=record.bytes,
                seconds=seconds,
                reason=reason,
            )
        )

    def _updated(self, update: Updated) -> None:
        self.heartbeat.update(iteration=self.state.iteration)
        record = self._reporter.report(self.state, update)
        if record is not None:
            self.emit(record)
            self.heartbeat.update(
                iterations_per_second=record.iterations_per_second,
                eta_seconds=record.eta_seconds,
            )
        every = self.setup.config.training.checkpoint_every
        if every and self.state.iteration % every == 0:
            self.save({"latest"}, "periodic")

    def _show_best(self) -> None:
        self.heartbeat.update(
            best=self.state.best, best_ci95=self.state.best_ci95, best_iteration=self.state.best_iteration
        )

    def _validated(self, validated: Validated) -> None:
        self._show_best()
        patience = self.setup.config.training.patience
        self._emit_evaluation(
            "current",
            self.state.iteration,
            validated.measurement,
            validated.seconds,
            improved=validated.improved,
            best=self.state.best,
            best_iteration=self.state.best_iteration,
            patience_left=max(0, patience - self.state.without_gain) if patience else None,
        )
        if place := self._standing(validated.measurement):
            self.save({"best", "latest"}, "best", place)

    def _standing(self, measurement: Measurement) -> Standing | None:
        keep = self.setup.config.training.keep_best
        value, _ = score(measurement, measurement.protocol.steps)
        # Where one is kept, the state knows it: a pointer that cannot be read is no matter, it is replaced.
        ranking = read_ranking(self.run) if keep > 1 else ()
        return standing(value, self.state, ranking, keep, measurement.metric)

    def _obey(self) -> None:
        """Look for requests, not more often than needed; while paused, wait for more."""
        if time.monotonic() < self._obeyed + _POLL_SECONDS:
            return
        self._answer_requests()
        while self._paused and not self.stop.mode and not self.heartbeat.failure:
            began = time.perf_counter()
            time.sleep(_POLL_SECONDS)
            self._reporter.leave_out(time.perf_counter() - began)
            self._answer_requests()
        self._obeyed = time.monotonic()

    def _answer_requests(self) -> None:
        # Looked up anew each time: while one is carried out, a stop may be answered.
        while waiting := pending(self.run):
            self._answer(waiting[0])

    def _answer(self, item: Request | MalformedRequest) -> None:
        refusal = self._refusal(item) if isinstance(item, Request) else item.reason
        self._reply(item, "refused" if refusal else "accepted", refusal)
        if isinstance(item, Request) and not refusal:
            self._carry_out(item)

    def _reply(
        self, item: Request | MalformedRequest, outcome: Literal["accepted", "refused"], reason: str
    ) -> None:
        verb = item.verb if isinstance(item, Request) else ""
        self.emit(RequestEvent(verb=verb, id=item.id, outcome=outcome, reason=reason))
        acknowledge(item)

    def _refusal(self, request: Request) -> str:
        if self._measuring and request.verb != "stop":
            return "training is over, the result is being measured"
        if request.verb == "pause" and self._paused:
            return "it is paused already"
        if request.verb == "resume" and not self._paused:
            return "it is not paused"
        return ""

    def _carry_out(self, request: Request) -> None:
        match request.verb:
            case "pause":
                self._paused = True
                self.enter("paused", "by request")
            case "resume":
                self._paused = False
                self.enter("running")
            case "checkpoint" if self._saved != self.state.iteration:  # else there is one already
                self.save({"latest"}, "requested")
            case "evaluate":
                self._evaluate_now()
            case "stop":
                self.stop.ask(request.mode, "by request")
                self.enter("stopping", "by request")

    def _evaluate_now(self) -> None:
        began = time.perf_counter()
        measurement = self.setup.validate(self.state.theta, self._amid_validation)
        self._emit_evaluation("current", self.state.iteration, measurement, time.perf_counter() - began)

    @property
    def _scored_step(self) -> int:
        evaluation = self.setup.config.evaluation
        return evaluation.scored_step(evaluation.curve_steps)

    def _test(
        self, checkpoint: Literal["best", "last"], iteration: int, theta: Params, share: float
    ) -> Measured:
        evaluation = self.setup.config.evaluation
        before = self.heartbeat.status.measured or 0.0
        began = time.perf_counter()
        curves = self.setup.measure(
            theta,
            Split.TEST,
            tasks=evaluation.eval_tasks,
            steps=evaluation.curve_steps,
            between=lambda tasks: self._amid_test(before + share * tasks / evaluation.eval_tasks),
        )
        measurement = curves.summarise()
        self._scores[checkpoint] = curves.scores(self._scored_step)
        self._emit_evaluation(checkpoint, iteration, measurement, time.perf_counter() - began)
        return Measured(checkpoint=checkpoint, iteration=iteration, measurement=measurement)

    def _emit_evaluation(
        self,
        checkpoint: Literal["current", "best", "last"],
        iteration: int,
        measurement: Measurement,
        seconds: float,
        **contest: Any,  # noqa: ANN401 - fields of the event, which checks them
    ) -> None:
        protocol = measurement.protocol
        self._reporter.evaluated(seconds, protocol.tasks, protocol.steps)
        self.heartbeat.update(validated=None)
        self.emit(
            EvaluationEvent(
                iteration=iteration,
                split=protocol.split,
                checkpoint=checkpoint,
                seconds=seconds,
                measurement=measurement,
                **contest,
            )
        )

    def _amid_validation(self, tasks: int) -> None:
        """Let a stop call it off, but not a graceful one the last: what that leaves to do is to measure anyway."""
        share = tasks / self.setup.config.evaluation.val_tasks
        self.heartbeat.update(iteration=self.state.iteration, validated=share)
        for item in pending(self.run):
            if isinstance(item, Request) and item.verb == "stop":
                self._answer(item)
        last = self.state.iteration == self.setup.config.training.iterations
        if self.stop.mode == "now" or (self.stop.mode and not last):
            raise _CalledOffError

    def _amid_test(self, measured: float) -> None:
        self.heartbeat.update(measured=measured)
        self._answer_requests()
        if self.stop.mode == "now":
            raise _CalledOffError

    def _why_ended(self) -> str:
        at = f"iteration {self.state.iteration:,} of {self.setup.config.training.iterations:,}"
        if self.stop.mode:
            return f"stopped at {at} {self.stop.reason}"
        if self.state.iteration < self.setup.config.training.iterations:
            return f"stopped early at {at}: {self.state.without_gain} validations without improvement"
        return "all iterations done"

    def _write_result(self, measured: tuple[Measured, ...]) -> None:
        status = self.heartbeat.status
        result = Result(
            run=self.run.id,
            name=status.name,
            state="done",
            iterations=self.state.iteration,
            seconds=status.seconds,
            parameters_sha256=parameters_hash(self.state.theta),
            measurements=measured,
            fingerprint=self.setup.source.fingerprint,
        )
        # Scores before the result: who finds a result finds its scores.
        write_scores(self.run.scores, Scores.of(self._scored_step, self._scores))
        write_result(self.run.result, result)
