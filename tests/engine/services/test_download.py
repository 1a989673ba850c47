"""The download end to end against a server on this machine."""

from __future__ import annotations

import errno
import hashlib
import http.server
import tempfile
import threading
from functools import partial

import pytest

from engine.data import omniglot, store
from engine.errors import ResourceError
from engine.services import download as process
from engine.services.client import ask
from engine.services.download import import_datasets
from engine.services.messages import DOWNLOAD, DownloadRequest

BACKGROUND, EVALUATION = "images_background.zip", "images_evaluation.zip"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `files`; where `cut` is set, says the whole length and sends half."""

    def __init__(self, server_files, cut, *arguments):
        self.files, self.cut = server_files, cut
        super().__init__(*arguments)

    def do_GET(self):
        content = self.files.get(self.path.removeprefix("/mirror/"))
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if self.cut else content)

    def log_message(self, *_):
        """Keep the test's output quiet."""


@pytest.fixture
def serve(monkeypatch):
    """Start a server for files (name -> bytes) and return the prefix of its addresses."""
    monkeypatch.setenv("no_proxy", "*")
    servers = []

    def start(files, cut=False):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, files, cut))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/mirror"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch, published_zips):
    """A temporary directory of its own, and torchvision expecting the test's zips; what is left there is a leak."""
    monkeypatch.setenv("MAML_DATA_DIR", str(tmp_path / "data"))
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    sums = {n.removesuffix(".zip"): hashlib.md5(c).hexdigest() for n, c in published_zips.items()}
    monkeypatch.setattr(import_datasets().Omniglot, "zips_md5", sums)
    yield folder
    assert list(folder.glob("maml-*")) == []


def refuse(url, complaint):
    with pytest.raises(ResourceError, match=complaint) as caught:
        process.download_omniglot(url)
    assert str(caught.value).isprintable()
    assert store.installed() == ()
    return str(caught.value)


def test_what_is_served_is_imported(serve, published_zips, capfd):
    imported = process.download_omniglot(serve(published_zips) + "/")
    assert store.verify("omniglot").content_hash == imported.image_set.content_hash
    told = capfd.readouterr().err
    assert told.count("downloading http://127.0.0.1") == 2
    assert "\r" not in told


def test_the_publishers_address_is_torchvisions_own():
    assert import_datasets().Omniglot.download_url_prefix.startswith("https://")


def test_not_found(serve, published_zips):
    refuse(serve({BACKGROUND: published_zips[BACKGROUND]}), "images_evaluation.zip .the server answered 404")


def test_a_body_that_is_cut_short(serve, published_zips):
    half = len(published_zips[BACKGROUND]) // 2
    refuse(
        serve(published_zips, cut=True), f"the {half:,} bytes that came do not have the published checksum"
    )


def test_a_web_page_instead(serve, published_zips):
    page = {BACKGROUND: b"<!DOCTYPE html><title>Sign in</title>"}
    refuse(serve(published_zips | page), "what came is an HTML page, so the download was probably redirected")


def test_another_archive(serve, published_zips, zip_of):
    refuse(serve(published_zips | {EVALUATION: zip_of({"a": b"b"})}), "do not have the published checksum")


def test_no_server(serve):
    told = refuse("http://127.0.0.1:9", "Connection refused")
    assert "maml data import omniglot PATH" in told
    assert "MAML_OMNIGLOT_URL" in told


def test_an_address_that_is_none():
    refuse("no\x1bwhere", "unknown url type")


def test_no_space_for_the_download(serve, published_zips, monkeypatch):
    def no_space(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(import_datasets().Omniglot, "__init__", no_space)
    refuse(serve(published_zips), r"cannot write the download to .*No space left on device.*TMPDIR")


def test_the_old_set_survives_a_failed_download(serve, published_zips):
    process.download_omniglot(serve(published_zips))
    with pytest.raises(ResourceError):
        process.download_omniglot(serve({}))
    assert store.verify("omniglot").classes == 3


def test_warnings_are_in_the_answer(serve, published_zips):
    (warning,) = process.answer(DownloadRequest(url=serve(published_zips))).warnings
    assert "differs from the published" in warning


def test_the_process_shows_its_progress(monkeypatch, capfd):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(ResourceError, match="Connection refused"):
        ask(DOWNLOAD, DownloadRequest(url="http://127.0.0.1:9"))
    assert "downloading http://127.0.0.1:9" in capfd.readouterr().err


def test_only_the_named_constant_makes_a_warning(serve, published_zips, monkeypatch):
    found = process.download_omniglot(serve(published_zips)).image_set
    monkeypatch.setattr(omniglot, "CONTENT_HASH", found.content_hash)
    assert process.download_omniglot(serve(published_zips)).warnings == ()
