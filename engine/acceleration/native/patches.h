// The convolution of pictures of few channels: their patches are copied, a few at a time, and multiplied as a matrix.

#pragma once

#include <algorithm>
#include <vector>

#include "block.h"
#include "multiply.h"

namespace {

template <typename Real>
class Patches {
 public:
  static constexpr int64_t kPortion = 48;  // of pixels, whose patches stay in the first-level cache

  explicit Patches(const Block<Real>& s)
      : depth(9 * s.channels), s_(s), values_(kPortion * depth), x_(kPortion), y_(kPortion) {
    for (int64_t i = 0; i < kPortion; i++) x_[i] = values_.data() + i * depth;
  }

  // Copies the patches of a few pixels of y, from `first` on, and points at them and at the values of y.
  int64_t copy(const Real* x, const Real* y, int64_t first) {
    const int64_t count = std::min(kPortion, s_.pixels() - first), size = s_.channels * s_.height * s_.width;
    int64_t j = first % s_.columns(), i = first / s_.columns() % s_.rows(), n = first / s_.columns() / s_.rows();
    for (int64_t k = 0; k < count; k++) {
      copy_one(x + n * size, i * s_.stride - 1, j * s_.stride - 1, x_[k]);
      y_[k] = const_cast<Real*>(y) + (first + k) * s_.filters;
      if (++j == s_.columns()) j = 0, i++;
      if (i == s_.rows()) i = 0, n++;
    }
    return count;
  }
  Real* const* x() const { return x_.data(); }
  Real* const* y() const { return y_.data(); }
  const int64_t depth;

 private:
  void copy_one(const Real* picture, int64_t row, int64_t column, Real* patch) const {
    const bool inside = 0 <= row && row + 3 <= s_.height && 0 <= column && column + 3 <= s_.width;
    for (int64_t c = 0; c < s_.channels; c++, picture += s_.height * s_.width, patch += 9)
      for (int64_t k = 0; k < 9; k++) {
        const int64_t i = row + k / 3, j = column + k % 3;
        const bool there = inside || (0 <= i && i < s_.height && 0 <= j && j < s_.width);
        patch[k] = there ? picture[i * s_.width + j] : Real(0);
      }
  }

  const Block<Real>& s_;
  std::vector<Real> values_;
  std::vector<Real*> x_, y_;
};

// y = x * weight
template <typename Real>
void convolve_patches(const Block<Real>& s, const Real* x, const Real* weight, Real* y) {
  Patches<Real> patches(s);
  for (int64_t first = 0; first < s.pixels(); first += Patches<Real>::kPortion) {
    const int64_t count = patches.copy(x, y, first);
    multiply_gathered<Real>(patches.x(), weight, count, patches.depth, s.filters, patches.y(), false);
  }
}

// g_weight += the gradient of the weight, from that of y
template <typename Real>
void weight_gradient_patches(const Block<Real>& s, const Real* x, const Real* g, Real* g_weight) {
  Patches<Real> patches(s);
  for (int64_t first = 0; first < s.pixels(); first += Patches<Real>::kPortion) {
    const int64_t count = patches.copy(x, g, first);
    multiply_outer<Real>(patches.x(), patches.y(), patches.depth, count, s.filters, g_weight);
  }
}

}  // namespace
