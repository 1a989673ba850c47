import itertools

import pytest

from maml_tui.widgets.actions import ACTIONS, BY_ID, SCOPES, bindings, conflicts, keys_of

TAKEN_BY_TERMINALS = {
    "ctrl+a",
    "ctrl+b",
    "ctrl+z",
    "ctrl+c",
    "ctrl+h",
    "ctrl+i",
    "ctrl+j",
    "ctrl+m",
    "ctrl+left_square_bracket",
}


def test_ids_are_unique_and_scopes_known():
    assert len(BY_ID) == len(ACTIONS)
    assert {action.scope for action in ACTIONS} == set(SCOPES)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_no_key_is_one_that_a_terminal_or_tmux_keeps_for_itself(action):
    keys = set(keys_of(action, {}))
    assert keys
    assert not keys & TAKEN_BY_TERMINALS
    assert not any("ctrl+shift" in key or "alt+" in key for key in keys)


def test_within_a_scope_each_key_means_one_thing():
    for scope in SCOPES:
        keys = [key for action in ACTIONS if action.scope == scope for key in keys_of(action, {})]
        assert len(keys) == len(set(keys)), scope


def test_no_page_takes_a_key_that_holds_everywhere():
    everywhere = {key for action in ACTIONS if action.scope == "app" for key in keys_of(action, {})}
    for action in ACTIONS:
        if action.scope not in ("app", "setup"):
            assert not everywhere & set(keys_of(action, {})), action.id


def test_in_setup_letters_can_be_typed():
    for key in itertools.chain(*(keys_of(action, {}) for action in ACTIONS if action.scope == "setup")):
        assert len(key) > 1, key


def test_every_action_explains_itself():
    for action in ACTIONS:
        assert action.label
        assert len(action.help) > 8
        assert not action.help.endswith(".")


def test_bindings_carry_the_ids_that_a_keymap_names():
    assert {binding.id for binding in bindings("train")} == {a.id for a in ACTIONS if a.scope == "train"}


def test_the_table_as_shipped_has_no_conflict():
    assert list(conflicts({})) == []
