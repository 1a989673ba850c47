from __future__ import annotations

import pytest

from engine.errors import ResourceError
from maml_tui.plotting.figure_files import export_figure
from maml_tui.plotting.series import Plot, Series

PLOT = Plot((Series("val", [0, 10, 20], [1, 2, 3]),), x_range=(5, 20), y_label="Speed, iterations/s")
NOON = 1_700_000_000.0


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state" / "exports"


def write(subject="7f3a"):
    return export_figure(PLOT, subject, clock=lambda: NOON)


def test_a_figure_is_written_in_three_forms(folder):
    svg, png, table = write()
    assert {svg.parent, png.parent, table.parent} == {folder}
    assert svg.read_text().startswith("<svg ")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert table.read_text() == "series,x,y,low,high\nval,10,2,,\nval,20,3,,\n"


def test_names_tell_what_it_is_of_and_when(folder):
    svg, png, _ = write()
    assert svg.stem == png.stem
    assert svg.name.startswith("7f3a-speed-iterations-s-2023111")
    assert (folder.stat().st_mode & 0o777) == 0o700


def test_nothing_is_replaced():
    first = write()
    before = [path.read_bytes() for path in first]
    names = {path.name for _ in range(3) for path in write()}
    assert len(names) == 9
    assert not names & {path.name for path in first}
    assert [path.read_bytes() for path in first] == before


@pytest.mark.parametrize("subject", ["../../etc/passwd", "a/b\x1b[2J", "", "...", "x" * 500])
def test_no_subject_leads_out_of_the_folder(folder, subject):
    for path in write(subject):
        assert path.parent == folder
        assert path.name.isprintable()


def test_a_folder_that_cannot_be_written_is_told(folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("not a folder")
    with pytest.raises(ResourceError, match="Cannot make the folder"):
        write()
