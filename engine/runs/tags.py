"""`tags.json`: tags and a note that people give a run. No result depends on them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError, field_validator

from engine.errors import UsageError
from engine.files import write_atomic
from engine.runs.events import Record, read_json
from engine.text import nearest, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.runs.directory import RunDirectory

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_MAX_TAGS = 16
_MAX_NOTE_LENGTH = 400
_MAX_BYTES = 1 << 13


class Tags(Record):
    """The contents of `tags.json`."""

    v: Literal[1] = Field(default=1, description="version of this format")
    tags: tuple[str, ...] = Field(default=(), description="words, in the order they were given, each once")
    note: str = Field(default="", description="one line")

    @field_validator("tags")
    @classmethod
    def _tags_are_words(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for tag in tags:
            if not _TAG.fullmatch(tag):
                raise ValueError(
                    f"{printable(tag)!r} cannot be a tag: use 1 to 32 letters, digits, '.', '-' or '_', "
                    "starting with a letter or digit"
                )
        if len(tags) > _MAX_TAGS:
            raise ValueError(f"{len(tags)} tags are too many: a run has at most {_MAX_TAGS}")
        return tuple(dict.fromkeys(tags))

    @field_validator("note")
    @classmethod
    def _note_is_a_line(cls, note: str) -> str:
        if len(note) > _MAX_NOTE_LENGTH or not note.isprintable():
            raise ValueError(f"a note is one line of at most {_MAX_NOTE_LENGTH} characters")
        return note.strip()


def tags_path(run: RunDirectory) -> Path:
    """Return where the tags of `run` are, if it has any."""
    return run.path / "tags.json"


def read_tags(run: RunDirectory) -> Tags:
    """Return the tags and the note of `run`; empty if it has none.

    Raises:
        ResourceError: They cannot be read or understood.
    """
    return read_json(tags_path(run), Tags, _MAX_BYTES, "remove it to tag the run again.") or Tags()


def write_tags(run: RunDirectory, tags: Iterable[str], note: str) -> Tags:
    """Replace the tags and the note of `run`, and return them as they are kept.

    Raises:
        UsageError: A tag or the note is not as `Tags` wants it.
        ResourceError: They cannot be written.
    """
    try:
        kept = Tags(tags=tuple(tags), note=note)
    except ValidationError as error:
        raise UsageError(str(error.errors(include_url=False)[0]["ctx"]["error"])) from error
    write_atomic(tags_path(run), kept.model_dump_json() + "\n")
    return kept


def change_tags(
    run: RunDirectory, add: Iterable[str] = (), remove: Iterable[str] = (), note: str | None = None
) -> Tags:
    """Add tags to `run` and take others off; replace its note unless that is None. Return what it has then.

    Raises:
        UsageError: A tag to take off is not there, or a new one is not as `Tags` wants it.
        ResourceError: They cannot be read or written.
    """
    had = read_tags(run)
    gone = set(remove)
    for tag in sorted(gone.difference(had.tags)):
        raise UsageError(
            f"run {printable(run.id)} has no tag {printable(tag)!r}{nearest(tag, had.tags)}: nothing was changed"
        )
    tags = [*(tag for tag in had.tags if tag not in gone), *add]
    return write_tags(run, tags, had.note if note is None else note)
