from __future__ import annotations

import json

import pytest

from engine.errors import DivergedError, ResourceError, UsageError
from engine.services.apply_messages import Classified, Fitted, Guess, Value

ABOUT = {"name": "demo", "iteration": 60, "steps": 3, "support_loss": (1.6, 1.0, 0.5, 0.25)}
CLASSES = Classified(
    **ABOUT,
    examples=(1, 1),
    class_names=("crow", "owl"),
    mode="transductive",
    guesses=(Guess(file="x.png", probabilities=(0.25, 0.75)),),
)
VALUES = Fitted(**ABOUT, examples=(5,), values=(Value(x=(0.5,), y=1.25),))


@pytest.fixture
def process(service):
    """Stand in for the process that applies: keep what it is asked, end as told."""

    def end_with(report=None, error=None):
        def answer(_):
            if error:
                raise error
            return report

        return service(answer)

    return end_with


def test_what_was_asked_for_is_what_the_process_is_asked(maml, new_run, process):
    run = new_run()
    calls = process(CLASSES)
    options = ("--steps", "4", "--mode", "inductive", "--checkpoint", "latest", "--save", "w.safetensors")
    code, out, err = maml(
        "adapt", "demo", "--support", "birds", "--query", "a.png", "b.png", "c.png", *options
    )
    assert code == 0
    (job,) = calls
    assert (job.origin.run, job.origin.checkpoint, job.origin.file) == (str(run.path), "latest", None)
    assert (job.support, job.queries) == ("birds", ("a.png", "b.png", "c.png"))
    assert (job.steps, job.mode, job.save, job.force) == (4, "inductive", "w.safetensors", False)
    assert "x.png  owl    75.0%       crow 25.0%" in out
    assert err.startswith(
        "maml: demo (iteration 60) has adapted to 1 example of each of 2 classes in 3 steps"
    )


def test_what_was_not_asked_for_is_left_to_the_model(maml, new_run, process):
    new_run()
    calls = process(VALUES)
    maml("adapt", "@last", "--support", "points.csv")
    (job,) = calls
    assert (job.steps, job.mode, job.save, job.queries, job.origin.checkpoint) == (None, None, None, (), None)


def test_json_and_csv_are_data_only(maml, new_run, process):
    new_run()
    process(CLASSES)
    assert json.loads(maml("adapt", "@last", "--support", "s", "--json")[1]) == json.loads(
        CLASSES.model_dump_json()
    )
    out = maml("adapt", "@last", "--support", "s", "--csv")[1]
    assert out == "file,class,confidence,folder,crow,owl\nx.png,owl,0.75,,0.25,0.75\n"
    process(VALUES)
    assert maml("adapt", "@last", "--support", "s", "--csv")[1] == "x,prediction\n0.5,1.25\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["@last", "--support", "s", "--json", "--csv"], "choose --json or --csv"),
        (["@last", "x.png", "--support", "s"], "x.png: say what it is"),
        (["gone.safetensors", "--support", "s"], "there is no file gone.safetensors"),
        (["nothing", "--support", "s"], "No run is called 'nothing'"),
    ],
)
def test_a_request_that_makes_no_sense_starts_nothing(maml, new_run, process, arguments, expected):
    new_run()
    calls = process(CLASSES)
    code, out, err = maml("adapt", *arguments)
    assert (code, out, calls) == (2, "", []) and expected in err


def test_an_exported_file_is_adapted_too_but_has_no_checkpoints(maml, process, tmp_path):
    file = tmp_path / "m.safetensors"
    file.write_bytes(b"")
    calls = process(VALUES)
    assert maml("adapt", str(file), "--support", "s")[0] == 0
    assert calls[0].origin.file == str(file) and calls[0].origin.run is None
    code, _, err = maml("adapt", str(file), "--support", "s", "--checkpoint", "best")
    assert code == 2 and "leave out --checkpoint" in err


@pytest.mark.parametrize("kind", [UsageError, ResourceError, DivergedError])
def test_a_failure_is_told_in_the_processs_words(maml, new_run, process, kind):
    new_run()
    process(error=kind("the picture is torn"))
    answer = (kind.exit_code, "", "maml: the picture is torn\n")
    assert maml("adapt", "@last", "--support", "s") == answer
