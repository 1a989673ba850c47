"""What an entry says of an algorithm, a network or a data set.

Choices, conditions, defaults, help texts, forms, checks and documentation are derived from the entries. An entry names
its implementation as `package.module:Class`, which is imported only where it is used.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["regression", "classification"]
Inputs = Literal["vector", "picture", "any"]

CLASS_HEAD = "a linear head for the classes"
LAST_LAYER = "a last layer"
KNOWN_CLASSES = "known training classes"
TASK_PARAMETERS = "task parameters to show"
CLASSES = "classes to tell apart"


@dataclass(frozen=True)
class Algorithm:
    """How theta learns.

    Attributes:
        help: A clause for the option's help, after the name.
        implementation: Subclass of `engine.algorithms.algorithm.Algorithm`.
        options: The options that it reads, of those that only some algorithms do.
        needs: What data and network must offer.
        needs_for_classes: What they must offer besides where the tasks are classification.
        is_fine_tuned: Whether adaptation takes the step size that is best on validation tasks, and not `inner_lr`.
        fixed_steps: Steps of adaptation in training where `inner_steps` does not say.
        paper: Where it was published; empty for simple baselines.
        deviations: Every known difference from the paper that no preset states, a sentence each.
    """

    name: str
    title: str
    help: str
    implementation: str
    options: frozenset[str]
    needs: frozenset[str] = frozenset()
    needs_for_classes: frozenset[str] = frozenset()
    is_fine_tuned: bool = False
    fixed_steps: int = 0
    paper: str = ""
    deviations: tuple[str, ...] = ()

    @property
    def learns(self) -> bool:
        """Whether training changes the parameters."""
        return "meta_lr" in self.options


@dataclass(frozen=True)
class Network:
    """A network f_theta.

    Attributes:
        implementation: The `nn.Module`, which has a class method `from_config`; empty for a user's own.
        options: The options that only some networks read.
        offers: What algorithms may need of it.
    """

    name: str
    help: str
    implementation: str
    inputs: Inputs
    options: frozenset[str]
    offers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class DataSet:
    """A task distribution, or the pictures behind one.

    Attributes:
        name: Its key in configurations; empty for pictures that users import under names of their own.
        help: A clause for the option's help; empty where the name says it.
        origin: `generated` by rule, `published` (imported from a copy or downloaded), `imported` (a user's own
            pictures) or `custom` (tasks made by a user's own class).
        options: The options of `[task]` and elsewhere that only some data sets read.
        offers: What algorithms may need of it.
        about: A line for the list of data sets; empty for what has no pictures.
        module: Where its pictures come from: a module with `FORM` and, where it is published, `import_copy` and
            `deviations`, or, where it is generated, `make`.
        tasks: The source of its tasks, with a class method `from_config`; empty for N-way tasks over pictures.
        splits: The committed class splits; the first is the default.
        install: How to get it, a clause.
        is_downloadable: Whether `maml data get` knows it.
        preset: The preset that trains on it by default.
        input_shape: Shape of one input, where it is always the same.
    """

    name: str
    kind: Kind
    inputs: Inputs
    origin: Literal["generated", "published", "imported", "custom"]
    options: frozenset[str]
    offers: frozenset[str] = frozenset()
    help: str = ""
    about: str = ""
    module: str = ""
    tasks: str = ""
    splits: tuple[str, ...] = ()
    install: str = ""
    is_downloadable: bool = False
    preset: str = ""
    input_shape: tuple[int, ...] = ()


def load(reference: str) -> Any:  # noqa: ANN401 - the caller knows what it names
    """Import what an entry names: `package.module:name`, or a module."""
    module, _, name = reference.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found
