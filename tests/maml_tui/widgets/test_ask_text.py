from __future__ import annotations

from app_driver import answer

from engine.errors import UsageError
from maml_tui.widgets.dialogs import TextDialog

REFUSAL = "no [x]: use another letter"


def refuse_x(text):
    if "x" in text:
        raise UsageError(REFUSAL)


async def type_in(*keys):
    """Return what the dialog gives, and the texts it shows while it is open."""
    dialog = TextDialog("Tags of run 7f3a", "ab", hint="words", command="maml runs tag", check=refuse_x)
    return await answer(dialog, *keys)


async def test_enter_takes_the_line():
    assert await type_in("end", "c", "enter") == ("abc", [])


async def test_escape_takes_nothing():
    assert await type_in("c", "escape") == (None, [])


async def test_a_refused_text_stays_and_can_be_mended():
    given, texts = await type_in("end", "x", "enter")
    assert given is None and REFUSAL in texts
    assert (await type_in("end", "x", "enter", "backspace", "enter"))[0] == "ab"
