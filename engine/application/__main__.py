"""`python -m engine.application`: adapts a model to examples from outside, or writes it to a file, and ends.

Reads a `Job` on stdin and writes a `Report` on stdout; see `engine.application.protocol`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from engine.application.adapting import adapt_to
from engine.application.initialisation import Initialisation
from engine.application.protocol import JOB, AdaptJob, Exported
from engine.application.weights import write_weights
from engine.errors import MamlError, UsageError
from engine.memory import explain_out_of_memory

if TYPE_CHECKING:
    from engine.application.protocol import ExportJob, Job, Report


def main() -> int:
    """Do the job and print the report; return the exit code."""
    try:
        job = _read(sys.stdin.buffer.read())
        with explain_out_of_memory("give fewer queries at a time"):
            print(do(job).model_dump_json())
    except MamlError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def do(job: Job) -> Report:
    """Do a job.

    Raises:
        MamlError: It cannot be done.
    """
    initialisation = Initialisation.load(job.origin)
    return adapt_to(initialisation, job) if isinstance(job, AdaptJob) else _export(initialisation, job)


def _export(initialisation: Initialisation, job: ExportJob) -> Exported:
    facts = initialisation.facts if job.with_paths else initialisation.facts.model_copy(update={"place": {}})
    write_weights(Path(job.file), initialisation.theta, facts, initialisation.form, force=job.force)
    return Exported(facts=facts)


def _read(text: bytes) -> Job:
    try:
        return JOB.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(
            f"{'.'.join(map(str, first['loc'][1:]))} = {first['input']!r}: {first['msg']}"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
