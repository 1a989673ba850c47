"""The training state as bytes and back, and which checkpoints are the best. Loading executes nothing."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import ResourceError
from engine.evaluation.evaluator import is_better
from engine.runs.checkpoints import RankedRecord, Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.algorithms.adapt import Params
    from engine.training.state import TrainingState

_FORMAT = "maml-tui checkpoint 2"


def to_bytes(state: TrainingState, fingerprint: dict[str, str]) -> bytes:
    """Return `state` as the contents of a file that `torch.load(..., weights_only=True)` reads.

    Args:
        fingerprint: Hashes of data and class split, so that a checkpoint is never continued on other data.
    """
    content = {
        "format": _FORMAT,
        "fingerprint": fingerprint,
        "optimizer": state.optimizer.state_dict(),
        **{field.name: getattr(state, field.name) for field in fields(state) if field.name != "optimizer"},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def restore(state: TrainingState, payload: bytes, fingerprint: dict[str, str]) -> TrainingState:
    """Fill a fresh `state` from a checkpoint's bytes and return it.

    Raises:
        ResourceError: If the bytes are no checkpoint of ours, or of another network, optimiser or data.
    """
    content = _read(payload)
    _check_fit(state, content, fingerprint)
    content.setdefault("validation_due", False)  # not known to versions that waited for validations to end
    try:
        state.optimizer.load_state_dict(content["optimizer"])
        for field in fields(state):
            if field.name not in ("theta", "optimizer"):
                setattr(state, field.name, content[field.name])
    except (KeyError, ValueError, TypeError) as error:
        raise ResourceError(f"the checkpoint is incomplete: {error}") from error
    for name, value in state.theta.items():
        value.copy_(content["theta"][name])
    return state


def read_theta(payload: bytes) -> Params:
    """Return the parameters in a checkpoint's bytes, whatever their network and data, on the CPU.

    Raises:
        ResourceError: If the bytes are no checkpoint of ours.
    """
    theta: Params = _read(payload)["theta"]
    return theta


def parameters_hash(theta: Params) -> str:
    """Return the SHA-256 of all parameters, in the order of their names: equal exactly if every bit is."""
    digest = hashlib.sha256()
    for name in sorted(theta):
        digest.update(f"{name} {tuple(theta[name].shape)} {theta[name].dtype}\n".encode())
        digest.update(theta[name].cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _read(payload: bytes) -> dict[str, Any]:
    try:
        content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no checkpoint can make its reader stumble over anything
        raise ResourceError("the checkpoint cannot be read: it is damaged or of another program") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ResourceError("the checkpoint is of another program, or of another version of this one")
    return content


def _check_fit(state: TrainingState, content: dict[str, Any], fingerprint: dict[str, str]) -> None:
    stored = content.get("theta")
    shapes = None
    if isinstance(stored, dict):
        shapes = {name: tuple(getattr(value, "shape", (-1,))) for name, value in stored.items()}
    if shapes != {name: tuple(value.shape) for name, value in state.theta.items()}:
        raise ResourceError("the checkpoint is of another network than the run's configuration describes")
    if content.get("fingerprint") != fingerprint:
        raise ResourceError(
            "the checkpoint was made on other data or another class split than is installed now: "
            "restore the data set it was made on (maml data check), or train anew"
        )


def standing(
    value: float, state: TrainingState, ranking: Sequence[RankedRecord], keep: int, metric: str
) -> Standing | None:
    """Return where a validation puts the state among the best so far; None where it is not one of them.

    Of equal ones the earlier is the better.

    Args:
        value: The metric on the validation tasks, just measured.
        state: What was measured, its own account of the best up to date.
        ranking: The best before, best first.
    """
    if not math.isfinite(value):
        return None
    # A worker that was killed may have kept some that training, taken up at an earlier checkpoint, comes to again.
    earlier = [record for record in ranking if record.iteration < state.iteration]
    ahead = sum(not is_better(value, record.value, metric) for record in earlier)
    ahead = 0 if state.best_iteration == state.iteration else max(1, ahead)
    if ahead >= keep:
        return None
    return Standing(value, tuple(earlier[:ahead]), tuple(earlier[ahead : keep - 1]))
