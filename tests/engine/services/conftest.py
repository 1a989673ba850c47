"""A tiny trained run of each kind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine.config.record import RunRecord
from engine.config.resolve import ResolvedConfig
from engine.runs.checkpoints import save_checkpoint
from engine.runs.directory import create_run
from engine.services.apply_messages import Origin
from engine.training.checkpoint import to_bytes
from engine.training.loop import meta_train
from engine.training.setup import Setup


@pytest.fixture
def trained(small, tmp_path):
    """`trained(kind, *overrides)` -> (run, setup, state, origin), its parameters in both checkpoints."""

    def make(kind, *overrides):
        config = small(kind, "iterations=2", "eval_every=0", *overrides)
        setup = Setup.build(config, torch.device("cpu"))
        state = setup.initial_state()
        for _ in meta_train(setup, state):
            pass
        record = RunRecord(ResolvedConfig(config), "tiny", "cpu", command="maml train -c /home/me/mine.toml")
        run = create_run("tiny", record.to_toml, root=tmp_path / "runs")
        payload = to_bytes(state, setup.source.fingerprint)
        save_checkpoint(run, state.iteration, payload, {"best", "latest"})
        return SimpleNamespace(run=run, setup=setup, state=state, origin=Origin(run=str(run.path)))

    return make
