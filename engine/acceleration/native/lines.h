// The convolution at the bottom of the network, of pictures of few channels: along a line of outputs, what a tap reads is
// a line of the picture, so that nine lines for each channel are the columns of a matrix.

#pragma once

#include <vector>

#include "block.h"
#include "multiply.h"

namespace {

// One picture with a border of zeros. With stride 2 the even columns of a line come first, then the odd ones.
template <typename Real>
class Lines {
 public:
  explicit Lines(const Block<Real>& s)
      : s_(s), half_((s.width + 1 + s.stride) / s.stride), line_(half_ * s.stride),
        values_(s.channels * (s.height + 2) * line_), taps_(9 * s.channels) {}

  void read(const Real* picture) {
    for (int64_t row = 0; row < s_.channels * s_.height; row++) {
      Real* to = values_.data() + (row / s_.height * (s_.height + 2) + row % s_.height + 1) * line_;
      for (int64_t j = 0; j < s_.width; j++) to[(j + 1) % s_.stride * half_ + (j + 1) / s_.stride] = *picture++;
    }
  }
  // What the taps read for the outputs of a row.
  const Real* const* taps(int64_t row) {
    for (int64_t k = 0; k < 9 * s_.channels; k++) {
      const int64_t above = k / 9 * (s_.height + 2) + row * s_.stride + k % 9 / 3, column = k % 3;
      taps_[k] = values_.data() + above * line_ + column % s_.stride * half_ + column / s_.stride;
    }
    return taps_.data();
  }

 private:
  const Block<Real>& s_;
  int64_t half_, line_;
  std::vector<Real> values_;
  std::vector<const Real*> taps_;
};

// Calls visit(taps, first output of the row) for every row of outputs.
template <typename Real, typename Visit>
void each_line(const Block<Real>& s, const Real* x, Visit visit) {
  Lines<Real> lines(s);
  for (int64_t n = 0; n < s.images; n++) {
    lines.read(x + n * s.channels * s.height * s.width);
    for (int64_t i = 0; i < s.rows(); i++) visit(lines.taps(i), (n * s.rows() + i) * s.columns() * s.filters);
  }
}

template <typename Real, typename Pointer>
std::vector<Pointer> rows_of(Pointer weight, const Block<Real>& s) {
  std::vector<Pointer> rows;
  for (int64_t k = 0; k < 9 * s.channels; k++) rows.push_back(weight + k * s.filters);
  return rows;
}

// y = x * weight
template <typename Real>
void convolve_lines(const Block<Real>& s, const Real* x, const Real* weight, Real* y) {
  const auto rows = rows_of(weight, s);
  each_line(s, x, [&](const Real* const* taps, int64_t first) {
    multiply_outer<Real>(taps, rows.data(), s.columns(), 9 * s.channels, s.filters, y + first, false);
  });
}

// g_weight += the gradient of the weight, from that of y
template <typename Real>
void add_weight_gradient_lines(const Block<Real>& s, const Real* x, const Real* g, Real* g_weight) {
  const auto rows = rows_of(g_weight, s);
  each_line(s, x, [&](const Real* const* taps, int64_t first) {
    multiply_gathered<Real>(taps, g + first, 9 * s.channels, s.columns(), s.filters, rows.data(), true);
  });
}

}  // namespace
