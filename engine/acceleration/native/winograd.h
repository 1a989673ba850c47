// 3x3 convolution of stride 1 with 16 multiplications for four outputs where 36 are usual: F(2x2, 3x3) of Lavin and
// Gray, Fast Algorithms for Convolutional Neural Networks (CVPR 2016). With their B, G and A, and products taken value by
// value, an output tile of 2x2 is A'[(G w G') (B' x B)] A for the tile of 4x4 that it reads. Sums over channels turn
// the value-by-value products into 16 products of matrices. The gradient of the weight is the transposed algorithm,
// G'[(A g A') (B' x B)] G; that of the input is a convolution of g by the weights, turned about.

#pragma once

#include <array>
#include <initializer_list>
#include <vector>

#include "block.h"
#include "multiply.h"

namespace {

// Applies a transform along both sides of a square: apply(from, step, to, step) along one line of it.
template <int From, int To, typename Value, typename Apply>
inline __attribute__((always_inline)) void both_ways(const Value (&from)[From][From], Value (&to)[To][To], Apply apply) {
  Value half[To][From];
#pragma GCC unroll 4
  for (int j = 0; j < From; j++) {
    Value in[From], out[To];
#pragma GCC unroll 4
    for (int i = 0; i < From; i++) in[i] = from[i][j];
    apply(in, out);
#pragma GCC unroll 4
    for (int i = 0; i < To; i++) half[i][j] = out[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < To; i++) apply(half[i], to[i]);
}

// B', A, A', G and G' as applied to a column.
constexpr auto kInput = [](const auto& x, auto& to) {
  to[0] = x[0] - x[2], to[1] = x[1] + x[2], to[2] = x[2] - x[1], to[3] = x[1] - x[3];
};
constexpr auto kOutputGradient = [](const auto& g, auto& to) {
  to[0] = g[0], to[1] = g[0] + g[1], to[2] = g[0] - g[1], to[3] = g[1] * -1;
};
constexpr auto kOutput = [](const auto& m, auto& to) {
  to[0] = m[0] + m[1] + m[2], to[1] = m[1] - m[2] - m[3];
};
constexpr auto kWeight = [](const auto& w, auto& to) {
  const auto ends = w[0] + w[2];
  to[0] = w[0], to[1] = (ends + w[1]) * 0.5, to[2] = (ends - w[1]) * 0.5, to[3] = w[2];
};
constexpr auto kWeightGradient = [](const auto& u, auto& to) {
  const auto sum = (u[1] + u[2]) * 0.5;
  to[0] = u[0] + sum, to[1] = (u[1] - u[2]) * 0.5, to[2] = sum + u[3];
};

// The tiles of some pictures, a portion at a time.
template <typename Real>
class Tiles {
 public:
  static constexpr int64_t kPortion = 48;  // what they become stays in the second-level cache

  Tiles(int64_t images, int64_t height, int64_t width, int64_t channels)
      : height_(height), width_(width), channels_(channels), down_((height + 1) / 2), across_((width + 1) / 2),
        count_(images * down_ * across_), none_(channels), values_(16 * kPortion * channels), rows_(16 * kPortion) {
    for (int64_t i = 0; i < 16 * kPortion; i++) rows_[i] = values_.data() + i * channels;
  }
  int64_t count() const { return count_; }
  // The transformed values of the tiles of a portion, at one of 16 places.
  Real* const* rows(int place) const { return rows_.data() + place * kPortion; }

  // Transforms the portion from `first` on; returns how many tiles it has. `Side` is that of a tile: 4 of pictures that
  // are convolved, which overlap, or 2 of the gradient of outputs.
  template <int Side, typename Apply>
  int64_t read(const Real* pictures, int64_t first, Apply apply) {
    const int64_t count = std::min(kPortion, count_ - first);
    for (int64_t t = 0; t < count; t++) {
      const Real* from[Side][Side];
      place<Side>(pictures, first + t, static_cast<const Real*>(none_.data()), from);
      for (int64_t c = 0; c < channels_; c += kWidth<Real>) {
        Row<Real, 1> values[Side][Side], changed[4][4];
#pragma GCC unroll 16
        for (int k = 0; k < Side * Side; k++) values[k / Side][k % Side] = Row<Real, 1>::at(from[k / Side][k % Side] + c);
        both_ways(values, changed, apply);
#pragma GCC unroll 16
        for (int k = 0; k < 16; k++) changed[k / 4][k % 4].put(values_.data() + (k * kPortion + t) * channels_ + c);
      }
    }
    return count;
  }

  // Writes the outputs of the portion from `first` on.
  void write(Real* pictures, int64_t first) {
    const int64_t count = std::min(kPortion, count_ - first);
    for (int64_t t = 0; t < count; t++) {
      Real* to[2][2];
      place<2>(pictures, first + t, none_.data(), to);
      for (int64_t c = 0; c < channels_; c += kWidth<Real>) {
        Row<Real, 1> values[4][4], changed[2][2];
#pragma GCC unroll 16
        for (int k = 0; k < 16; k++) values[k / 4][k % 4] = Row<Real, 1>::at(values_.data() + (k * kPortion + t) * channels_ + c);
        both_ways(values, changed, kOutput);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) changed[k / 2][k % 2].put(to[k / 2][k % 2] + c);
      }
    }
  }

 private:
  // Points at the pixels of a tile; at `none` for those outside of the picture.
  template <int Side, typename Pointer>
  void place(Pointer pictures, int64_t tile, Pointer none, Pointer (&at)[Side][Side]) const {
    constexpr int64_t margin = (Side - 2) / 2;
    const int64_t row = tile / across_ % down_ * 2 - margin, column = tile % across_ * 2 - margin;
    Pointer picture = pictures + tile / across_ / down_ * height_ * width_ * channels_;
    const bool whole = 0 <= row && row + Side <= height_ && 0 <= column && column + Side <= width_;
    for (int64_t i = 0; i < Side; i++)
      for (int64_t j = 0; j < Side; j++) {
        const bool inside = whole || (0 <= row + i && row + i < height_ && 0 <= column + j && column + j < width_);
        at[i][j] = inside ? picture + ((row + i) * width_ + column + j) * channels_ : none;
      }
  }

  int64_t height_, width_, channels_, down_, across_, count_;
  std::vector<Real> none_;
  Buffer<Real> values_;
  std::vector<Real*> rows_;
};

// Transforms weights [3, 3, channels, filters] to [16, channels, filters].
template <typename Real>
Buffer<Real> transformed(const Real* weight, int64_t size) {
  Buffer<Real> result(16 * size);
  for (int64_t i = 0; i < size; i += kWidth<Real>) {
    Row<Real, 1> values[3][3], changed[4][4];
    for (int k = 0; k < 9; k++) values[k / 3][k % 3] = Row<Real, 1>::at(weight + k * size + i);
    both_ways(values, changed, kWeight);
    for (int k = 0; k < 16; k++) changed[k / 4][k % 4].put(result.data() + k * size + i);
  }
  return result;
}

// to = the sum of pictures convolved with transformed weights
template <typename Real>
void convolve_tiles(int64_t images, int64_t height, int64_t width, int64_t channels, int64_t filters,
                    std::initializer_list<const Real*> pictures, const std::vector<const Real*>& weights,
                    Real* to) {
  Tiles<Real> in(images, height, width, channels), out(images, height, width, filters);
  for (int64_t first = 0; first < in.count(); first += Tiles<Real>::kPortion) {
    for (size_t n = 0; n < weights.size(); n++) {
      const int64_t count = in.template read<4>(pictures.begin()[n], first, kInput);
      for (int k = 0; k < 16; k++)
        multiply_gathered<Real>(in.rows(k), weights[n] + k * channels * filters, count, channels, filters,
                                out.rows(k), n > 0);
    }
    out.write(to, first);
  }
}

// sums += the gradient of the transformed weights, from that of y
template <typename Real>
void add_weight_gradient_tiles(const Block<Real>& s, const Real* x, const Real* g, Real* sums) {
  Tiles<Real> in(s.images, s.height, s.width, s.channels), out(s.images, s.height, s.width, s.filters);
  for (int64_t first = 0; first < in.count(); first += Tiles<Real>::kPortion) {
    const int64_t count = in.template read<4>(x, first, kInput);
    out.template read<2>(g, first, kOutputGradient);
    for (int k = 0; k < 16; k++)
      multiply_outer<Real>(in.rows(k), out.rows(k), s.channels, count, s.filters, sums + k * s.channels * s.filters,
                           true);
  }
}

// From the gradient of the transformed weights to that of the weights.
template <typename Real>
void transform_back(const std::vector<Real>& sums, Real* g_weight) {
  const int64_t size = sums.size() / 16;
  for (int64_t i = 0; i < size; i += kWidth<Real>) {
    Row<Real, 1> values[4][4], changed[3][3];
    for (int k = 0; k < 16; k++) values[k / 4][k % 4] = Row<Real, 1>::at(sums.data() + k * size + i);
    both_ways(values, changed, kWeightGradient);
    for (int k = 0; k < 9; k++) changed[k / 3][k % 3].put(g_weight + k * size + i);
  }
}

}  // namespace
