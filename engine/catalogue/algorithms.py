"""The algorithms, in the order in which they are offered."""

from __future__ import annotations

from engine.catalogue.entries import (
    CLASS_HEAD,
    CLASSES,
    KNOWN_CLASSES,
    LAST_LAYER,
    TASK_PARAMETERS,
    Algorithm,
)

_TRAINING = frozenset(
    {"iterations", "meta_lr", "grad_clip", "eval_every", "checkpoint_every", "patience", "keep_best"}
)
_INNER_LOOP = frozenset({"inner_lr", "inner_steps", "checkpoint_inner"})
_FINN = "Finn, Abbeel, Levine: Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks, ICML 2017"

_ENTRIES = (
    Algorithm(
        name="maml",
        title="MAML",
        help="differentiates through the inner steps (second order)",
        implementation="engine.algorithms.maml:MAML",
        options=_TRAINING | _INNER_LOOP,
        paper=_FINN,
    ),
    Algorithm(
        name="fomaml",
        title="First-order MAML",
        help="is maml without second derivatives (first order)",
        implementation="engine.algorithms.maml:FOMAML",
        options=_TRAINING | _INNER_LOOP,
        paper=f"{_FINN}, section 5.2",
    ),
    Algorithm(
        name="anil",
        title="ANIL",
        help="is maml whose inner steps change the last layer only",
        implementation="engine.algorithms.anil:ANIL",
        options=_TRAINING | _INNER_LOOP,
        needs=frozenset({LAST_LAYER}),
        paper="Raghu, Raghu, Bengio, Vinyals: Rapid Learning or Feature Reuse?, ICLR 2020",
    ),
    Algorithm(
        name="reptile",
        title="Reptile",
        help="moves towards the parameters adapted to each task",
        implementation="engine.algorithms.reptile:Reptile",
        options=_TRAINING | {"inner_lr", "inner_steps"},
        paper="Nichol, Achiam, Schulman: On First-Order Meta-Learning Algorithms, 2018 (arXiv 1803.02999)",
        deviations=(
            "Adam takes the outer step; the paper moves by a step size that decays to 0.",
            "Inner steps are gradient descent; the paper takes Adam with beta1 = 0.",
        ),
    ),
    Algorithm(
        name="pretrained",
        title="Pretrained",
        help="learns all training tasks at once and is fine-tuned",
        implementation="engine.algorithms.pretrained:Pretrained",
        options=_TRAINING,
        needs_for_classes=frozenset({KNOWN_CLASSES, CLASS_HEAD}),
        is_fine_tuned=True,
        paper=f"{_FINN}, section 5.1",
        deviations=(
            "A meta-update sees support and query sets; the authors' code shows it half as many examples.",
        ),
    ),
    Algorithm(
        name="scratch",
        title="From scratch",
        help="is fine-tuned from its random initialisation",
        implementation="engine.algorithms.pretrained:Scratch",
        options=frozenset(),
        is_fine_tuned=True,
    ),
    Algorithm(
        name="oracle",
        title="Oracle",
        help="is pretrained and shown amplitude and phase",
        implementation="engine.algorithms.pretrained:Pretrained",
        options=_TRAINING,
        needs=frozenset({TASK_PARAMETERS}),
        is_fine_tuned=True,
        paper=f"{_FINN}, section 5.1",
    ),
    Algorithm(
        name="prototypical",
        title="Prototypical network",
        help="compares pictures with the mean of each class",
        implementation="engine.algorithms.prototypical:Prototypical",
        options=_TRAINING,
        needs=frozenset({CLASSES, CLASS_HEAD}),
        fixed_steps=1,
        paper="Snell, Swersky, Zemel: Prototypical Networks for Few-shot Learning, NeurIPS 2017",
    ),
)

ALGORITHMS = {entry.name: entry for entry in _ENTRIES}
