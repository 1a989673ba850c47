"""The form and the presets of the Setup page: find a field, type into it, choose a preset."""

from __future__ import annotations

from app_driver import settled

from maml_tui.pages.setup.form import FieldRow


def control(pilot, name):
    """Return what a field is filled in with."""
    return next(row.control for row in pilot.app.screen.query(FieldRow) if row.field.name == name)


def focused_field(pilot):
    """Return the name of the field that has the focus."""
    field = pilot.app.screen._form.focused_field
    return field.name if field else None


async def type_in(pilot, name, text):
    """Replace what a field holds by some text, key by key."""
    control(pilot, name).focus()
    await pilot.pause()
    await pilot.press("end", "ctrl+u", *text)
    await pilot.pause()


async def choose(pilot, words):
    """Choose the first template that a filter finds."""
    await settled(pilot)
    await pilot.press("ctrl+o", "slash")
    pilot.app.screen.focused.value = words
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()
