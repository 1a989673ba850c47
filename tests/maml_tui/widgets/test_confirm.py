from __future__ import annotations

import pytest
from app_driver import Asking, answer, started

from maml_tui.widgets.dialogs import ConfirmDialog


@pytest.fixture
def dialog():
    return ConfirmDialog(
        "Delete run 7f3a \x1b[31m[b]?", details="[1] for good", command="maml runs rm 7f3a", yes="Delete"
    )


@pytest.mark.parametrize(
    "keys", [["n"], ["escape"], ["enter"], ["right", "left", "enter"], ["tab", "tab", "enter"]]
)
async def test_only_a_deliberate_yes_is_a_yes(dialog, keys):
    assert (await answer(dialog, *keys))[0] is False


@pytest.mark.parametrize("keys", [["y"], ["right", "enter"], ["down", "enter"], ["tab", "enter"]])
async def test_yes(dialog, keys):
    assert (await answer(dialog, *keys))[0] is True


@pytest.mark.parametrize(("button", "expected"), [("#n", False), ("#y", True)])
async def test_the_mouse_answers_too(dialog, button, expected):
    async with started(Asking(dialog)) as pilot:
        await pilot.click(button)
    assert pilot.app.return_value is expected


async def test_texts_are_neither_markup_nor_control_characters(dialog):
    _, (question, details, command) = await answer(dialog)
    assert (question, details) == (r"Delete run 7f3a \x1b[31m[b]?", "[1] for good")
    assert command.endswith(" maml runs rm 7f3a")
