from __future__ import annotations

import errno
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ResourceError
from engine.runs import journal
from engine.runs.events import StateEvent, TrainEvent, WarningEvent
from engine.runs.journal import EventReader, EventWriter

SAME_FOLDER = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def warn(writer: EventWriter, *messages: str) -> None:
    for message in messages:
        writer.write(WarningEvent(message=message))


def messages(reader: EventReader) -> list[str]:
    return [event.message for event in reader.read() if isinstance(event, WarningEvent)]


def test_records_are_numbered_and_dated(path):
    with EventWriter(path, clock=lambda: 5.0) as writer:
        first = writer.write(StateEvent(state="running"))
        second = writer.write(WarningEvent(message="two\nlines"))
    assert [(event.seq, event.time) for event in (first, second)] == [(0, 5.0), (1, 5.0)]
    assert EventReader(path).read() == [first, second]
    assert path.stat().st_mode & 0o777 == 0o600


def test_each_record_is_one_system_call(path, monkeypatch):
    calls = []
    write = os.write
    with EventWriter(path) as writer:
        monkeypatch.setattr(os, "write", lambda fd, data: calls.append(data) or write(fd, data))
        warn(writer, "a", "b")
    assert [call.count(b"\n") for call in calls] == [1, 1]


def test_a_reader_gets_only_what_is_new(path):
    reader = EventReader(path)
    assert reader.read() == []
    with EventWriter(path) as writer:
        warn(writer, "a", "b")
        assert messages(reader) == ["a", "b"]
        assert messages(reader) == []
        warn(writer, "c")
        assert messages(reader) == ["c"]


def test_lines_can_be_had_verbatim(path):
    path.write_bytes(b'{"kind":"news","v":9}\nnot json\n')
    reader = EventReader(path)
    assert list(reader.chunks()) == [[b'{"kind":"news","v":9}', b"not json"]]
    assert reader.skipped == 0


def test_a_torn_last_line_waits_for_its_rest(path):
    line = WarningEvent(message="a").model_dump_json().encode()
    path.write_bytes(line[:10])
    reader = EventReader(path)
    assert reader.read() == []
    path.write_bytes(line + b"\n")
    assert messages(reader) == ["a"]
    assert reader.skipped == 0


@pytest.mark.parametrize(
    "torn", [b"", b'{"kind":"warn', b"\0" * 50, b'{"v":1,"seq":9,"kind":"warning","message":"x"}']
)
def test_a_second_writer_cuts_a_torn_line_off_and_goes_on_counting(path, torn):
    with EventWriter(path) as writer:
        warn(writer, "a", "b")
    reader = EventReader(path)
    path.write_bytes(path.read_bytes() + torn)
    assert messages(reader) == ["a", "b"]
    with EventWriter(path) as writer:
        warn(writer, "c")
    assert messages(reader) == ["c"]
    assert [event.seq for event in EventReader(path).read()] == [0, 1, 2]


def test_numbering_continues_after_records_of_a_newer_program_and_damage(path):
    path.write_bytes(b'{"v":2,"seq":41,"kind":"news"}\nrubbish\n{"seq":null}\n')
    with EventWriter(path) as writer:
        assert writer.next_seq == 42


def test_the_end_is_found_beyond_one_window(path, monkeypatch):
    monkeypatch.setattr(journal, "_CHUNK", 16)
    with EventWriter(path) as writer:
        warn(writer, "a", "b" * 500)
    path.write_bytes(path.read_bytes() + b"rubbish\n" * 10 + b"t" * 100)
    with EventWriter(path) as writer:
        assert writer.next_seq == 2
        warn(writer, "c")
    assert messages(EventReader(path)) == ["a", "b" * 500, "c"]


def test_a_full_disk_leaves_a_whole_journal(path, monkeypatch):
    with EventWriter(path) as writer:
        warn(writer, "a")
        write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
        with pytest.raises(ResourceError, match="disk is full"):
            warn(writer, "lost")
        monkeypatch.undo()
        warn(writer, "b")
    reader = EventReader(path)
    assert [(event.seq, event.message) for event in reader.read()] == [(0, "a"), (1, "b")]
    assert reader.skipped == 0


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_journal_that_cannot_be_opened_is_explained(path, monkeypatch, number):
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(ResourceError, match=r"Cannot open .*events\.jsonl"):
        EventWriter(path)


def test_a_folder_instead_of_a_journal_is_explained(tmp_path):
    with pytest.raises(ResourceError, match="is a directory"):
        EventReader(tmp_path).read()


def test_a_shortened_journal_is_read_from_its_start(path):
    with EventWriter(path) as writer:
        warn(writer, "a" * 100)
    reader = EventReader(path)
    reader.read()
    path.write_bytes(b"")
    with EventWriter(path) as writer:
        warn(writer, "b")
    assert messages(reader) == ["b"]
    assert reader.restarts == 1


def test_a_replaced_journal_is_read_from_its_start(path, tmp_path):
    with EventWriter(path) as writer:
        warn(writer, "a")
    reader = EventReader(path)
    reader.read()
    with EventWriter(tmp_path / "other") as writer:
        warn(writer, "b", "c")
    (tmp_path / "other").replace(path)
    assert messages(reader) == ["b", "c"]
    assert messages(reader) == []
    assert reader.restarts == 1


def test_a_large_journal_comes_in_chunks(path, monkeypatch):
    monkeypatch.setattr(journal, "_CHUNK", 64)
    texts = ["x" * (i % 7 * 40) for i in range(50)]
    with EventWriter(path) as writer:
        warn(writer, *texts)
    assert len(list(EventReader(path).chunks())) > 10
    assert messages(EventReader(path)) == texts


def train(writer, count):
    """Write so many meta-updates; return them."""
    pace = {"iterations_per_second": 1.0, "tasks_per_second": 1.0}
    return [writer.write(TrainEvent(iteration=i, loss=0.5, **pace)) for i in range(count)]


def test_a_reader_can_begin_at_the_end(path, monkeypatch):
    monkeypatch.setattr(journal, "_CHUNK", 64)
    reader = EventReader(path)
    reader.skip_to_end()
    with EventWriter(path) as writer:
        warn(writer, "first")
        assert messages(reader) == ["first"]
        warn(writer, "x" * 200, "y" * 200)
        late = EventReader(path)
        late.skip_to_end()
        assert messages(late) == []
        warn(writer, "new")
    assert messages(late) == ["new"]
    path.write_bytes(path.read_bytes()[5:])
    assert messages(late) == ["x" * 200, "y" * 200, "new"]
    assert late.restarts == 1


def test_a_torn_line_at_the_end_is_not_skipped(path):
    with EventWriter(path) as writer:
        warn(writer, "old")
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:9])
    reader = EventReader(path)
    reader.skip_to_end()
    path.write_bytes(whole + whole)
    assert messages(reader) == ["old"]


def test_a_journal_that_an_old_version_thinned_is_read_and_continued(path):
    """Those versions dropped old routine records, so that `seq` has gaps."""
    with EventWriter(path) as writer:
        warn(writer, "first")
        train(writer, 100)
        warn(writer, "last")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:50:8] + lines[50:60:2] + lines[60:]))
    reader = EventReader(path)
    events = reader.read()
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers)) and len(numbers) < 60
    assert [events[0].message, events[-1].message] == ["first", "last"]
    with EventWriter(path) as writer:
        assert writer.next_seq == 102
        warn(writer, "on")
    assert messages(reader) == ["on"]
    assert (reader.restarts, reader.skipped) == (0, 0)


def test_damage_where_a_reader_stands_is_not_another_journal(path):
    reader = EventReader(path)
    with EventWriter(path) as writer:
        train(writer, 10)
    path.write_bytes(path.read_bytes() + b"rubbish\n")
    assert len(reader.read()) == 10
    with EventWriter(path) as writer:
        train(writer, 20)
    assert [event.seq for event in reader.read()] == list(range(10, 30))
    assert (reader.restarts, reader.skipped) == (0, 1)


def test_an_older_copy_that_is_put_back_is_another_journal(path):
    with EventWriter(path) as writer:
        warn(writer, "a", "b")
        older = path.read_bytes()
        warn(writer, "c", "d")
    reader = EventReader(path)
    assert messages(reader) == ["a", "b", "c", "d"]
    path.write_bytes(older)
    assert messages(reader) == ["a", "b"]
    assert reader.restarts == 1


@SAME_FOLDER
@given(st.lists(st.text(st.characters(codec="utf-8")), max_size=8), st.data())
def test_everything_before_a_truncation_is_read(path, texts, data):
    path.unlink(missing_ok=True)
    with EventWriter(path, clock=lambda: 1.5) as writer:
        warn(writer, *texts)
    whole = path.read_bytes()
    kept = whole[: data.draw(st.integers(0, len(whole)))]
    path.write_bytes(kept)
    reader = EventReader(path)
    assert messages(reader) == texts[: kept.count(b"\n")]
    assert reader.skipped == 0
    with EventWriter(path) as writer:
        assert writer.next_seq == kept.count(b"\n")
        warn(writer, "again")
    assert messages(reader) == ["again"]


@SAME_FOLDER
@given(st.binary(max_size=200), st.integers(1, 50))
def test_garbage_never_raises_and_spares_its_neighbours(path, garbage, chunk):
    path.unlink(missing_ok=True)
    with EventWriter(path) as writer:
        warn(writer, "before")
    path.write_bytes(path.read_bytes() + garbage + b"\n")
    with EventWriter(path) as writer:
        warn(writer, "after")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "_CHUNK", chunk)
        reader = EventReader(path)
        assert messages(reader) == ["before", "after"]
    assert reader.skipped == garbage.count(b"\n") + 1


@SAME_FOLDER
@given(st.lists(st.binary(max_size=60), max_size=8))
def test_a_reader_polling_a_growing_file_sees_each_line_once(path, pieces):
    path.write_bytes(b"")
    reader = EventReader(path)
    seen = []
    with path.open("ab", buffering=0) as file:
        for piece in pieces:
            file.write(piece)
            seen += [line for lines in reader.chunks() for line in lines]
    assert seen == b"".join(pieces).split(b"\n")[:-1]
