"""The native code is compiled once; whatever is wrong with compiler or cache is said in a sentence."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from engine.acceleration.native import library as module
from engine.acceleration.native.library import Library, UnavailableError

# Stands for the source: what a process needs to take a library for the right one, compiled in a moment.
SOURCE = "\n".join(
    [
        'extern "C" {',
        "int vector_bytes() { return 32; }",
        *(
            f"long {name}_{kind}(void*) {{ return 1; }}"
            for name in module._FUNCTIONS["conv4"]
            for kind in ("float", "double")
        ),
        "}",
    ]
)
needs_compiler = pytest.mark.skipif(
    not any(map(module.shutil.which, module._COMPILERS)), reason="needs a C++ compiler"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    source(tmp_path).parent.mkdir()
    source(tmp_path).write_text(SOURCE)
    monkeypatch.setattr(module, "_SOURCES", source(tmp_path).parent)
    monkeypatch.setenv("MAML_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "native"


def source(tmp_path):
    return tmp_path / "source" / "conv4.cpp"


class Nothing(ctypes.Structure):
    _fields_ = ()


def load() -> Library:
    return module.library.__wrapped__("conv4")


def kept(folder):
    return sorted(folder.glob("*.so"))


def no_compiling(monkeypatch):
    monkeypatch.setattr(module, "_compiled", lambda *args: pytest.fail("it was there already"))


@needs_compiler
def test_it_is_compiled_once_and_private(folder, monkeypatch):
    before = os.umask(0)
    try:
        assert load().vector_bytes == 32
    finally:
        os.umask(before)
    (path,) = kept(folder)
    assert list(folder.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    no_compiling(monkeypatch)
    assert load().vector_bytes == 32


@needs_compiler
@pytest.mark.parametrize("what", ["source", "flags", "processor"])
def test_it_is_compiled_anew_for_another(folder, tmp_path, monkeypatch, what):
    load()
    if what == "source":
        source(tmp_path).write_text(SOURCE.replace("32", "64"))
    elif what == "flags":
        monkeypatch.setattr(module, "_FLAGS", (*module._FLAGS, "-DOTHER"))
    else:
        monkeypatch.setattr(module, "_processor", lambda: "another")
    assert load().vector_bytes == (64 if what == "source" else 32)
    assert len({path.name.split("-")[1] for path in kept(folder)}) == 2


@needs_compiler
@pytest.mark.parametrize("how", ["truncated", "empty", "another library", "writable by others"])
def test_a_file_that_is_not_trusted_is_compiled_anew(folder, monkeypatch, how):
    load()
    (path,) = kept(folder)
    whole = path.read_bytes()
    path.unlink()  # and not written over: this process runs it
    path.write_bytes(whole)
    if how == "writable by others":
        path.chmod(0o666)
    else:
        path.write_bytes(
            {"truncated": whole[: len(whole) // 2], "empty": b"", "another library": whole + b"x"}[how]
        )
    compiled = []
    compile_it = module._compiled
    monkeypatch.setattr(module, "_compiled", lambda *args: compiled.append(args) or compile_it(*args))
    assert load().vector_bytes == 32
    assert len(compiled) == 1
    assert path.read_bytes() == whole
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_compiler
def test_two_at_once(folder):
    script = "from engine.acceleration.native import library as m; from pathlib import Path; import sys\n"
    script += "m._SOURCES = Path(sys.argv[1]); print(m.library('conv4').vector_bytes)"
    command = [sys.executable, "-c", script, str(module._SOURCES)]
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True), range(2)))
    assert [(one.returncode, one.stdout) for one in done] == [(0, "32\n")] * 2, done
    assert all(path.suffix == ".so" for path in folder.iterdir())


def test_without_a_compiler(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(
        UnavailableError, match=r"^there is no C\+\+ compiler here \(c\+\+, g\+\+ or clang\+\+\)$"
    ):
        load()


def fake_compiler(tmp_path, monkeypatch, *lines):
    tools = tmp_path / "tools"
    tools.mkdir()
    path = tools / "c++"
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")


def test_a_compiler_that_fails(folder, tmp_path, monkeypatch):
    fake_compiler(
        tmp_path,
        monkeypatch,
        '[ "$1" = --version ] && exit 0',
        "echo 'a.cpp:1: error: \033[31mno' >&2",
        "exit 1",
    )
    with pytest.raises(
        UnavailableError, match=r"c\+\+ does not compile it \(a.cpp:1: error: .*no\)"
    ) as caught:
        load()
    assert str(caught.value).isprintable()
    assert not kept(folder)


def test_a_compiler_that_makes_nothing_of_use(folder, tmp_path, monkeypatch):
    fake_compiler(
        tmp_path,
        monkeypatch,
        '[ "$1" = --version ] && exit 0',
        'for last; do :; done; echo nonsense > "$last"',
    )
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        load()


def test_a_compiler_that_does_not_end(folder, tmp_path, monkeypatch):
    fake_compiler(tmp_path, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(module, "_MAX_SECONDS", 0.1)
    with pytest.raises(UnavailableError, match="does not run"):
        load()


def test_no_place_to_keep_it(folder):
    folder.parent.write_text("a file where the folder should be")
    with pytest.raises(
        UnavailableError, match=r"nothing can be kept in .* choose another place with MAML_CACHE_DIR"
    ):
        load()


def test_a_folder_that_others_may_write_into(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(UnavailableError, match="others may write into"):
        load()


@needs_compiler
def test_no_memory_is_said_as_such(folder, tmp_path):
    source(tmp_path).write_text(SOURCE.replace("return 1;", "return 0;"))
    found = load()
    with pytest.raises(torch.OutOfMemoryError, match="more memory than there is"):
        found.run("outputs", torch.float32, Nothing())


@pytest.mark.parametrize("name", module._FUNCTIONS)
def test_the_source_is_where_it_is_looked_for(name):
    headers = {path.name for path in module._SOURCES.glob("*.h")}
    for path in (module._SOURCES / f"{name}.cpp", *map(module._SOURCES.joinpath, headers)):
        for line in path.read_text().splitlines():
            if line.startswith('#include "'):
                assert line.split('"')[1] in headers, path.name
