"""The README's three commands, from folders of pictures to predictions of classes that were never seen."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from command_line import maml
from environment import isolate
from PIL import Image, ImageDraw

from engine.paths import assets_dir

README = assets_dir().parent / "README.md"
SIDE = 24
TOLD = {"iterations=1000": "iterations=8"}
BUDGET = ["-s", "eval_every=4", "-s", "val_tasks=4", "-s", "eval_tasks=8"]


def commands():
    """Return the three commands as the README shows them, in words."""
    block = re.search(r"<!-- pictures -->\n```bash\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    return [shlex.split(line, comments=True) for line in block[1].splitlines()]


def draw(path: Path, kind: int, number: int) -> None:
    """Draw a picture of a made-up bird: the kind is its colour and its number of stripes, the rest is chance."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(picture)
    colour = ((37 * kind) % 200, (91 * kind) % 200, (153 * kind) % 200)
    left = 1 + number % 5
    pen.ellipse((left, 4, left + 16, 20), fill=colour)
    for stripe in range(kind % 4):
        pen.line((left, 7 + 3 * stripe, left + 16, 7 + 3 * stripe), fill="white")
    picture.save(path)


@pytest.fixture
def album(tmp_path, monkeypatch):
    """A folder of 8 kinds with 12 pictures each, two new kinds with three, and some to be told."""
    isolate(monkeypatch, tmp_path)
    for kind in range(8):
        for number in range(12):
            draw(tmp_path / "birds" / f"kind {kind}" / f"{number}.png", kind, number)
    for kind, name in ((8, "finch"), (9, "wren")):
        for number in range(3):
            draw(tmp_path / "new" / name / f"{number}.png", kind, number)
        for number in range(3, 5):
            draw(tmp_path / "garden" / f"{name}{number}.jpg", kind, number)
    return tmp_path


def type_in(album, words):
    """Run a command as a shell does, its pattern of files spread out."""
    spread = [
        one for word in words[1:] for one in (sorted(map(str, album.glob(word))) if "*" in word else [word])
    ]
    return maml(*spread, cwd=album)


def test_pictures_become_a_model_with_the_readmes_three_commands(album):
    bring, train, adapt = commands()
    assert [words[:2] for words in (train, adapt)] == [["maml", "train"], ["maml", "adapt"]]
    imported = type_in(album, bring)
    assert imported.returncode == 0, imported.stderr
    assert "birds: 8 classes, 96 examples of 3x24x24, split 4/2/2" in imported.stderr

    trained = type_in(album, [*(TOLD.get(word, word) for word in train), *BUDGET])
    assert trained.returncode == 0, trained.stderr
    assert "to fit birds: ways = 2, queries = 11, eval_queries = 11" in trained.stderr
    assert "8 test tasks, 2-way 1-shot, 11 queries per class" in trained.stdout

    adapted = type_in(album, [*adapt, "--json"])
    assert adapted.returncode == 0, adapted.stderr
    told = json.loads(adapted.stdout)
    assert told["class_names"] == ["finch", "wren"]
    assert [Path(guess["file"]).name for guess in told["guesses"]] == [
        "finch3.jpg",
        "finch4.jpg",
        "wren3.jpg",
        "wren4.jpg",
    ]
    assert all(sum(guess["probabilities"]) == pytest.approx(1) for guess in told["guesses"])
