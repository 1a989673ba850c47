from __future__ import annotations

import pytest

from engine.data.store import check_name
from engine.errors import UsageError
from engine.text import printable


@pytest.mark.parametrize("name", ["omniglot", "a", "0.1_x-y", "a" * 64])
def test_names_that_are_allowed(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "Upper", "a" * 65, "a b", "é", "a\n", "cache"])
def test_names_that_are_refused(name):
    with pytest.raises(UsageError, match="cannot name a data set"):
        check_name(name)


def test_nothing_that_steers_a_terminal_is_printed():
    assert printable("\x1b[31mred\n\u202eé") == r"\x1b[31mred\n\u202eé"
    assert printable("bad\udc80byte") == r"bad\udc80byte"
