from __future__ import annotations

import os

import pytest

from engine.errors import ResourceError, UsageError
from engine.runs.requests import MalformedRequest, Request, acknowledge, pending, send_request


def test_requests_come_oldest_first_and_leave_when_acknowledged(run):
    late = send_request(run, "stop", "now", clock=lambda: 10**19)
    early = send_request(run, "pause", clock=lambda: 5)
    waiting = pending(run)
    assert [(item.id, item.verb, item.mode) for item in waiting if isinstance(item, Request)] == [
        (early, "pause", None),
        (late, "stop", "now"),
    ]
    acknowledge(waiting[0])
    acknowledge(waiting[0])
    assert [item.id for item in pending(run)] == [late]


@pytest.mark.parametrize(
    ("verb", "mode"), [("stop", None), ("pause", "now"), ("dance", None), ("stop", "gently")]
)
def test_a_mode_belongs_to_stop_and_only_there(run, verb, mode):
    with pytest.raises(UsageError, match="'stop', and nothing else, has a mode"):
        send_request(run, verb, mode)
    assert pending(run) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b'{"verb":"dance"}',
        b'{"verb":"stop"}',
        b'{"v":2,"verb":"pause"}',
        b" " * 5000,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_foreign_files_are_reported_not_raised(run, content):
    (run.control / "a\x1bb.json").write_bytes(content)
    (item,) = pending(run)
    assert isinstance(item, MalformedRequest)
    assert item.id == "a\\x1bb"
    assert item.reason
    acknowledge(item)
    assert pending(run) == []


def test_what_is_no_plain_file_is_left_alone(run):
    (run.control / ".half.json").write_bytes(b"{")
    (run.control / "folder.json").mkdir()
    (run.control / "link.json").symlink_to("/etc/hostname")
    os.mkfifo(run.control / "pipe.json")
    assert pending(run) == []


def test_no_control_folder_means_no_requests(run):
    run.control.rmdir()
    assert pending(run) == []


def test_a_request_that_cannot_be_written_is_explained(run):
    run.control.rmdir()
    run.control.write_text("")
    with pytest.raises(ResourceError, match="Cannot make the folder"):
        send_request(run, "pause")
