"""The meta-gradient as other programs compute it: task after task, with a graph of all that happens.

They run the same network, with PyTorch's own batch normalisation in the place of ours: it is right where nothing is
batched over tasks, and faster.
"""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.func import functional_call
from torch.nn import functional

from engine.errors import ResourceError
from engine.models.conv4 import BatchNorm
from engine.services.messages import PEERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from engine.algorithms.adapt import Params
    from engine.algorithms.maml import MAML
    from engine.tasks.episode import Episodes

    Examples = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Peer:
    """A way to adapt to one task, and a loop over tasks around it.

    Attributes:
        model: Its network, with PyTorch's own batch normalisation.
        query_loss: From theta, as leaves of the graph, and one task's support and query set to the loss of the
            latter after adaptation to the former.
    """

    algorithm: MAML
    model: nn.Module
    query_loss: Callable[[Peer, Params, Examples, Examples], Tensor]

    def meta_gradient(self, theta: Params, episodes: Episodes) -> Params:
        """Return the gradient of the mean over tasks with respect to theta."""
        leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
        for support_x, support_y, query_x, query_y in zip(*episodes.tensors(), strict=True):
            loss = self.query_loss(self, leaves, (support_x, support_y), (query_x, query_y))
            (loss / len(episodes.support_x)).backward()  # type: ignore[no-untyped-call]
        return {name: cast("Tensor", value.grad) for name, value in leaves.items()}

    def loss(self, outputs: Tensor, examples: Examples) -> Tensor:
        """Return the loss of a network's outputs for some examples."""
        learner = self.algorithm.learner
        return learner.reduce(learner.example_losses(outputs, examples[1]))

    def slopes(self, params: Params, examples: Examples) -> Params:
        """Return the loss's gradient with respect to the parameters that are adapted."""
        names = [name for name in params if name in self.algorithm.learner.adapted]
        loss = self.loss(self.outputs(params, examples), examples)
        wanted = [params[name] for name in names]
        found = torch.autograd.grad(loss, wanted, create_graph=self.algorithm.order == 2)
        return dict(zip(names, found, strict=True))

    def outputs(self, params: Params, examples: Examples) -> Tensor:
        """Return the network's outputs for some examples."""
        return cast("Tensor", functional_call(self.model, params, (examples[0],)))


def build_peer(name: str, algorithm: MAML) -> Peer:
    """Return a peer by its name.

    Raises:
        ResourceError: It is not installed.
    """
    model = copy.deepcopy(algorithm.learner.model)
    for module in model.modules():
        if isinstance(module, BatchNorm):
            module.__class__ = _FusedBatchNorm
    return Peer(algorithm, model, dict(zip(PEERS, (_plain, _higher, _torchopt), strict=True))[name])


class _FusedBatchNorm(BatchNorm):
    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, None, self.shift, training=True, eps=self.epsilon)


def _plain(peer: Peer, theta: Params, support: Examples, query: Examples) -> Tensor:
    params = theta
    for _ in range(peer.algorithm.inner_steps):
        slopes = peer.slopes(params, support)
        stepped = {name: params[name] - peer.algorithm.inner_lr * slope for name, slope in slopes.items()}
        params = {**params, **stepped}
    return peer.loss(peer.outputs(params, query), query)


def _torchopt(peer: Peer, theta: Params, support: Examples, query: Examples) -> Tensor:
    torchopt = _installed("torchopt")
    sgd, params = torchopt.sgd(peer.algorithm.inner_lr), theta
    state = sgd.init({name: theta[name] for name in theta if name in peer.algorithm.learner.adapted})
    for _ in range(peer.algorithm.inner_steps):
        updates, state = sgd.update(peer.slopes(params, support), state, inplace=False)
        before = {name: params[name] for name in updates}
        params = {**params, **torchopt.apply_updates(before, updates, inplace=False)}
    return peer.loss(peer.outputs(params, query), query)


def _higher(peer: Peer, theta: Params, support: Examples, query: Examples) -> Tensor:
    higher, second_order = _installed("higher"), peer.algorithm.order == 2
    network = higher.monkeypatch(peer.model, copy_initial_weights=False)
    network.update_params(list(theta.values()))
    adapted = [v for name, v in peer.model.named_parameters() if name in peer.algorithm.learner.adapted]
    sgd = torch.optim.SGD(adapted, lr=peer.algorithm.inner_lr)
    optimizer = higher.get_diff_optim(
        sgd, peer.model.parameters(), fmodel=network, track_higher_grads=second_order
    )
    for _ in range(peer.algorithm.inner_steps):
        optimizer.step(peer.loss(network(support[0]), support))
    loss = peer.loss(network(query[0]), query)
    if second_order:
        return loss
    # Its first-order steps cut the graph: the gradient found behind them is carried over to theta.
    slopes = torch.autograd.grad(loss, list(network.parameters()))
    return sum(
        ((value * slope).sum() for value, slope in zip(theta.values(), slopes, strict=True)), loss.detach()
    )


def _installed(name: str) -> Any:  # noqa: ANN401 - a module without types
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ResourceError(f"{name} is not installed: pip install maml-tui[peers]") from error
