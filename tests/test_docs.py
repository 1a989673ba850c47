"""The documentation speaks of what there is: links, commands, options, presets, files, tests, variables."""

from __future__ import annotations

import ast
import fnmatch
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from engine.config.fields import all_fields
from engine.config.presets import preset_names
from maml_tui.cli.root import command

ROOT = Path(__file__).parents[1]
FOLDERS = (".", ".github", "assets/docs", "assets/initialisations")
PAGES = [page for folder in FOLDERS for page in sorted((ROOT / folder).glob("*.md"))]

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def code_spans(page: Path) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def shell_lines(page: Path) -> list[str]:
    blocks = re.findall(r"^```bash\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return "\n".join(blocks).replace("\\\n", " ").splitlines()


def slug(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@every_page
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "mailto:")):
            continue
        place, _, anchor = target.partition("#")
        file = (page.parent / place) if place else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(slug, headings), target


def commands_of(page: Path) -> list[list[str]]:
    """Return the words behind `maml` of every command that a page shows, as a shell would split them.

    `[RUN]` and `--now|--kill` are notation; so is a comma or an ellipsis behind a word.
    """
    found = []
    for line in [*shell_lines(page), *code_spans(page)]:
        for part in re.split(r"&&|\s[|>]\s|# or: ", line.replace("# or: ", "&&")):
            words = shlex.split(re.sub(r"[\[\]…]|\|(?=--)", " ", part), comments=True)
            while words and re.match(r"\w+=", words[0]):
                words.pop(0)
            if words and words[0] in ("maml", ".venv/bin/maml"):
                found.append(words[1:])
    return found


def parsed(words: list[str]):
    """Parse a command line down to its last subcommand, without running anything.

    Raises:
        KeyError: There is no such command.
        ValueError: It has no such option.
    """
    found, name = command(), "maml"
    while words and hasattr(found, "commands") and not words[0].startswith("-"):
        name, *words = words
        if name not in found.commands:
            raise KeyError(name)
        found = found.get_command(None, name)
    context = found.make_context(name, list(words), resilient_parsing=True)
    known = {option for parameter in found.get_params(context) for option in parameter.opts}
    for word in words:
        if re.fullmatch(r"--?[a-z][\w-]*", option := word.partition("=")[0]) and option not in known:
            raise ValueError(f"{name} has no option {option}")
    return context


@every_page
def test_every_command_that_is_shown_can_be_parsed(page):
    for words in commands_of(page):
        preset = parsed(words).params.get("preset")
        assert preset is None or preset in {*preset_names(), "PRESET"}, words


@pytest.mark.parametrize("line", ["trian smoke", "train --nonsense", "runs list", "eval @last --shot 5"])
def test_a_wrong_command_would_be_found(line):
    with pytest.raises((KeyError, ValueError)):
        parsed(line.split())


@pytest.mark.parametrize("page", ["README.md", "assets/docs/training.md", "assets/docs/evaluation.md"])
def test_commands_are_found_on_a_page(page):
    assert len(commands_of(ROOT / page)) >= 10


@every_page
def test_every_option_that_is_set_exists(page):
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"-s ([a-z_]+)=", text)) <= {*all_fields(), "key"}


@cache
def sources() -> str:
    """Return all Python of the repository, but this file."""
    files = [path for top in ("engine", "maml_tui", "tests") for path in (ROOT / top).rglob("*.py")]
    return "\n".join(path.read_text(encoding="utf-8") for path in files if path != Path(__file__))


@every_page
def test_every_environment_variable_is_read_somewhere(page):
    for name in re.findall(r"\bMAML_[A-Z_]+\b", page.read_text(encoding="utf-8")):
        assert f'"{name}"' in sources(), name


PATH = re.compile(
    r"(?:engine|maml_tui|tests|assets|\.ci|\.github)/[\w./-]*|\.pre-commit-config\.yaml|pyproject\.toml"
)


def symbols(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    named = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef))
    constants = (target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets)
    return {node.name for node in named} | {one.id for one in constants if isinstance(one, ast.Name)}


@every_page
def test_every_file_that_is_named_exists_and_has_what_is_named_in_it(page):
    """`path/of/file.py` or `path/of/file.py::name`."""
    for span in code_spans(page):
        path, _, name = span.partition("::")
        if not PATH.fullmatch(path):
            continue
        assert (ROOT / path).exists(), span
        if name:
            assert set(name.split(".")) <= symbols(ROOT / path), span


@every_page
def test_every_test_that_is_named_exists(page):
    tests = re.findall(r"^def (test_\w+)", sources(), re.MULTILINE)
    for span in code_spans(page):
        if re.fullmatch(r"test_[\w*]+", span):
            assert fnmatch.filter(tests, span), span


def squeezed(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def quotations(page: Path) -> list[tuple[str, str]]:
    """Return file and code of every Python block that begins with the path of a file of ours."""
    text = "\n".join(line.strip() for line in page.read_text(encoding="utf-8").splitlines())
    return re.findall(
        r"^```python\n# ((?:engine|maml_tui|tests)/\S+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )


@every_page
def test_code_that_is_quoted_is_in_its_file(page):
    for path, code in quotations(page):
        assert squeezed(code) in squeezed((ROOT / path).read_text(encoding="utf-8")), path


def test_quotations_are_found():
    assert len(quotations(ROOT / ".github/CONTRIBUTING.md")) >= 5
