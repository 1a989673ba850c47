"""Layers: one convolution of every workload, implemented in several ways: forward, backward, double backward.

- `grouped`: vmap of conv2d, which is what the product does now (cuDNN's grouped convolution, autograd for the rest)
- `patches`: nine slices gathered in one copy, then bmm (`byhand.Plain`)
- `triton`: implicit products without patches (`byhand.Fused`)
- `unfold`: F.unfold and bmm, forward only (CUDA launches one kernel per picture: shown as a warning)

Double backward goes from directions of input and weight to all that a Hessian-vector product needs of the layer.
"""

import byhand
import torch
from common import set_deterministic
from measure import (
    DEVICE,
    DRY,
    GPU,
    Results,
    capture,
    chosen,
    kernels_of,
    milliseconds,
    relative_error,
    set_tf32,
)
from torch.func import vmap
from torch.nn import functional

LAYERS = {  # tasks, pictures, channels in and out, side, stride
    "W1q1.1": (32, 5, 1, 64, 28, 2),
    "W1q1.2": (32, 5, 64, 64, 14, 2),
    "W1q1.3": (32, 5, 64, 64, 7, 2),
    "W1q15.1": (32, 75, 1, 64, 28, 2),
    "W1q15.2": (32, 75, 64, 64, 14, 2),
    "W1q15.3": (32, 75, 64, 64, 7, 2),
    "W2.s1": (4, 5, 3, 32, 84, 1),
    "W2.s2": (4, 5, 32, 32, 42, 1),
    "W2.q1": (4, 75, 3, 32, 84, 1),
    "W2.q2": (4, 75, 32, 32, 42, 1),
    "W2.q3": (4, 75, 32, 32, 21, 1),
}
if DRY:
    LAYERS = {"W1q1.1": (2, 2, 1, 5, 6, 2), "W1q1.2": (2, 2, 5, 5, 5, 2), "W2.s2": (2, 2, 4, 4, 4, 1)}

PARTS = ("forward", "backward", "double")


def problem(tasks, n, c, o, side, stride, dtype):
    """Return input, weight, output gradient and a direction of each; channels outermost."""
    draw = torch.Generator().manual_seed(tasks + n + c + side)
    out = (side - 1) // stride + 1
    shapes = {"x": (tasks, c, n, side, side), "w": (tasks, o, c, 3, 3), "g": (tasks, o, n, out, out)}
    shapes |= {f"{name}_dot": shape for name, shape in shapes.items()}
    return {k: torch.randn(s, generator=draw).to(DEVICE, dtype) for k, s in shapes.items()}


def grouped(p, stride):
    """Build the product's way, in its own layout `[tasks, pictures, channels, height, width]`."""
    q = {k: v if k.startswith("w") else v.transpose(1, 2).contiguous() for k, v in p.items()}
    conv = vmap(lambda x, w: functional.conv2d(x, w, stride=stride, padding=1))

    def one_backward(g, x, w):
        geometry = (None, [stride, stride], [1, 1], [1, 1], False, [0, 0], 1, [True, True, False])
        return torch.ops.aten.convolution_backward(g, x, w, *geometry)[:2]

    def backward():
        return vmap(one_backward)(q["g"], q["x"], q["w"])

    def double():  # autograd's own formula, which the product's way goes through
        x, w, g = (q[k].detach().requires_grad_() for k in ("x", "w", "g"))
        with torch.enable_grad():
            x4, w4 = x.transpose(0, 1).flatten(1, 2), w.flatten(0, 1)
            g4 = g.transpose(0, 1).flatten(1, 2)
            y = functional.conv2d(x4, w4, stride=stride, padding=1, groups=len(x))
            gx, gw = torch.autograd.grad(y, (x4, w4), g4, create_graph=True)
            directions = (q["x_dot"].transpose(0, 1).flatten(1, 2), q["w_dot"].flatten(0, 1))
            return torch.autograd.grad((gx, gw), (x4, w4, g4), directions)

    def channels_outermost(v):
        return v.unflatten(1, (len(q["x"]), -1)).permute(1, 2, 0, 3, 4)

    def values():
        x2, w2, g2 = double()
        gx, gw = backward()
        first = [conv(q["x"], q["w"]).transpose(1, 2), gx.transpose(1, 2), gw]
        return [*first, channels_outermost(x2), w2.view_as(q["w"]), channels_outermost(g2)]

    return {"forward": lambda: conv(q["x"], q["w"]), "backward": backward, "double": double}, values


def with_ops(ops):
    """Return a builder of the way that the prototype's operators go."""

    def build(p, stride):
        side = p["x"].shape[3]

        def forward():
            return ops.conv(p["x"], p["w"], stride, patches=ops.patches(p["x"], stride))

        def backward():  # patches kept from the forward pass would save this copy
            patches = ops.patches(p["x"], stride)
            gx = ops.conv_input(p["g"], p["w"], stride, side)
            return gx, ops.conv_weight(p["g"], p["x"], stride, patches=patches)

        def double():
            patches, patches_dot = ops.patches(p["x"], stride), ops.patches(p["x_dot"], stride)
            g = ops.conv(p["x"], p["w_dot"], stride, patches=patches)
            g = ops.conv(p["x_dot"], p["w"], stride, add=g, patches=patches_dot)
            x = ops.conv_input(p["g"], p["w_dot"], stride, side)
            return x, ops.conv_weight(p["g"], p["x_dot"], stride, patches=patches_dot), g

        parts = {"forward": forward, "backward": backward, "double": double}
        return parts, lambda: [forward(), *backward(), *double()]

    return build


def unfold(p, stride):
    """Build the way through F.unfold."""
    x, w, side = p["x"].transpose(1, 2).contiguous(), p["w"], p["g"].shape[3]

    def forward():
        patches = functional.unfold(x.flatten(0, 1), 3, padding=1, stride=stride)
        return w.flatten(2)[:, None] @ patches.view(*x.shape[:2], *patches.shape[1:])

    return {"forward": forward}, lambda: [forward().transpose(1, 2).unflatten(3, (side, side))]


def measure(build, parts, shape, exact):
    """Return errors against `exact` (float64) and times of one way, float32."""
    runs, values = build(problem(*shape, torch.float32), shape[-1])
    row = {"error": [relative_error(found, right) for found, right in zip(values(), exact, strict=False)]}
    for part in parts:
        call = capture(runs[part])
        row[part] = milliseconds(call, budget=0.08, rounds=5)["ms"]
        if GPU and part == "double":
            row["kernels"] = kernels_of(call, top=6)
    del runs, values
    if GPU:
        torch.cuda.empty_cache()
    return row


def ways(layer):
    """Return the ways of a layer by name: whether libraries may use TF32, builder, parts."""
    plain = with_ops(byhand.Plain())
    found = {
        "grouped fp32": (False, grouped, PARTS),
        "grouped tf32": (True, grouped, PARTS),
        "patches fp32": (False, plain, PARTS),
        "patches tf32": (True, plain, PARTS),
    }
    for precision in ("ieee", "tf32", "tf32x3") if byhand.HAS_TRITON else ():
        found[f"triton {precision}"] = (False, with_ops(byhand.Fused(precision)), PARTS)
    if layer == "W1q1.2":
        found["unfold fp32"] = (False, unfold, ("forward",))
        found["grouped fp32, not deterministic"] = (False, grouped, PARTS)
    return found


def main():
    results, names = Results("layers"), chosen(LAYERS)
    if not byhand.HAS_TRITON:
        results.add(way="triton", skipped="triton is not installed")
    for layer in names:
        shape = LAYERS[layer]
        wide = problem(*shape, torch.float64)
        exact = [value.cpu() for value in with_ops(byhand.Plain())(wide, shape[-1])[1]()]
        others = grouped(wide, shape[-1])[1]()
        gap = max(map(relative_error, others, exact))  # two computations in float64 that share nothing
        results.add(layer=layer, gap=gap, wrong=not gap < 1e-10)
        del wide, others
        for name, (tf32, build, parts) in ways(layer).items():
            set_tf32(tf32)
            set_deterministic("not deterministic" not in name)
            results.attempt(measure, build, parts, shape, exact, layer=layer, way=name)


if __name__ == "__main__":
    main()
