// A convolution as nine products of matrices: one for each tap of the 3x3 filters, over the pixels whose neighbour at
// that tap is in the picture. Nothing is copied, and what a border of zeros would contribute is not computed.

#pragma once

#include <algorithm>
#include <vector>

#include "block.h"
#include "multiply.h"

namespace {

// The pixels of y that a tap contributes to, with those of x that it reads for them.
template <typename Real>
class Pairs {
 public:
  explicit Pairs(const Block<Real>& s) : s_(s), x_(s.pixels()), y_(s.pixels()) {}

  // Points `x` and `y` at the values of the pixels; returns how many there are.
  template <typename X, typename Y>
  int64_t point(int tap, X* x, Y* y) {
    const auto [row, rows] = valid(tap / 3, s_.height, s_.rows());
    const auto [column, columns] = valid(tap % 3, s_.width, s_.columns());
    int64_t count = 0;
    for (int64_t n = 0; n < s_.images; n++)
      for (int64_t i = row; i < rows; i++) {
        const int64_t above = n * s_.height + i * s_.stride + tap / 3 - 1;
        X* from = x + (above * s_.width + tap % 3 - 1) * s_.channels;
        Y* to = y + (n * s_.rows() + i) * s_.columns() * s_.filters;
        for (int64_t j = column; j < columns; j++, count++) {
          x_[count] = const_cast<Real*>(from) + j * s_.stride * s_.channels;
          y_[count] = const_cast<Real*>(to) + j * s_.filters;
        }
      }
    return count;
  }
  Real* const* x() const { return x_.data(); }
  Real* const* y() const { return y_.data(); }

 private:
  // The outputs, along one side, whose input at an offset lies in the picture: from the first to before the second.
  std::pair<int64_t, int64_t> valid(int64_t offset, int64_t inputs, int64_t outputs) const {
    return {offset == 0, std::min(outputs, (inputs - offset) / s_.stride + 1)};
  }

  const Block<Real>& s_;
  std::vector<Real*> x_, y_;
};

// y += x * weight
template <typename Real>
void add_taps(const Block<Real>& s, const Real* x, const Real* weight, Real* y) {
  Pairs<Real> pairs(s);
  for (int tap = 0; tap < 9; tap++) {
    const int64_t count = pairs.point(tap, x, y);
    multiply_gathered<Real>(pairs.x(), weight + tap * s.channels * s.filters, count, s.channels, s.filters, pairs.y(),
                            true);
  }
}

template <typename Real>
void transpose(const Real* from, int64_t rows, int64_t columns, Real* to) {
  constexpr int64_t side = 16;
  for (int64_t top = 0; top < rows; top += side)
    for (int64_t j = 0; j < columns; j++)
      for (int64_t i = top; i < std::min(rows, top + side); i++) to[j * rows + i] = from[i * columns + j];
}

// g_x += the gradient of the input, from that of y; the weights are transposed, tap by tap
template <typename Real>
void add_input_gradient_taps(const Block<Real>& s, const Real* weight, const Real* g, Real* g_x) {
  Pairs<Real> pairs(s);
  for (int tap = 0; tap < 9; tap++) {
    const int64_t count = pairs.point(tap, g_x, g);
    multiply_gathered<Real>(pairs.y(), weight + tap * s.channels * s.filters, count, s.filters, s.channels, pairs.x(), true);
  }
}

// g_weight += the gradient of the weight, from that of y
template <typename Real>
void add_weight_gradient_taps(const Block<Real>& s, const Real* x, const Real* g, Real* g_weight) {
  constexpr int64_t portion = 48;  // of pixels, that stays in the first-level cache
  Pairs<Real> pairs(s);
  for (int tap = 0; tap < 9; tap++) {
    const int64_t count = pairs.point(tap, x, g);
    for (int64_t first = 0; first < count; first += portion)
      multiply_outer<Real>(pairs.x() + first, pairs.y() + first, s.channels, std::min(portion, count - first),
                           s.filters, g_weight + tap * s.channels * s.filters, true);
  }
}

}  // namespace
