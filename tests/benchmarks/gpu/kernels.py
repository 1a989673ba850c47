"""Triton kernels of the prototype: convolution as an implicit matrix product, and batch norm by rows.

Layout everywhere: `[tasks, channels, examples, height, width]`, contiguous ("channels outermost"): a channel of a task
is one row, over which batch norm reduces; a convolution is [out, 9 in] x [9 in, examples*pixels] for each task. Weights
are `[tasks, out, in, 3, 3]`; tasks that share one have stride 0 there. Padding 1, kernel 3, stride 1 or 2.

In a dry run Triton, if it is installed, interprets the kernels on the CPU, slowly.
"""

import os
import sys

import torch

if "--dry" in sys.argv:
    os.environ.setdefault("TRITON_INTERPRET", "1")  # read when triton is imported

import triton
import triton.language as tl


def _grid_columns(n, block):
    return (n + block - 1) // block


# Every size is an ordinary argument: specialised by divisibility, each layer would be compiled again, one second each.
_jit = triton.jit(
    do_not_specialize=["F", "C", "N", "H", "W", "HO", "WO", "wt", "wo", "wc", "wk", "splits", "M"]
)


@_jit
def _conv_kernel(
    x,
    w,
    y,
    F,
    C,
    N,
    H,
    W,
    HO,
    WO,
    wt,
    wo,
    wc,
    wk,
    S: tl.constexpr,
    FLIP: tl.constexpr,
    ADD: tl.constexpr,
    PRECISION: tl.constexpr,
    BO: tl.constexpr,
    BC: tl.constexpr,
    BL: tl.constexpr,
):
    """y[t,o,n,i,j] (+)= sum over c, k of w[t,o,c,k] x[t,c,n,...]; FLIP is the transposed one (gradient of the input).

    Not FLIP: x is H x W, y is HO x WO = the stride-S convolution. FLIP: x is H x W (a gradient of the output), y is
    HO x WO (of the input): pixel (i, j) reads x[(i+1-ki)/S, (j+1-kj)/S] where that is an integer and inside.
    """
    t = tl.program_id(2).to(tl.int64)
    rows = tl.program_id(1) * BO + tl.arange(0, BO)
    columns = tl.program_id(0) * BL + tl.arange(0, BL)
    L = HO * WO
    n, at = columns // L, columns % L
    i, j = at // WO, at % WO
    inside = columns < N * L
    total = tl.zeros((BO, BL), tl.float32)
    x += t * C * N * H * W
    w += t * wt
    for k in range(9):
        if FLIP:
            a, b = i + 1 - k // 3, j + 1 - k % 3
            valid = inside & (a >= 0) & (b >= 0) & (a % S == 0) & (b % S == 0)
            a, b = a // S, b // S
        else:
            a, b = i * S + k // 3 - 1, j * S + k % 3 - 1
            valid = inside & (a >= 0) & (b >= 0)
        valid = valid & (a < H) & (b < W)
        pixel = (n * H + a) * W + b
        for c0 in range(0, C, BC):
            c = c0 + tl.arange(0, BC)
            values = tl.load(
                x + c[:, None] * (N * H * W) + pixel[None, :],
                mask=(c[:, None] < C) & valid[None, :],
                other=0.0,
            )
            weights = tl.load(
                w + rows[:, None] * wo + c[None, :] * wc + k * wk,
                mask=(rows[:, None] < F) & (c[None, :] < C),
                other=0.0,
            )
            total += tl.dot(weights, values, input_precision=PRECISION)
    place = y + t * F * N * L + rows[:, None] * (N * L) + columns[None, :]
    mask = (rows[:, None] < F) & inside[None, :]
    if ADD:
        total += tl.load(place, mask=mask, other=0.0)
    tl.store(place, total, mask=mask)


@_jit
def _conv_weight_kernel(
    g,
    x,
    gw,
    F,
    C,
    N,
    H,
    W,
    HO,
    WO,
    splits,
    S: tl.constexpr,
    ADD: tl.constexpr,
    PRECISION: tl.constexpr,
    BO: tl.constexpr,
    BC: tl.constexpr,
    BL: tl.constexpr,
):
    """gw[split,t,o,c,k] (+)= sum over this split's n, i, j of g[t,o,n,i,j] x[t,c,n,iS+ki-1,jS+kj-1]."""
    t = tl.program_id(2).to(tl.int64) // splits
    split = tl.program_id(2) % splits
    k = tl.program_id(1)
    co = tl.cdiv(C, BC)
    rows = tl.program_id(0) // co * BO + tl.arange(0, BO)
    c = tl.program_id(0) % co * BC + tl.arange(0, BC)
    L = HO * WO
    g += t * F * N * L
    x += t * C * N * H * W
    total = tl.zeros((BO, BC), tl.float32)
    for start in range(split * BL, N * L, splits * BL):
        columns = start + tl.arange(0, BL)
        n, at = columns // L, columns % L
        a, b = at // WO * S + k // 3 - 1, at % WO * S + k % 3 - 1
        inside = columns < N * L
        valid = inside & (a >= 0) & (b >= 0) & (a < H) & (b < W)
        left = tl.load(
            g + rows[:, None] * (N * L) + columns[None, :],
            mask=(rows[:, None] < F) & inside[None, :],
            other=0.0,
        )
        right = tl.load(
            x + c[None, :] * (N * H * W) + ((n * H + a) * W + b)[:, None],
            mask=(c[None, :] < C) & valid[:, None],
            other=0.0,
        )
        total += tl.dot(left, right, input_precision=PRECISION)
    tasks = tl.num_programs(2) // splits
    place = gw + ((split * tasks + t) * F + rows[:, None]) * C * 9 + c[None, :] * 9 + k
    mask = (rows[:, None] < F) & (c[None, :] < C)
    if ADD:
        total += tl.load(place, mask=mask, other=0.0)
    tl.store(place, total, mask=mask)


def _block(n):
    return max(16, min(64, triton.next_power_of_2(n)))


def _columns_block(n):
    return 128 if n >= 4096 else 64 if n >= 64 else max(16, triton.next_power_of_2(n))


def conv(x, w, stride, precision, add=None):
    """Return the convolution of every task, added to `add` in place if given."""
    t, c, n, h, wide = x.shape
    o, ho, wo = w.shape[1], (h - 1) // stride + 1, (wide - 1) // stride + 1
    y = x.new_empty(t, o, n, ho, wo) if add is None else add
    bl, bo = _columns_block(n * ho * wo), _block(o)
    ws = w.flatten(3).stride()
    _conv_kernel[(_grid_columns(n * ho * wo, bl), _grid_columns(o, bo), t)](
        x,
        w,
        y,
        o,
        c,
        n,
        h,
        wide,
        ho,
        wo,
        *ws,
        S=stride,
        FLIP=False,
        ADD=add is not None,
        PRECISION=precision,
        BO=bo,
        BC=16 if c <= 16 else 32,
        BL=bl,
        num_warps=8 if bl == 128 else 4,
    )
    return y


def conv_input(g, w, stride, side, precision, add=None):
    """Return the gradient of the convolution's input, whose pictures are `side` x `side`."""
    t, o, n, ho, wo = g.shape
    c = w.shape[2]
    gx = g.new_empty(t, c, n, side, side) if add is None else add
    bl, bc = _columns_block(n * side * side), _block(c)
    wt, w_o, w_c, wk = w.flatten(3).stride()
    _conv_kernel[(_grid_columns(n * side * side, bl), _grid_columns(c, bc), t)](
        g,
        w,
        gx,
        c,
        o,
        n,
        ho,
        wo,
        side,
        side,
        wt,
        w_c,
        w_o,
        wk,
        S=stride,
        FLIP=True,
        ADD=add is not None,
        PRECISION=precision,
        BO=bc,
        BC=16 if o <= 16 else 32,
        BL=bl,
        num_warps=8 if bl == 128 else 4,
    )
    return gx


def conv_weight(g, x, stride, precision, add=None):
    """Return the gradient of every task's weight."""
    t, o, n, ho, wo = g.shape
    c, h, wide = x.shape[1], *x.shape[3:]
    splits = max(1, min(64, n * ho * wo // 2048))
    gw = g.new_empty(splits, t, o, c, 3, 3) if splits > 1 or add is None else add[None]
    bo, bc = _block(o), _block(c)
    _conv_weight_kernel[(_grid_columns(o, bo) * _grid_columns(c, bc), 9, t * splits)](
        g,
        x,
        gw,
        o,
        c,
        n,
        h,
        wide,
        ho,
        wo,
        splits,
        S=stride,
        ADD=splits == 1 and add is not None,
        PRECISION=precision,
        BO=bo,
        BC=bc,
        BL=32,
        num_warps=4,
    )
    if splits == 1:
        return gw[0]
    return gw.sum(0) if add is None else add.add_(gw.sum(0))


# Batch norm: one program per row (task, channel), at most three passes over the row; caches make later ones cheap.


@_jit
def _norm_kernel(y, shift, out, r, M, C, EPS: tl.constexpr, RELU: tl.constexpr, B: tl.constexpr):
    """y becomes h = (y - mean) r in place; out = relu(h + shift) if RELU."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, B)
    y += row * M
    total = tl.zeros((B,), tl.float32)
    for m in range(0, M, B):
        total += tl.load(y + m + at, mask=m + at < M, other=0.0)
    mean = tl.sum(total) / M
    total = tl.zeros((B,), tl.float32)
    for m in range(0, M, B):
        v = tl.where(m + at < M, tl.load(y + m + at, mask=m + at < M, other=0.0) - mean, 0.0)
        total += v * v
    scale = 1 / tl.sqrt(tl.sum(total) / M + EPS)
    tl.store(r + row, scale)
    moved = tl.load(shift + row % C)
    for m in range(0, M, B):
        h = (tl.load(y + m + at, mask=m + at < M, other=0.0) - mean) * scale
        tl.store(y + m + at, h, mask=m + at < M)
        if RELU:
            tl.store(out + row * M + m + at, tl.maximum(h + moved, 0.0), mask=m + at < M)


@_jit
def _project_kernel(v, h, r, where, P, u, sum_v, mean_vh, M, MASK: tl.constexpr, B: tl.constexpr):
    """P = r (u - mean u - h mean(u h)), by rows; u is v, if MASK only where `where` is positive and else 0."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, B)
    first, second = tl.zeros((B,), tl.float32), tl.zeros((B,), tl.float32)
    for m in range(0, M, B):
        inside = m + at < M
        value = tl.load(v + row * M + m + at, mask=inside, other=0.0)
        if MASK:
            value = tl.where(tl.load(where + row * M + m + at, mask=inside, other=0.0) > 0, value, 0.0)
        first += value
        second += value * tl.load(h + row * M + m + at, mask=inside, other=0.0)
    all_v, mean_h = tl.sum(first), tl.sum(second) / M
    tl.store(sum_v + row, all_v)
    tl.store(mean_vh + row, mean_h)
    scale, mean = tl.load(r + row), all_v / M
    for m in range(0, M, B):
        inside = m + at < M
        value = tl.load(v + row * M + m + at, mask=inside, other=0.0)
        if MASK:
            value = tl.where(tl.load(where + row * M + m + at, mask=inside, other=0.0) > 0, value, 0.0)
            tl.store(u + row * M + m + at, value, mask=inside)
        hv = tl.load(h + row * M + m + at, mask=inside, other=0.0)
        tl.store(P + row * M + m + at, scale * (value - mean - hv * mean_h), mask=inside)


def _row_block(m):
    return max(32, min(2048, triton.next_power_of_2(m)))


def norm(y, shift, eps, relu):
    """Return h (in the memory of y), r and out; `shift` is `[channels]`."""
    t, c = y.shape[:2]
    m = y[0, 0].numel()
    r, out = y.new_empty(t, c), torch.empty_like(y) if relu else y
    block = _row_block(m)
    _norm_kernel[(t * c,)](
        y, shift, out, r, m, c, EPS=eps, RELU=relu, B=block, num_warps=8 if block > 512 else 4
    )
    return y, r, out


def project(v, h, r, where=None):
    """Return P(u), u, sum u and mean(u h) by rows; u is v where `where` is positive."""
    t, c = v.shape[:2]
    m = v[0, 0].numel()
    sums = v.new_empty(2, t, c)
    p, u = torch.empty_like(v), v if where is None else torch.empty_like(v)
    block = _row_block(m)
    _project_kernel[(t * c,)](
        v,
        h,
        r,
        v if where is None else where,
        p,
        u,
        sums[0],
        sums[1],
        m,
        MASK=where is not None,
        B=block,
        num_warps=8 if block > 512 else 4,
    )
    return p, u, *sums
