"""What can go wrong in a way a person can act on, and the exit code each kind ends with.

Every message is one sentence (or a list of them) that names what is wrong, where, and what to do instead.
Anything that is *not* one of these is a defect of the program.
"""

from __future__ import annotations


class MamlError(Exception):
    """A failure to tell the user about in words. Exit code 1: the engine or the run failed."""

    exit_code = 1


class UsageError(MamlError):
    """The request itself is wrong: an option, a key, a file's contents. Exit code 2."""

    exit_code = 2


class ResourceError(MamlError):
    """The machine lacks something: a device, a data set, disk space, a permission. Exit code 3."""

    exit_code = 3


class DivergedError(MamlError):
    """Meta-training produced non-finite numbers and was ended. Exit code 4."""

    exit_code = 4
