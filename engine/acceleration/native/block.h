// A convolution block at one value of its parameters and of its input.

#pragma once

#include <cstdint>

namespace {

// Pictures are [images, height, width, channels] and weights [3, 3, channels, filters]; at the bottom of the network
// [images, channels, height, width] and [channels, 3, 3, filters]. Filters are multiples of the vector width.
template <typename Real>
struct Block {
  int64_t images, height, width, channels, filters, stride;
  bool pool, bottom;
  // Filled by forward: y, the convolution; its mean and (variance + epsilon)^-1/2, r; out; and top, what pooling took of
  // y, or y itself.
  const Real *x, *weight, *shift;
  Real *y, *mean, *r, *top, *out;
  // Filled by backward, but for g_out, which is cut to where the output is positive.
  Real *g_out, *y_bar, *g_h, *g_shift, *g_weight, *g_x;
  // Filled by tangent, but for the direction.
  const Real *weight_dot, *x_dot;
  Real *h_dot, *log_r_dot, *out_dot;
  // Filled by backward_tangent, but for g_out_dot, which is cut as g_out is.
  Real *g_out_dot, *y_bar_dot, *p_shift, *p_weight, *g_x_dot;

  int64_t rows() const { return (height - 1) / stride + 1; }
  int64_t columns() const { return (width - 1) / stride + 1; }
  int64_t pixels() const { return images * rows() * columns(); }
  int64_t out_rows() const { return pool ? rows() / 2 : rows(); }
  int64_t out_columns() const { return pool ? columns() / 2 : columns(); }
  int64_t out_pixels() const { return images * out_rows() * out_columns(); }
  int64_t weights() const { return 9 * channels * filters; }
};

constexpr double kEpsilon = 1e-3;  // as in engine/models/batch_norm.py

}  // namespace
