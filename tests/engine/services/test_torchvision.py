from __future__ import annotations

import pytest
import torch

from engine.errors import ResourceError
from engine.services import download as download


def test_the_data_sets_can_be_imported_and_imported_again():
    datasets = download.import_datasets()
    assert issubclass(datasets.Omniglot, torch.utils.data.Dataset)
    assert download.import_datasets() is datasets


def test_torchvision_that_cannot_be_imported_is_one_sentence(monkeypatch):
    def fail(_):
        raise RuntimeError("operator torchvision::new does not exist\nmore")

    monkeypatch.setattr(download.importlib, "import_module", fail)
    with pytest.raises(ResourceError, match=r"beside torch .*torchvision::new does not exist\)") as caught:
        download.import_datasets()
    assert "\n" not in str(caught.value)


def test_torchvision_that_is_not_there(monkeypatch):
    monkeypatch.setattr(download.importlib.util, "find_spec", lambda _: None)

    def fail(_):
        raise ModuleNotFoundError("No module named 'torchvision'")

    monkeypatch.setattr(download.importlib, "import_module", fail)
    with pytest.raises(ResourceError, match="No module named 'torchvision'"):
        download.import_datasets()


def test_a_compiled_part_that_is_absent_or_no_library_does_not_load(tmp_path):
    assert not download._compiled_part_loads(tmp_path)
    (tmp_path / "_C.so").write_text("no library")
    assert not download._compiled_part_loads(tmp_path)
