"""What both ends of a helper process agree on: what a service is, and the lines that they exchange. Loads no torch."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import DivergedError, MamlError, ResourceError, UsageError
from engine.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

Q = TypeVar("Q")
A = TypeVar("A")

_MAX_SHOWN = 80
_ERRORS = {kind.exit_code: kind for kind in (UsageError, ResourceError, DivergedError)}


class Message(BaseModel):
    """Immutable; numbers that are not finite are written as `NaN` and `Infinity`, bytes as base64."""

    model_config = ConfigDict(
        defer_build=True,  # the application starts without having asked any service
        frozen=True,
        extra="forbid",
        ser_json_inf_nan="constants",
        ser_json_bytes="base64",
        val_json_bytes="base64",
    )


class Asked(Message, Generic[Q]):
    """A question and the number that its answer repeats."""

    id: int
    question: Q


class Failure(Message):
    """Why there is no result: a `MamlError`, so that the client can raise it again."""

    sentence: str
    exit_code: int

    def error(self) -> MamlError:
        """Return the error, with everything escaped that could steer a terminal."""
        lines = map(printable, self.sentence.splitlines())
        return _ERRORS.get(self.exit_code, MamlError)("\n".join(lines))


class Answered(Message, Generic[A]):
    """A result or a failure; `id` is None where the question could not be read."""

    id: int | None
    result: A | None = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Service(Generic[Q, A]):
    """A kind of helper process.

    Attributes:
        name: The module below `engine.services` whose `HANDLER` answers.
        question: Type of a question; a model or a union of models.
        timeout: Seconds that an answer may take; None for any time.
        hint: What to do where that was not enough.
        shows_progress: Whether the process writes to the terminal of its asker.
    """

    name: str
    title: str
    question: Any
    answer: Any
    timeout: float | None = None
    hint: str = ""
    shows_progress: bool = False

    def ask_line(self, number: int, question: Q) -> bytes:
        """Return the line that asks a question."""
        return self._asked(id=number, question=question).model_dump_json().encode() + b"\n"

    def read_question(self, line: bytes) -> Asked[Q]:
        """Return what a line asks.

        Raises:
            UsageError: It cannot be understood.
        """
        with explain_invalid("the question: "):
            return self._asked.model_validate_json(line)

    def answer_line(self, answered: Answered[A]) -> bytes:
        """Return the line that answers."""
        return self._answered(**dict(answered)).model_dump_json().encode() + b"\n"

    def read_answer(self, line: bytes) -> Answered[A]:
        """Return what a line answers.

        Raises:
            MamlError: It cannot be understood.
        """
        with explain_invalid(f"the answer of {self.title} cannot be understood: ", MamlError):
            return self._answered.model_validate_json(line)

    @cached_property
    def _asked(self) -> type[Asked[Q]]:
        return Asked[self.question]  # type: ignore[name-defined]

    @cached_property
    def _answered(self) -> type[Answered[A]]:
        return Answered[self.answer]  # type: ignore[name-defined]


@contextmanager
def explain_invalid(what: str = "", kind: type[MamlError] = UsageError) -> Iterator[None]:
    """Turn the first of pydantic's complaints inside the block into one sentence."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place, value = ".".join(map(str, first["loc"])), repr(first["input"])[:_MAX_SHOWN]
        reason = first["msg"].replace("Input should be", "must be")
        raise kind(printable(f"{what}{place} = {value}: {reason}")) from error
