"""`python -m engine.adaptation RUNDIR`: answers questions about one run until there are no more.

Reads one `Question` a line on stdin and writes one `Answer` a line on stdout; see `engine.adaptation.protocol`. Ends
at the end of stdin, and so with the process that asks, however that one ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError

from engine.adaptation.adapter import Adapter
from engine.adaptation.protocol import Problem, Question
from engine.errors import MamlError
from engine.memory import explain_out_of_memory
from engine.runs.directory import RunDirectory

if TYPE_CHECKING:
    from engine.adaptation.protocol import Answer

_NICENESS = 10


def main(arguments: list[str]) -> int:
    """Answer until stdin ends; return the exit code."""
    # A run may train on this machine right now: it comes first.
    os.nice(_NICENESS)
    torch.set_num_threads(1)
    adapter = Adapter(RunDirectory(Path(arguments[0]).absolute()))
    for line in sys.stdin.buffer:
        print(reply(adapter, line).model_dump_json(), flush=True)
    return 0


def reply(adapter: Adapter, line: bytes) -> Answer:
    """Return the answer to a line; what a person can act on is told, and the next line may fare better."""
    try:
        question = Question.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the line"
        return Problem(id=None, problem=f"the question cannot be understood: {place}: {first['msg']}")
    try:
        with explain_out_of_memory("lower shots or queries"):
            return adapter.answer(question)
    except MamlError as error:
        return Problem(id=question.id, problem=str(error))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
