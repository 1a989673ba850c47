"""Prototype: the meta-gradient of Conv4 with every derivative written out, all tasks in one operation, for a GPU.

The mathematics is that of `engine.acceleration.by_hand` and `conv_layers`, with a dimension for tasks and channels
outermost (see kernels.py). The operators can be exchanged: plain PyTorch (any dtype) or fused Triton kernels (float32).
Without Triton only `Plain` can be used.
"""

from __future__ import annotations

import torch
from common import EPSILON, Recipe
from torch.nn import functional

try:
    import kernels
except ImportError:
    kernels = None

HAS_TRITON = kernels is not None


def is_made_for(algorithm) -> bool:
    """Return whether the prototype implements an algorithm on its network."""
    return Recipe.of(algorithm) is not None


def rows(values):
    """Return `[tasks, channels, ...]` with everything behind the channels in one dimension."""
    return values.flatten(2)


def channel(values):
    """Return `[tasks, channels]` ready for broadcasting over examples and pixels."""
    return values[..., None, None, None]


class Plain:
    """Nine slices gathered in one copy, then one product per task: `torch.bmm`.

    Shapes everywhere: activations `[tasks, channels, examples, height, width]`, weights `[tasks, out, in, 3, 3]`.
    """

    def patches(self, x, stride):
        """Return `[tasks, 9 channels, examples*pixels]`: the inputs of each output of the convolution."""
        p = functional.pad(x, (1, 1, 1, 1))
        t, c, n, h, w = p.shape
        ho, wo = (h - 3) // stride + 1, (w - 3) // stride + 1
        st, sc, sn, sh, sw = p.stride()
        view = p.as_strided((t, c, 3, 3, n, ho, wo), (st, sc, sh, sw, sn, sh * stride, sw * stride))
        return view.reshape(t, c * 9, n * ho * wo)

    def conv(self, x, w, stride, add=None, patches=None):
        """Return the convolution, added to `add` in place if given."""
        t, _, n, h, _ = x.shape
        side = (h - 1) // stride + 1
        patches = self.patches(x, stride) if patches is None else patches
        flat = w.flatten(2)
        y = torch.bmm(flat, patches) if add is None else rows(add).baddbmm_(flat, patches)
        return y.view(t, w.shape[1], n, side, side)

    def conv_input(self, g, w, stride, side, add=None):
        """Return the gradient of the convolution's input, `side` pixels high and wide."""
        t, _, n, h, _ = g.shape
        c = w.shape[2]
        p = torch.bmm(w.flatten(2).mT, rows(g)).view(t, c, 9, n, h, h)
        # `fold` adds the patches up again; it expects the pictures outermost.
        p = p.permute(0, 1, 3, 2, 4, 5).reshape(t * c * n, 9, h * h)
        found = functional.fold(p, (side, side), 3, padding=1, stride=stride).view(t, c, n, side, side)
        return found if add is None else add.add_(found)

    def conv_weight(self, g, x, stride, add=None, patches=None):
        """Return the gradient of the convolution's weight."""
        patches = self.patches(x, stride) if patches is None else patches
        if add is None:
            return torch.bmm(rows(g), patches.mT).view(*g.shape[:2], x.shape[1], 3, 3)
        add.flatten(2).baddbmm_(rows(g), patches.mT)
        return add

    def norm(self, y, shift, relu):
        """Return h = (y - mean y) r, r = (var y + epsilon)^-1/2, and ReLU(h + shift) or, if not `relu`, h."""
        variance, mean = torch.var_mean(rows(y), dim=2, correction=0)
        r = (variance + EPSILON).rsqrt()
        h = (y - channel(mean)) * channel(r)
        return h, r, (h + channel(shift)).relu_() if relu else h

    def project(self, v, h, r, where=None):
        """Return P(u) = r (u - mean u - h mean(u h)), u, sum u and mean(u h); u is v where `where` is positive."""
        u = v if where is None else torch.where(where > 0, v, 0)
        sum_u, mean_uh = rows(u).sum(2), (rows(u) * rows(h)).mean(2)
        p = channel(r) * (u - channel(sum_u / rows(u).shape[2]) - h * channel(mean_uh))
        return p, u, sum_u, mean_uh


class Fused(Plain):
    """Implicit products and batch norm by rows, one Triton kernel each; float32.

    Args:
        precision: Of the products: ieee, tf32 or tf32x3.
    """

    def __init__(self, precision="ieee"):
        self.precision = precision

    def patches(self, x, stride):
        """Return None: the kernels compute patches on the fly."""
        return

    def conv(self, x, w, stride, add=None, patches=None):
        """See `Plain.conv`."""
        return kernels.conv(x, w, stride, self.precision, add)

    def conv_input(self, g, w, stride, side, add=None):
        """See `Plain.conv_input`."""
        return kernels.conv_input(g, w, stride, side, self.precision, add)

    def conv_weight(self, g, x, stride, add=None, patches=None):
        """See `Plain.conv_weight`."""
        return kernels.conv_weight(g, x, stride, self.precision, add)

    def norm(self, y, shift, relu):
        """See `Plain.norm`."""
        return kernels.norm(y, shift, EPSILON, relu)

    def project(self, v, h, r, where=None):
        """See `Plain.project`."""
        return kernels.project(v, h, r, where)


class Mixed(Fused):
    """Batch norm in fused kernels, convolutions as products of cuBLAS."""

    patches, conv, conv_input, conv_weight = Plain.patches, Plain.conv, Plain.conv_input, Plain.conv_weight


class Block:
    """Convolution, batch norm, ReLU and 2x2 max-pooling, at one value of weight and input."""

    def __init__(self, ops, x, w, shift, stride, pool, bottom):
        self.ops, self.x, self.w, self.stride, self.pool, self.bottom = ops, x, w, stride, pool, bottom
        self.patches = ops.patches(x, stride)
        y = ops.conv(x, w, stride, patches=self.patches)
        self.h, self.r, self.out = ops.norm(y, shift, relu=not pool)
        if pool:
            pooled, self.largest = functional.max_pool2d(self.h.flatten(1, 2), 2, return_indices=True)
            self.out = (pooled.view(*self.h.shape[:3], *pooled.shape[2:]) + channel(shift)).relu_()

    def unpool(self, g):
        """Put `g` where pooling found it, and zeros elsewhere."""
        if not self.pool:
            return g
        size = self.h.flatten(1, 2)
        found = torch.ops.aten.max_pool2d_with_indices_backward(
            g.flatten(1, 2), size, [2, 2], [2, 2], [0, 0], [1, 1], False, self.largest
        )
        return found.view_as(self.h)

    def pooled_like(self, v):
        """Take from `v` what pooling took from h."""
        if not self.pool:
            return v
        return v.flatten(1, 2).flatten(2).gather(2, self.largest.flatten(2)).view_as(self.out)

    def masked(self, g):
        """Return the gradient before pooling and ReLU, and where it is to be masked if that is still to be done."""
        if self.pool:
            return self.unpool(torch.ops.aten.threshold_backward(g, self.out, 0)), None
        return g, self.out

    def backward(self, g):
        """Return the gradients of input (None at the bottom), weight and shift."""
        g, where = self.masked(g)
        self.y_bar, self.u, shift, self.mean_uh = self.ops.project(g, self.h, self.r, where)
        weight = self.ops.conv_weight(self.y_bar, self.x, self.stride, patches=self.patches)
        x = None if self.bottom else self.ops.conv_input(self.y_bar, self.w, self.stride, self.x.shape[3])
        return x, weight, shift

    def tangent(self, w_dot, x_dot):
        """Return the change of the output as weight and input move."""
        self.w_dot, self.x_dot = w_dot, x_dot
        y_dot = self.ops.conv(self.x, w_dot, self.stride, patches=self.patches)
        if not self.bottom:
            self.patches_dot = self.ops.patches(x_dot, self.stride)
            y_dot = self.ops.conv(x_dot, self.w, self.stride, add=y_dot, patches=self.patches_dot)
        self.h_dot, _, _, mean_yh = self.ops.project(y_dot, self.h, self.r)
        self.log_r_dot = -self.r * mean_yh
        return torch.ops.aten.threshold_backward(self.pooled_like(self.h_dot), self.out, 0)

    def backward_tangent(self, g_dot):
        """Return the changes of what `backward` returned: the product rule on P."""
        g_dot, where = self.masked(g_dot)
        p, _, shift, _ = self.ops.project(g_dot, self.h, self.r, where)
        mean_u_hdot = (rows(self.u) * rows(self.h_dot)).mean(2)
        y_bar_dot = p.addcmul_(self.y_bar, channel(self.log_r_dot))
        y_bar_dot.addcmul_(self.h_dot, channel(-self.r * self.mean_uh))
        y_bar_dot.addcmul_(self.h, channel(-self.r * mean_u_hdot))
        ops, side = self.ops, self.x.shape[3]
        weight = ops.conv_weight(y_bar_dot, self.x, self.stride, patches=self.patches)
        if self.bottom:
            return None, weight, shift
        weight = ops.conv_weight(self.y_bar, self.x_dot, self.stride, add=weight, patches=self.patches_dot)
        x = ops.conv_input(y_bar_dot, self.w, self.stride, side)
        return ops.conv_input(self.y_bar, self.w_dot, self.stride, side, add=x), weight, shift


class Trace:
    """The loss of all tasks at their parameters: its gradient, and Hessian-vector products."""

    def __init__(self, net, params, x, y, divisor):
        self.net, self.params, self.divisor = net, params, divisor
        self.blocks = []
        for k in range(4):
            weight, shift = params[f"blocks.{k}.convolution.weight"], params[f"blocks.{k}.norm.shift"]
            block = Block(net.ops, x, weight, shift, net.stride, net.recipe.pool, k == 0)
            self.blocks.append(block)
            x = block.out
        self.shape = x.shape
        self.features = net.flat(x)
        self.weight = params["head.weight"]
        self.outputs = torch.baddbmm(params["head.bias"].unsqueeze(1), self.features, self.weight.mT)
        self.p = self.outputs.softmax(-1)
        self.g = (self.p - functional.one_hot(y, self.p.shape[-1]).to(self.p.dtype)) / divisor
        self.gradient = {}
        g = self._through_head(self.g, self.gradient)
        for k in reversed(range(4)):
            g = self._store(k, self.blocks[k].backward(g), self.gradient)

    def _through_head(self, g, into):
        into["head.weight"], into["head.bias"] = g.mT @ self.features, g.sum(1)
        return self.net.unflat(g @ self.weight, self.shape)

    @staticmethod
    def _store(k, found, into):
        g, into[f"blocks.{k}.convolution.weight"], into[f"blocks.{k}.norm.shift"] = found
        return g

    def hessian_product(self, v):
        """Return H v by name, for a direction `v` by name; shifts are not adapted, so nothing moves along theirs."""
        x_dot = None
        for k, block in enumerate(self.blocks):
            x_dot = block.tangent(v[f"blocks.{k}.convolution.weight"], x_dot)
        return self._product(v, x_dot)

    def _product(self, v, x_dot):
        features_dot = self.net.flat(x_dot)
        w_dot = v["head.weight"]
        out_dot = torch.baddbmm(v["head.bias"].unsqueeze(1), self.features, w_dot.mT)
        out_dot.baddbmm_(features_dot, self.weight.mT)
        p_dot = self.p * out_dot
        g_dot = (p_dot - self.p * p_dot.sum(-1, keepdim=True)) / self.divisor
        weight = torch.baddbmm(g_dot.mT @ self.features, self.g.mT, features_dot)
        product = {"head.weight": weight, "head.bias": g_dot.sum(1)}
        g_dot = self.net.unflat((g_dot @ self.weight).baddbmm_(self.g, w_dot), self.shape)
        for k in reversed(range(4)):
            g_dot = self._store(k, self.blocks[k].backward_tangent(g_dot), product)
        return product


class BatchedByHand:
    """An implementation of the meta-gradient that can take the place of the product's in a step.

    Args:
        algorithm: MAML or first-order MAML on Conv4.
        ops: `Plain`, `Mixed` or `Fused`.

    Raises:
        TypeError: It is another algorithm or network.
    """

    def __init__(self, algorithm, ops):
        self.recipe, self.ops = Recipe.of(algorithm), ops
        if self.recipe is None:
            raise TypeError("the prototype does not implement this algorithm or network")
        self.stride = 1 if self.recipe.pool else 2

    def flat(self, x):
        """Return `[tasks, examples, features]` of `[tasks, channels, examples, height, width]`."""
        return x.transpose(1, 2).flatten(2) if self.recipe.pool else x.mean((3, 4)).mT

    def unflat(self, g, shape):
        """Return the gradient of `flat`'s input, of a given shape, from that of its output."""
        t, c, n, h, w = shape
        if self.recipe.pool:
            return g.view(t, n, c, h, w).transpose(1, 2).contiguous()
        return (g.mT / (h * w))[..., None, None].expand(shape).contiguous()

    @torch.no_grad()
    def meta_gradient(self, theta, episodes):
        """Return the meta-gradient by name and the query metrics."""
        recipe, tasks = self.recipe, len(episodes.support_x)
        support_x, query_x = (x.transpose(1, 2).contiguous() for x in (episodes.support_x, episodes.query_x))
        support_divisor, query_divisor = (
            recipe.divisor or y.shape[1] for y in (episodes.support_y, episodes.query_y)
        )
        params = {name: value.expand(tasks, *value.shape) for name, value in theta.items()}
        traces = []
        for _ in range(recipe.inner_steps):
            trace = Trace(self, params, support_x, episodes.support_y, support_divisor)
            params = {
                n: torch.sub(v, trace.gradient[n], alpha=recipe.inner_lr) if n in recipe.adapted else v
                for n, v in params.items()
            }
            traces.append(trace)
        query = Trace(self, params, query_x, episodes.query_y, query_divisor)
        g = query.gradient
        for trace in reversed(traces if recipe.second_order else []):
            product = trace.hessian_product(g)
            g = {n: torch.sub(v, product[n], alpha=recipe.inner_lr) for n, v in g.items()}
        metrics = recipe.metrics(query.outputs.flatten(0, 1), episodes.query_y.flatten())
        return {n: g[n].mean(0) for n in theta}, metrics
