"""Whatever comes in: it is taken, or refused in words. Never a traceback, never a hang, never half a change."""

from __future__ import annotations

import random

import pytest
from doors import Doors, knock, spoil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NAMES = [name[5:] for name in dir(Doors) if name.startswith("door_")]
EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MAML_STATE_DIR", "MAML_DATA_DIR"):
            patch.setenv(name, "")
        yield Doors(tmp_path_factory.mktemp("doors"))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_welcome_is_taken(doors, name):
    assert knock(doors.all[name], doors.welcome(name), doors.folder) == ""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(seed=st.integers(0, 2**32))
def test_what_is_spoilt_is_refused_in_words(doors, name, seed):
    knock(doors.all[name], spoil(doors.welcome(name), random.Random(seed)), doors.folder)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NAMES)
@EXAMPLES
@given(content=st.binary(max_size=300) | st.text(st.characters(codec="utf-8"), max_size=300).map(str.encode))
def test_what_is_rubbish_is_refused_in_words(doors, name, content):
    knock(doors.all[name], content, doors.folder)
