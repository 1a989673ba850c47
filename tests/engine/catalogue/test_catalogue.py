"""Whatever the catalogue says can be found, built and told apart, and everything is derived from it."""

from __future__ import annotations

import tomllib
from itertools import product

import pytest
from torch import nn

from engine.algorithms.algorithm import Algorithm
from engine.catalogue.algorithms import ALGORITHMS
from engine.catalogue.data_sets import DATA_SETS, IMPORTED, data_set
from engine.catalogue.entries import load
from engine.catalogue.networks import NETWORKS
from engine.config.fields import all_fields, condition
from engine.config.presets import load_preset, preset_names
from engine.config.resolve import ConfigError, override_layer, resolve
from engine.data.image_sets import ABOUT, form_of
from engine.paths import assets_dir

CATALOGUES = {"algorithm": ALGORITHMS, "network": NETWORKS, "data": DATA_SETS}
ENTRIES = [entry for entries in CATALOGUES.values() for entry in entries.values()]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_algorithm_is_implemented(name):
    assert issubclass(load(ALGORITHMS[name].implementation), Algorithm)


@pytest.mark.parametrize(
    "entry", [entry for entry in NETWORKS.values() if entry.implementation], ids=lambda e: e.name
)
def test_a_network_is_implemented(entry):
    kind = load(entry.implementation)
    assert issubclass(kind, nn.Module) and callable(kind.from_config)


@pytest.mark.parametrize("entry", DATA_SETS.values(), ids=lambda entry: entry.name)
def test_a_data_set_has_its_module_its_splits_and_its_preset(entry):
    if entry.tasks:
        assert callable(load(entry.tasks).from_config)
    if entry.about:
        assert form_of(entry.name).channels == entry.input_shape[0] and entry.name in ABOUT
    for split in entry.splits:
        assert (assets_dir() / "splits" / f"{entry.name}-{split}.toml").is_file()
    if entry.preset:
        assert load_preset(entry.preset).resolved().config.task.data == entry.name


@pytest.mark.parametrize("entry", [*ENTRIES, IMPORTED], ids=lambda entry: entry.name or "imported")
def test_every_option_that_an_entry_reads_is_in_the_schema(entry):
    assert entry.options <= set(all_fields())


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, names in CATALOGUES.items() for name in names]
)
def test_an_entry_is_a_choice_of_the_schema_and_in_its_help(key, name):
    assert name in all_fields()[key].help
    if key != "data":
        with pytest.raises(ConfigError) as error:
            resolve([override_layer([f"{key}=nonsense"])])
        assert name in str(error.value)


def test_a_condition_lists_the_readers_or_the_others():
    assert condition("seed") is None
    assert condition("hidden").values == {"mlp"}
    rotations = condition("rotations")
    assert (
        rotations.inverted
        and rotations.holds({"data": "birds"})
        and not rotations.holds({"data": "sinusoid"})
    )
    assert str(condition("meta_lr")) == "algorithm = anything but scratch"


def test_a_name_that_is_not_listed_is_an_imported_set():
    assert data_set("birds") is IMPORTED and data_set("omniglot").origin == "published"


@pytest.mark.parametrize(
    ("algorithm", "data"), list(product(ALGORITHMS, ["sinusoid", "strokes", "omniglot"]))
)
def test_what_does_not_fit_is_refused_at_the_algorithm(algorithm, data):
    entry, offered = ALGORITHMS[algorithm], DATA_SETS[data]
    network = "mlp" if offered.kind == "regression" else "conv4-stride"
    needs = entry.needs | (entry.needs_for_classes if offered.kind == "classification" else frozenset())
    layer = override_layer([f"algorithm={algorithm}", f"data={data}", f"network={network}"])
    if needs <= offered.offers | NETWORKS[network].offers:
        assert resolve([layer]).config.algorithm_entry is entry
    else:
        with pytest.raises(ConfigError) as error:
            resolve([layer])
        assert error.value.fields == ["algorithm"]


def test_published_numbers_of_our_algorithms_use_our_names():
    tables = tomllib.loads((assets_dir() / "published.toml").read_text(encoding="utf-8"))
    published = {publication["algorithm"] for publication in tables["publication"]}
    assert {"maml", "fomaml", "pretrained", "anil", "reptile"} <= published & set(ALGORITHMS)


def test_every_algorithm_but_the_baselines_has_a_preset():
    chosen = {load_preset(name).resolved().config.algorithm.algorithm for name in preset_names()}
    baselines = {name for name, entry in ALGORITHMS.items() if entry.is_fine_tuned} | {
        "prototypical",
        "fomaml",
    }
    assert chosen == set(ALGORITHMS) - baselines
