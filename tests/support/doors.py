"""Every way in for what others wrote, with examples of what is welcome, and how to spoil them.

A door takes a file that holds the bytes. It may refuse them with a `MamlError` of one printable sentence or more;
anything else that it raises is a defect.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from engine.config.presets import load_preset
from engine.config.record import RunRecord, read_record
from engine.config.resolve import override_layer, resolve
from engine.config.toml import file_layer
from engine.data.caches import read_cache
from engine.data.store import load
from engine.data.trees import open_tree
from engine.errors import MamlError
from engine.runs.checkpoints import read_pointer
from engine.runs.directory import create_run
from engine.runs.journal import EventReader, EventWriter
from engine.runs.requests import pending
from engine.runs.result import read_result, read_scores
from engine.runs.status import read_status
from engine.runs.tags import read_tags, tags_path
from engine.services.initialisation import read_weights
from engine.training.checkpoint import restore, to_bytes
from engine.training.setup import Setup
from maml_tui.app.settings import read_settings
from maml_tui.cli import run as maml
from maml_tui.runs.listing import RunFacts
from maml_tui.runs.query import parse_query
from maml_tui.runs.watch import RunWatch

_SMALL = ("hidden=[4]", "meta_batch_size=2", "iterations=4", "eval_every=2", "val_tasks=4", "eval_tasks=4")
_WORDS = (
    b"null", b"true", b"-1", b"1e999", b"NaN", b"1" * 400, b'"', b"'", b"{", b"[" * 3000, b'{"a":' * 2000, b"\\u0000",
    b"\x00", b"\x1b[2J", b"\xff\xfe", "\u202e\u2028\ud7ff".encode(), b"../" * 9, b"\n", b"=", b"\r\n", b"9" * 19,
    b"0x7f",     b"[training]\n", b'"v":2,', b"inf", b"1979-05-27T07:32:00Z",
)  # fmt: skip


def spoil(welcome, rng):
    """Return some bytes with one to eight things done to them."""
    data = bytearray(welcome)
    for _ in range(rng.randint(1, 8)):
        place = rng.randint(0, len(data))
        end = min(len(data), place + rng.choice((1, 1, 2, 8, 64, 1024)))
        match rng.randrange(6):
            case 0 if place < len(data):
                data[place] ^= 1 << rng.randrange(8)
            case 1:
                del data[place:end]
            case 2:
                data[place:place] = data[place:end]
            case 3:
                data[place:place] = rng.choice(_WORDS)
            case 4:
                data[place:end] = rng.choice(_WORDS)
            case _:
                data[place:end] = rng.randbytes(end - place)
    return bytes(data)


def knock(door, content, folder):
    """Show a door some bytes; return the sentence it refuses them with, empty if it takes them."""
    path = Path(folder, "shown")
    path.write_bytes(content)
    try:
        door(path)
    except MamlError as error:
        text = str(error)
        assert text
        assert all(line.isprintable() for line in text.split("\n")), ascii(text)
        return text
    finally:
        path.unlink()
    return ""


class Doors:
    """The doors by name, and what each finds welcome.

    Args:
        folder: Where runs and data sets may be made.
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        os.environ["MAML_STATE_DIR"] = str(self.folder / "state")
        os.environ["MAML_DATA_DIR"] = str(self.folder / "data")
        resolved = resolve([load_preset("sinusoid-5shot").layer, override_layer(_SMALL)])
        self.run = create_run("demo", RunRecord(resolved, "demo", "cpu").to_toml)
        self.setup = Setup.build(resolved.config, torch.device("cpu"))
        self.record = self.run.config.read_bytes()
        self.facts = RunFacts(self.run, read_status(self.run))
        self.all = {name[5:]: getattr(self, name) for name in dir(self) if name.startswith("door_")}

    def welcome(self, name):
        """Return an example that the door takes."""
        return getattr(self, f"welcome_{name}")()

    def _placed(self, path, at):
        """Put what is shown where it belongs."""
        at.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, at)
        return at

    def welcome_configuration(self):
        return b'[task]\ndata = "sinusoid"\nshots = 5\n[algorithm]\ninner_lr = 0.01\n[training]\niterations = 9\n'

    def door_configuration(self, path):
        resolve([load_preset("sinusoid-5shot").layer, file_layer(path)])

    def welcome_override(self):
        return b"inner_lr=0.01\nhidden=[4, 5]\ndata=sinusoid\namplitude=[0.1, 5.0]"

    def door_override(self, path):
        words = path.read_text(errors="replace").split("\n")
        resolve([load_preset("sinusoid-5shot").layer, override_layer(words)])

    def welcome_record(self):
        return self.record

    def door_record(self, path):
        read_record(path).to_toml("ab12")

    def welcome_status(self):
        return self.run.status.read_bytes()

    def door_status(self, path):
        read_status(_At(self.run, status=path))

    def welcome_events(self):
        return (
            b'{"v":1,"seq":0,"time":1.5,"kind":"state","state":"running","reason":""}\n'
            b'{"v":1,"seq":1,"time":1.5,"kind":"train","iteration":1,"loss":1.5,"iterations_per_second":null,'
            b'"tasks_per_second":9.5}\n'
            b'{"v":1,"seq":2,"time":2.5,"kind":"evaluation","iteration":2,"split":"val","checkpoint":"current",'
            b'"seconds":1.0,"measurement":{"metric":"mse","protocol":{"split":"val","tasks":4,"shots":5,"queries":5,'
            b'"steps":1,"seed":1},"loss":[{"step":0,"mean":1.0,"ci95":0.5,"median":1.0},'
            b'{"step":1,"mean":0.5,"ci95":0.5,"median":1.0}]}}\n'
            b'{"v":1,"seq":3,"time":3.5,"kind":"finished","state":"done","iteration":2,"seconds":3.5}\n'
        )

    def door_events(self, path):
        self._placed(path, self.run.events)
        watch = RunWatch(self.run)
        watch.apply(watch.fetch())
        with EventWriter(self.run.events) as events:
            assert events.next_seq >= 0
        assert EventReader(self.run.events).read() is not None

    def welcome_request(self):
        return b'{"v":1,"verb":"stop","mode":"graceful"}'

    def door_request(self, path):
        at = self._placed(path, self.run.control / "00000000000000000001-abcdef01.json")
        assert len(pending(self.run)) == 1
        at.unlink()

    def welcome_tags(self):
        return b'{"v":1,"tags":["good","debug"],"note":"as in the paper"}'

    def door_tags(self, path):
        self._placed(path, tags_path(self.run))
        read_tags(self.run)

    def welcome_settings(self):
        return b'[interface]\ntheme = "auto"\nhz = 2.0\ncharset = "block"\n[keys]\n"app.setup" = "f9,1"\n'

    def door_settings(self, path):
        read_settings(path, {})

    def welcome_query(self):
        return b'omniglot state:done ways:20 inner_lr<0.1 acc>=90 -tag:debug "two words" age<2d started:today'

    def door_query(self, path):
        parse_query(path.read_text(errors="replace"), 1e9).matches(self.facts)

    def welcome_pointer(self):
        return (
            b'{"v":1,"file":"iter-00000001-0123abcd.pt","sha256":"'
            + b"0" * 64
            + b'","bytes":3,"iteration":1,"time":1.0}'
        )

    def door_pointer(self, path):
        self._placed(path, self.run.checkpoints / "latest.json")
        read_pointer(self.run, "latest")

    def welcome_checkpoint(self):
        return to_bytes(self.setup.initial_state(), {})

    def door_checkpoint(self, path):
        restore(self.setup.initial_state(), path.read_bytes(), {})

    def welcome_result(self):
        return b'{"v":1,"run":"ab12","name":"demo","state":"done","iterations":4,"seconds":1.5,"parameters_sha256":"00","measurements":[],"fingerprint":{}}'  # noqa: E501

    def door_result(self, path):
        read_result(path)

    def welcome_scores(self):
        return b'{"v":1,"step":3,"tasks":{"best":[0.5,null,0.25],"last":[0.5,1.0,0.25]}}'

    def door_scores(self, path):
        read_scores(path)

    def welcome_archive(self):
        return _zip_of_pictures()

    def door_archive(self, path):
        tree = open_tree(path)
        for _ in tree.read(tree.names()):
            pass

    def welcome_pictures(self):
        return _zip_of_pictures()

    def door_pictures(self, path):
        before = _contents(self.folder / "data")
        code = maml(["data", "import", "mine", str(path), "-q", "--replace"])
        assert code in (0, 2, 3), code
        assert code == 0 or _contents(self.folder / "data") == before

    def welcome_cache(self):
        pixels = np.arange(4 * 2 * 2 * 3, dtype=np.uint8).reshape(4, 2, 2, 3)
        return pickle.dumps({"image_data": pixels, "class_dict": {"a": [0, 1], "b": [2, 3]}}, protocol=2)

    def door_cache(self, path):
        read_cache(path)

    def welcome_weights(self):
        known = {
            "name": "demo",
            "checkpoint": "best",
            "iteration": 4,
            "parameters": 2,
            "sha256": "00",
            "config": "",
        }
        metadata = {name: json.dumps(value) for name, value in (*known.items(), ("form", None))}
        return save({"a": torch.zeros(2)}, {"format": "maml-tui initialisation 1", **metadata})

    def door_weights(self, path):
        read_weights(path)

    def welcome_set(self):
        return b'{"format":1,"source":"x","content_hash":"00","shape":[4,1,2,2],"class_names":["a","b"],"counts":[2,2]}'

    def door_set(self, path):
        index = self._placed(path, self.folder / "data" / "other" / "index.json")
        np.save(index.with_name("images.npy"), np.zeros((4, 1, 2, 2), np.uint8))
        load("other")


class _At:
    """A run, some files of which lie elsewhere."""

    def __init__(self, run, **files):
        self.__dict__.update(files)
        self.run = run

    def __getattr__(self, name):
        return getattr(self.run, name)


def _contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")} if folder.exists() else {}


def _zip_of_pictures():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for kind in "abcdefgh":
            for number in range(2):
                picture = io.BytesIO()
                Image.new("L", (8, 8), ord(kind) + number).save(picture, "png")
                archive.writestr(f"{kind}/{number}.png", picture.getvalue())
    return file.getvalue()
