"""The promises of `maml docs security`, one test or more for each."""

from __future__ import annotations

import ast
import io
import os
import pickle
import socket
import stat
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from environment import isolate
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
import maml_tui
from engine.config.presets import load_preset
from engine.config.record import RunRecord, read_record
from engine.config.resolve import override_layer, resolve
from engine.data.trees import open_tree
from engine.errors import ResourceError, UsageError
from engine.runs.checkpoints import save_checkpoint
from engine.runs.directory import check_name, create_run
from engine.runs.events import RequestEvent, StateEvent, WarningEvent
from engine.runs.journal import EventWriter
from engine.runs.status import read_status, write_status
from engine.services.download import import_datasets
from engine.text import printable
from engine.training.checkpoint import restore
from engine.training.setup import Setup
from maml_tui.cli import run as maml

SOURCES = [
    path for package in (engine, maml_tui) for path in sorted(Path(package.__file__).parent.rglob("*.py"))
]

FORBIDDEN = {
    "eval", "exec", "compile", "__import__",
    "pickle.load", "pickle.loads", "marshal.load", "marshal.loads", "shelve.open", "dill.load", "joblib.load",
    "yaml.load", "yaml.unsafe_load", "os.system", "os.popen", "subprocess.getoutput",
    "runpy.run_path", "runpy.run_module",
}  # fmt: skip
REQUIRED = {"torch.load": ("weights_only", True), "np.load": ("allow_pickle", False)}
UNPICKLER = "engine/data/caches.py"  # knows a handful of names and runs none of them; see its own tests
IMPORTERS = {
    "engine/config/own_code.py",  # a user's own network, named by that user
    "engine/catalogue/entries.py",  # names from the catalogue
    "engine/services/bench/peers.py",  # names from a list of its own
    "engine/services/__main__.py",  # the same
    "maml_tui/cli/root.py",  # the same
    "maml_tui/app/app.py",  # the same
}


def calls(path):
    """Yield (dotted name, call) of every call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call, name):
    value = next((one.value for one in call.keywords if one.arg == name), None)
    return value.value if isinstance(value, ast.Constant) else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_nothing_in_the_source_can_execute_what_it_reads(path):

    place = path.as_posix()
    for name, call in calls(path):
        assert name not in FORBIDDEN, (place, call.lineno)
        assert keyword(call, "shell") is not True, (place, call.lineno)
        if name in REQUIRED:
            option, value = REQUIRED[name]
            assert keyword(call, option) is value, (place, call.lineno)
        if name.endswith("import_module") and not isinstance(call.args[0], ast.Constant):
            assert place.endswith(tuple(IMPORTERS)), (place, call.lineno)
    text = path.read_text(encoding="utf-8")
    assert "Unpickler" not in text or place.endswith(UNPICKLER)


class Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (Path(self.target),)


@pytest.fixture
def home(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def record():
    short = ("iterations=4", "eval_every=2", "val_tasks=4", "eval_tasks=4", "hidden=[4]", "meta_batch_size=2")
    return RunRecord(resolve([load_preset("sinusoid-5shot").layer, override_layer(short)]), "demo", "cpu")


@pytest.fixture
def run(home, record):
    return create_run("demo", record.to_toml)


def hostile_checkpoints(target):
    saved = io.BytesIO()
    torch.save({"format": "maml-tui checkpoint 2", "theta": Payload(target)}, saved)
    legacy = io.BytesIO()
    torch.save(Payload(target), legacy, _use_new_zipfile_serialization=False)
    return saved.getvalue(), legacy.getvalue(), pickle.dumps(Payload(target))


def test_a_checkpoint_executes_nothing(tmp_path, run, record):
    target = tmp_path / "executed"
    setup = Setup.build(record.resolved.config, torch.device("cpu"))
    for payload in hostile_checkpoints(target):
        save_checkpoint(run, 1, payload, {"latest"})
        with pytest.raises(ResourceError, match="cannot be read: it is damaged or of another program"):
            restore(setup.initial_state(), payload, {})
    assert not target.exists()


def test_an_initialisation_executes_nothing(tmp_path):
    weights = pytest.importorskip("engine.services.initialisation")
    target = tmp_path / "executed"
    for number, payload in enumerate(hostile_checkpoints(target)):
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(payload)
        with pytest.raises(ResourceError, match="is not a whole safetensors file"):
            weights.read_weights(path)
    assert not target.exists()


def tar_of(path, *members):
    with tarfile.open(path, "w:gz") as archive:
        for info, size in members:
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    return path


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png"])
def test_no_archive_leads_outside(tmp_path, home, name):
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(name, b"x")
    for path in (zipped, tar_of(tmp_path / "a.tar.gz", (tarfile.TarInfo(name), 3))):
        with pytest.raises(ResourceError, match="leads outside"):
            open_tree(path).names()
        assert maml(["data", "import", "birds", str(path)]) == 3
    assert not (home / "data" / "birds").exists()


def test_no_archive_grows_without_bounds(tmp_path):
    zipped = tmp_path / "bomb.zip"
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.png", bytes(2**28 + 2**20))
    bomb = tar_of(tmp_path / "bomb.tar.gz", (tarfile.TarInfo("a/b.png"), 2**28 + 2**20))
    for path in (zipped, bomb):
        with pytest.raises(
            ResourceError, match="unpacks to more than 200 times its size: it holds no pictures"
        ):
            open_tree(path).names()


def test_what_a_run_leaves_is_its_owners_alone(home, run):
    before = os.umask(0)
    try:
        assert maml(["train", "sinusoid-5shot", "-q", "-s", "iterations=2", "-s", "eval_every=1", "-s", "val_tasks=2",
                     "-s", "eval_tasks=2"]) == 0  # fmt: skip
        assert maml(["runs", "tag", "@last", "word"]) == 0
    finally:
        os.umask(before)
    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in [home / "state", *(home / "state").rglob("*")]
    }
    assert len(modes) > 15
    assert {path: mode for path, mode in modes.items() if mode != (0o700 if path.is_dir() else 0o600)} == {}


@given(st.text(max_size=80) | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"))
def test_a_name_of_a_run_is_no_path_and_no_option(name):
    with suppress(UsageError):
        assert check_name(name) == name
        assert Path(name).name == name
        assert name.isascii() and name.isprintable()
        assert not name.startswith((".", "-"))


@settings(deadline=None)
@given(st.text(), st.text(st.characters(blacklist_categories=["Cs"])))
def test_text_breaks_out_of_neither_the_terminal_nor_toml(shown, kept):
    assert printable(shown).isprintable()
    config = load_preset("sinusoid-5shot").resolved()
    text = RunRecord(config, name="demo", command=kept).to_toml("ab12")
    path = Path(os.environ["MAML_STATE_DIR"]) / "record.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
    read = read_record(path)
    assert (read.name, read.resolved.config) == ("demo", config.config)
    assert read.command.replace("\r\n", "\n") == kept.replace("\r\n", "\n")


@pytest.fixture(autouse=True)
def _state_of_ones_own(tmp_path, monkeypatch):
    isolate(monkeypatch, tmp_path)


EVIL = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b31m\u202e\r"


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "ls"),
        ("runs", "show", "{id}"),
        ("attach", "{id}", "--plain"),
        ("attach", "{id}", "--json"),
        ("resume", "{id}"),
        ("stop", "{id}"),
        ("runs", "ls", EVIL),
        ("train", EVIL),
        ("train", "smoke", "-s", EVIL),
        ("train", "smoke", "--name", EVIL),
        ("data", "import", EVIL, EVIL),
        ("data", "check", EVIL),
        ("compare", EVIL, EVIL),
        ("presets", "show", EVIL),
        ("eval", EVIL),
    ],
)
def test_nothing_from_outside_steers_the_terminal(run, capsys, words):
    """What is escaped is the C0 and C1 controls and what reverses text; JSON escapes the first of these itself."""
    status = read_status(run)
    write_status(run, status.model_copy(update=dict.fromkeys(("name", "reason", "host", "device", "task"), EVIL)
                                        | {"state": "failed"}))  # fmt: skip
    with EventWriter(run.events) as events:
        events.write(StateEvent(state="failed", reason=EVIL))
        events.write(WarningEvent(message=EVIL))
        events.write(RequestEvent(verb=EVIL, id=EVIL, outcome="refused", reason=EVIL))
    maml([word.format(id=run.id) for word in words])
    said = "".join(capsys.readouterr())
    assert said
    if "--json" in words:
        assert not {"\x1b", "\x07", "\r"} & set(said)
    else:
        assert all(line.isprintable() for line in said.split("\n")), ascii(said)


def test_downloads_come_by_https_and_are_checked_before_they_are_used():
    omniglot = import_datasets().Omniglot
    assert omniglot.download_url_prefix.startswith("https://")
    assert all(len(checksum) == 32 for checksum in omniglot.zips_md5.values())


@pytest.mark.parametrize("what", ["config", "metrics", "table"])
def test_exports_tell_neither_host_nor_paths(home, capsys, what):
    pytest.importorskip("maml_tui.cli.export")
    short = [
        word
        for pair in ("iterations=2", "eval_every=1", "val_tasks=2", "eval_tasks=2")
        for word in ("-s", pair)
    ]
    assert maml(["train", "sinusoid-5shot", "-q", *short]) == 0
    capsys.readouterr()
    assert maml(["export", "@last", "--what", what]) == 0
    told = capsys.readouterr().out
    assert told
    for secret in (socket.gethostname(), str(home), str(Path.home()), str(Path.cwd())):
        assert secret not in told
