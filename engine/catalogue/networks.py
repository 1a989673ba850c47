"""The networks, in the order in which they are offered."""

from __future__ import annotations

from engine.catalogue.entries import CLASS_HEAD, LAST_LAYER, Network

_ENTRIES = (
    Network(
        name="mlp",
        help="for regression",
        implementation="engine.models.mlp:MLP",
        inputs="vector",
        options=frozenset({"hidden"}),
        offers=frozenset({LAST_LAYER}),
    ),
    Network(
        name="conv4-stride",
        help="for pictures (strided, mean over space)",
        implementation="engine.models.conv4:Conv4Stride",
        inputs="picture",
        options=frozenset({"filters"}),
        offers=frozenset({CLASS_HEAD, LAST_LAYER}),
    ),
    Network(
        name="conv4-pool",
        help="for pictures (max-pooled)",
        implementation="engine.models.conv4:Conv4Pool",
        inputs="picture",
        options=frozenset({"filters"}),
        offers=frozenset({CLASS_HEAD, LAST_LAYER}),
    ),
    Network(
        name="custom",
        help="for a class of your own",
        implementation="",
        inputs="any",
        options=frozenset({"model_class"}),
        offers=frozenset({LAST_LAYER}),
    ),
)

NETWORKS = {entry.name: entry for entry in _ENTRIES}
