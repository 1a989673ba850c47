// The three products of a convolution, each in the way that is fastest for its sizes.

#pragma once

#include "lines.h"
#include "taps.h"
#include "winograd.h"

namespace {

// The sum of convolutions of pictures, by weights that were made ready.
template <typename Real>
class Convolution {
 public:
  Convolution(const Block<Real>& s, std::initializer_list<const Real*> weights) {
    for (const Real* weight : weights) {
      if (tiled(s)) changed_.push_back(transformed(weight, s.channels * s.filters));
      weights_.push_back(tiled(s) ? changed_.back().data() : weight);
    }
  }
  void operator()(const Block<Real>& s, std::initializer_list<const Real*> pictures, Real* y) const {
    if (s.bottom) return convolve_lines(s, *pictures.begin(), weights_[0], y);
    if (tiled(s)) return convolve_tiles(s.images, s.height, s.width, s.channels, s.filters, pictures, weights_, y);
    std::fill_n(y, s.pixels() * s.filters, Real(0));
    for (size_t n = 0; n < weights_.size(); n++) add_taps(s, pictures.begin()[n], weights_[n], y);
  }
  static bool tiled(const Block<Real>& s) { return s.stride == 1 && !s.bottom; }

 private:
  std::vector<Buffer<Real>> changed_;
  std::vector<const Real*> weights_;
};

// From gradients of y back to one of the pictures: the sum over weights that were made ready. Not at the bottom.
template <typename Real>
class InputGradient {
 public:
  InputGradient(const Block<Real>& s, std::initializer_list<const Real*> weights) {
    const int64_t size = s.channels * s.filters;
    const bool tiled = Convolution<Real>::tiled(s);
    for (const Real* weight : weights) {
      if (s.bottom) return;
      Buffer<Real> turned(s.weights());
      for (int k = 0; k < 9; k++)
        transpose(weight + k * size, s.channels, s.filters, turned.data() + (tiled ? 8 - k : k) * size);
      changed_.push_back(tiled ? transformed(turned.data(), size) : std::move(turned));
      weights_.push_back(changed_.back().data());
    }
  }
  void operator()(const Block<Real>& s, std::initializer_list<const Real*> g, Real* g_x) const {
    if (s.bottom) return;
    if (s.stride == 1) return convolve_tiles(s.images, s.height, s.width, s.filters, s.channels, g, weights_, g_x);
    std::fill_n(g_x, s.images * s.height * s.width * s.channels, Real(0));
    for (size_t n = 0; n < weights_.size(); n++) add_input_gradient_taps(s, weights_[n], g.begin()[n], g_x);
  }

 private:
  std::vector<Buffer<Real>> changed_;
  std::vector<const Real*> weights_;
};

// The gradient of the weights, summed over portions of images; there once it is finished.
template <typename Real>
class WeightGradient {
 public:
  WeightGradient(const Block<Real>& s, Real* g_weight) : g_weight_(g_weight) {
    if (Convolution<Real>::tiled(s)) sums_.resize(16 * s.channels * s.filters);
    std::fill_n(g_weight, s.weights(), Real(0));
  }
  void add(const Block<Real>& s, const Real* x, const Real* g) {
    if (!sums_.empty()) return add_weight_gradient_tiles(s, x, g, sums_.data());
    s.bottom ? add_weight_gradient_lines(s, x, g, g_weight_) : add_weight_gradient_taps(s, x, g, g_weight_);
  }
  void finish() const {
    if (!sums_.empty()) transform_back(sums_, g_weight_);
  }

 private:
  Real* g_weight_;
  std::vector<Real> sums_;  // of the transformed weights' gradients
};

}  // namespace
