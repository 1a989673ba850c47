from __future__ import annotations

import subprocess
import sys

import pytest

from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS
from engine.catalogue.networks import NETWORKS
from engine.paths import assets_dir
from maml_tui import __version__
from maml_tui.cli.docs import pages

FOLDER = assets_dir() / "docs"


def test_every_page_is_listed_with_its_title(maml):
    code, out, err = maml("docs")
    assert (code, err) == (0, "")
    listed = dict(line.split(maxsplit=1) for line in out.splitlines()[1:])
    assert list(listed) == sorted(["catalogue", *(path.stem for path in FOLDER.glob("*.md"))])
    for name, title in listed.items():
        assert pages()[name].startswith(f"# {title}\n")


def test_the_catalogue_is_a_page(maml):
    _, out, _ = maml("docs", "catalogue")
    assert all(f"`{name}`" in out for name in (*ALGORITHMS, *NETWORKS, *DATA_SETS))


@pytest.mark.parametrize("name", ["training", "run-folder.md"])
def test_a_pipe_gets_the_markdown_itself(maml, name):
    text = (FOLDER / name).with_suffix(".md").read_text(encoding="utf-8")
    assert maml("docs", name) == (0, text, "")


@pytest.mark.parametrize("name", ["trainin", "nothing like any page", "../../README", ""])
def test_an_unknown_page_is_one_sentence(maml, name):
    code, out, err = maml("docs", name)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert ("training" in err) == (name == "trainin")


@pytest.fixture
def paged(monkeypatch, tmp_path):
    """Put a pager in place that keeps what it is shown; return that."""
    kept = tmp_path / "shown by a pager"
    script = f"import sys, pathlib; pathlib.Path({str(kept)!r}).write_bytes(sys.stdin.buffer.read())"
    monkeypatch.setenv("PAGER", f'{sys.executable} -c "{script}"')
    return kept


@pytest.mark.parametrize("columns", [40, 200])
@pytest.mark.parametrize("name", pages())
def test_a_terminal_gets_the_page_formatted_in_the_pager(maml, terminal, paged, name, columns):
    terminal(columns)
    assert maml("docs", name) == (0, "", "")
    shown = paged.read_text(encoding="utf-8")
    title = pages()[name].partition("\n")[0].lstrip("# ")
    assert title.split(":")[0] in shown
    assert "```" not in shown
    assert max(map(len, shown.splitlines())) <= min(columns, 100)


def test_the_list_and_a_pipe_need_no_pager(maml, terminal, paged):
    maml("docs", "training")
    terminal(80)
    maml("docs")
    assert not paged.exists()


@pytest.mark.parametrize("pager", ["no-such-pager-here -x", "   "])
def test_without_a_pager_the_page_is_printed(maml, terminal, monkeypatch, pager):
    monkeypatch.setenv("PAGER", pager)
    monkeypatch.setenv("PATH", "")
    terminal(80)
    code, out, _ = maml("docs", "training")
    assert code == 0
    assert "omniglot-5w1s" in out


def test_the_shell_completes_the_pages(maml, monkeypatch):
    monkeypatch.setenv("_MAML_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "maml docs e")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert {"evaluation", "events"} == set(maml()[1].split())


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "maml_tui", "--version"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"maml-tui {__version__}\n")
