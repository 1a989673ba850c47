"""A journal that is followed while its worker writes it."""

from __future__ import annotations

import json
import subprocess
import sys

import forked_worker
from deadline import wait_until
from short_run import events_of


def test_a_follower_is_shown_each_record_once(new_run):
    run = new_run("iterations=4000", "eval_every=200", "checkpoint_every=100")
    worker = forked_worker.start(run)
    wait_until(lambda: (run.events.exists() and run.events.stat().st_size) or worker.exitcode is not None)
    assert worker.exitcode is None
    code = "import sys; from maml_tui.cli import run; sys.exit(run(sys.argv[1:]))"
    follower = [sys.executable, "-c", code, "attach", str(run.path), "--json", "-q"]
    done = subprocess.run(follower, capture_output=True, text=True, check=True, timeout=120)
    worker.join(60)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["seq"] for record in shown] == [event.seq for event in events_of(run)]
    assert (shown[0]["kind"], shown[-1]["kind"]) == ("started", "finished")
