"""A person's own classes are found where they said, hide nothing of ours, and fail in one sentence."""

from __future__ import annotations

import sys

import pytest

from engine.config.own_code import current_search_path, explained, load_class, source_file, use_search_path
from engine.errors import ResourceError, UsageError


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """`modules(name=text, ...)`: write modules into a folder that is on the search path; forget them afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    use_search_path([str(tmp_path)])

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)

    yield write
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_class_is_found_by_name(modules, tmp_path):
    modules(own_a="class Net: pass")
    found = load_class("own_a:Net")
    assert found.__name__ == "Net" and source_file(found) == tmp_path / "own_a.py"


def test_nothing_installed_is_hidden(modules):
    modules(json="class Mine: pass", own_b="import json\nclass Net: json = json")
    assert hasattr(load_class("own_b:Net").json, "dumps")


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("own_gone:Net", "there is no module own_gone: it is looked for"),
        ("own_c.deeper:Net", "there is no module own_c.deeper"),
        ("own_c:Nett", r"own_c.py has no class Nett \(did you mean Net\?\)"),
        ("own_c:number", "has no class number"),
        (
            "own_needs:Net",
            r"own_needs:Net cannot be imported: ModuleNotFoundError: .*own_other.*own_needs.py, line 2",
        ),
        (
            "own_fails:Net",
            r"own_fails:Net cannot be imported: ZeroDivisionError: division by zero \(own_fails.py, line 1\)",
        ),
        ("own_torn:Net", "own_torn:Net cannot be imported: SyntaxError"),
    ],
)
def test_what_cannot_be_found_or_imported_is_one_sentence(modules, reference, expected):
    modules(
        own_c="number = 3\nclass Net: pass",
        own_needs="\nimport own_other",
        own_fails="1 / 0",
        own_torn="class Net(",
    )
    with pytest.raises(UsageError, match=expected) as caught:
        load_class(reference)
    assert "\n" not in str(caught.value)


def test_our_own_sentences_are_left_as_they_are():
    with pytest.raises(ResourceError, match=r"^full$"), explained("x failed"):
        raise ResourceError("full")


def test_the_search_path_is_the_folder_and_pythonpath(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"lib::{tmp_path}:/opt/x")
    assert current_search_path() == (str(tmp_path), str(tmp_path / "lib"), "/opt/x")
    monkeypatch.delenv("PYTHONPATH")
    assert current_search_path() == (str(tmp_path),)
