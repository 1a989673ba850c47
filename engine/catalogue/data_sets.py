"""The data sets, in the order in which they are offered."""

from __future__ import annotations

from engine.catalogue.entries import CLASSES, KNOWN_CLASSES, TASK_PARAMETERS, DataSet

_CLASSES = frozenset({"ways", "loss_reduction", "eval_mode"})
_PICTURES = _CLASSES | {"rotations"}

_ENTRIES = (
    DataSet(
        name="sinusoid",
        kind="regression",
        inputs="vector",
        origin="generated",
        options=frozenset({"amplitude", "phase", "x_range"}),
        offers=frozenset({TASK_PARAMETERS}),
        tasks="engine.tasks.sinusoid:Sinusoid",
        preset="sinusoid-10shot",
        input_shape=(1,),
    ),
    DataSet(
        name="strokes",
        kind="classification",
        inputs="picture",
        origin="generated",
        options=_PICTURES | {"classes"},
        offers=frozenset({CLASSES, KNOWN_CLASSES}),
        help="procedural characters",
        about="procedural characters, made when needed",
        module="engine.data.strokes",
        install="it is made when it is needed and has no folder of its own",
        preset="strokes-5w1s",
        input_shape=(1, 28, 28),
    ),
    DataSet(
        name="omniglot",
        kind="classification",
        inputs="picture",
        origin="published",
        options=_PICTURES | {"class_split"},
        offers=frozenset({CLASSES, KNOWN_CLASSES}),
        about="1623 handwritten characters (Lake et al. 2015)",
        module="engine.data.omniglot",
        splits=("1100-100-423", "alphabets"),
        install="run `maml data get omniglot`, or `maml data import omniglot PATH` if you have a copy",
        is_downloadable=True,
        preset="omniglot-5w1s",
        input_shape=(1, 28, 28),
    ),
    DataSet(
        name="miniimagenet",
        kind="classification",
        inputs="picture",
        origin="published",
        options=_PICTURES | {"class_split"},
        offers=frozenset({CLASSES, KNOWN_CLASSES}),
        about="100 classes of photographs (Vinyals et al. 2016)",
        module="engine.data.miniimagenet",
        splits=("64-16-20", "64-12-24"),
        install="run `maml data import miniimagenet PATH` on your copy",
        preset="miniimagenet-5w1s",
        input_shape=(3, 84, 84),
    ),
    DataSet(
        name="custom-regression",
        kind="regression",
        inputs="vector",
        origin="custom",
        options=frozenset({"task_class"}),
        tasks="engine.tasks.custom:CustomTasks",
    ),
    DataSet(
        name="custom-classification",
        kind="classification",
        inputs="any",
        origin="custom",
        options=_CLASSES | {"task_class"},
        tasks="engine.tasks.custom:CustomTasks",
        offers=frozenset({CLASSES}),
    ),
)

DATA_SETS = {entry.name: entry for entry in _ENTRIES}

IMPORTED = DataSet(
    name="",
    kind="classification",
    inputs="picture",
    origin="imported",
    options=_PICTURES,
    offers=frozenset({CLASSES, KNOWN_CLASSES}),
)
"""Pictures that a user imported; what they are called is not known here."""


def data_set(name: str) -> DataSet:
    """Return the entry of the data set called `name`: imported pictures where no other is."""
    return DATA_SETS.get(name, IMPORTED)
