"""Names that come from outside: which are allowed for a data set, and how any of them is shown."""

from __future__ import annotations

import re

from engine.errors import UsageError
from engine.text import printable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_RESERVED = "cache"


def is_name(name: str) -> bool:
    """Tell whether `name` may name a data set; see `check_name`."""
    return name != _RESERVED and _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """Return `name` if it may name a data set.

    Raises:
        UsageError: It is not 1 to 64 of `a-z 0-9 . _ -` starting with a letter or a digit, or it is reserved.
    """
    if not is_name(name):
        raise UsageError(
            f"'{printable(name)}' cannot name a data set: use 1 to 64 of a-z, 0-9, '.', '_' and '-', "
            f"starting with a letter or a digit, and not '{_RESERVED}'"
        )
    return name
