// A convolution block at one value of its parameters and of its input; see block.cpp.

#pragma once

#include <cstdint>

namespace {

// The fields are those of `_Block` in engine/acceleration/native/blocks.py, in the same order.
template <typename Real>
struct Block {
  int64_t images, height, width, channels, filters, stride, pool;
  double epsilon;
  const Real *x, *weight, *shift;
  // Filled by forward. `top` is what pooling took of y; without pooling it is y.
  Real *y, *mean, *r, *top, *out;
  // Filled by backward, but for g_out, which is cut to where the output is positive. At the bottom g_x is null.
  Real *g_out, *y_bar, *g_h, *g_shift, *g_weight, *g_x;
  // Filled by tangent, but for the direction. At the bottom x_dot is null.
  const Real *weight_dot, *x_dot;
  Real *h_dot, *log_r_dot, *out_dot;
  // Filled by backward_tangent, but for g_out_dot, which is cut as g_out is.
  Real *g_out_dot, *y_bar_dot, *p_shift, *p_weight, *g_x_dot;

  bool bottom() const { return g_x == nullptr; }
  int64_t rows() const { return (height - 1) / stride + 1; }
  int64_t columns() const { return (width - 1) / stride + 1; }
  int64_t pixels() const { return images * rows() * columns(); }
  int64_t out_rows() const { return pool ? rows() / 2 : rows(); }
  int64_t out_columns() const { return pool ? columns() / 2 : columns(); }
  int64_t out_pixels() const { return images * out_rows() * out_columns(); }
};

}  // namespace
