"""Small problems in float64, every derivative of which is away from zero."""

from __future__ import annotations

import pytest
import torch

from engine.algorithms.learner import Learner
from engine.models.build import adapted_names
from engine.models.conv4 import Conv4Pool, Conv4Stride
from engine.models.mlp import MLP
from engine.tasks.episode import Episodes

NETWORKS = {
    "mlp": (lambda: MLP(1, (7, 5), 1), (1,), None),
    "conv4-stride": (lambda: Conv4Stride(1, 4, 3), (1, 20, 20), None),
    "conv4-stride, paper": (lambda: Conv4Stride(2, 3, 3), (2, 21, 21), 2),
    "conv4-pool": (lambda: Conv4Pool(3, 19, 4, 3), (3, 19, 19), 2),
}


@pytest.fixture(params=NETWORKS)
def problem(request):
    """Return a learner, its parameters and five tasks of six support and nine query examples."""
    build, shape, divisor = NETWORKS[request.param]
    generator = torch.Generator().manual_seed(0)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(*size, generator=generator, dtype=torch.float64)

    model = build().double()
    theta = {name: value.detach() + 0.3 * normal(*value.shape) for name, value in model.named_parameters()}
    regression = request.param == "mlp"
    parts = []
    for examples in (6, 9):
        labels = torch.arange(3).repeat(examples // 3).expand(5, -1)
        parts += [normal(5, examples, *shape), normal(5, examples, 1) if regression else labels]
    return Learner(model, adapted_names(model), regression, divisor), theta, Episodes(*parts)
