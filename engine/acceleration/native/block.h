// A convolution block at one value of its parameters and of its input.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

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
  // Filled by backward, but for g_out, which is cut to where the output is positive. The gradient of y is r g + constant +
  // slope y, g_h the sum of g h.
  Real *g_out, *constant, *slope, *g_h, *g_shift, *g_weight, *g_x;
  // Filled by tangent, but for the direction. The change of h is r y_dot + constant_dot + slope_dot y.
  const Real *weight_dot, *x_dot;
  Real *y_dot, *constant_dot, *slope_dot, *out_dot;
  // Filled by backward_tangent, but for g_out_dot, which is cut as g_out is.
  Real *g_out_dot, *p_shift, *p_weight, *g_x_dot;

  int64_t rows() const { return (height - 1) / stride + 1; }
  int64_t columns() const { return (width - 1) / stride + 1; }
  int64_t pixels() const { return images * rows() * columns(); }
  int64_t out_rows() const { return pool ? rows() / 2 : rows(); }
  int64_t out_columns() const { return pool ? columns() / 2 : columns(); }
  int64_t out_pixels() const { return images * out_rows() * out_columns(); }
  int64_t weights() const { return 9 * channels * filters; }
};

constexpr double kEpsilon = 1e-3;  // as in engine/models/batch_norm.py
constexpr int64_t kPortionBytes = 1 << 19;  // half of a usual second-level cache

// Memory that is not cleared before it is written.
template <typename Real>
class Buffer {
 public:
  explicit Buffer(int64_t count) : values_(new Real[count]) {}
  Real* data() const { return values_.get(); }

 private:
  std::unique_ptr<Real[]> values_;
};

// So many images at a time that what is done to them, one thing after the other, finds them in the cache.
template <typename Real>
int64_t images_at_a_time(const Block<Real>& s) {
  const int64_t numbers = s.height * s.width * s.channels + s.rows() * s.columns() * s.filters;
  return std::clamp<int64_t>(kPortionBytes / int64_t(sizeof(Real)) / numbers, 1, s.images);
}

// Calls visit(block of some of the images).
template <typename Real, typename Visit>
void each_portion(const Block<Real>& s, Visit visit) {
  const int64_t in = s.height * s.width * s.channels, within = s.rows() * s.columns() * s.filters;
  const int64_t out = s.out_rows() * s.out_columns() * s.filters, most = images_at_a_time(s);
  for (int64_t first = 0; first < s.images; first += most) {
    Block<Real> part = s;
    part.images = std::min(most, s.images - first);
    part.x += first * in;
    part.y += first * within, part.y_dot += first * within;
    part.top += first * out, part.out += first * out, part.g_out += first * out;
    part.out_dot += first * out, part.g_out_dot += first * out;
    if (!s.bottom) part.g_x += first * in, part.x_dot += first * in, part.g_x_dot += first * in;
    visit(part);
  }
}

}  // namespace
