// The top of the network for one task: features, the mean over space of the last block's output or all of it, a linear
// layer, and the cross-entropy of its softmax. See engine/acceleration/{conv_layers,layers,losses}.py.

#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

template <typename Real>
struct Head {
  int64_t images, cells, channels, classes;
  bool mean;
  double divisor;
  const int64_t* labels;
  const Real *weight, *bias;  // [classes, features], with the features in the order of the last block's output
  Real *features, *outputs, *p, *g, *g_weight, *g_bias;
  const Real *weight_dot, *bias_dot;
  Real *features_dot, *g_dot, *p_weight, *p_bias;

  int64_t size() const { return mean ? channels : cells * channels; }
};

template <typename Real>
Real dot(const Real* a, const Real* b, int64_t size) {
  auto sum = Row<Real, 1>::of(0);
  for (int64_t i = 0; i < size; i += kWidth<Real>) sum += Row<Real, 1>::at(a + i) * Row<Real, 1>::at(b + i);
  Real total = 0;
  for (int j = 0; j < kWidth<Real>; j++) total += sum.part[0][j];
  return total;
}

// to += factor * from
template <typename Real>
void add(Real factor, const Real* from, int64_t size, Real* to) {
  for (int64_t i = 0; i < size; i += kWidth<Real>)
    (Row<Real, 1>::at(to + i) + Row<Real, 1>::at(from + i) * factor).put(to + i);
}

template <typename Real>
void collect(const Head<Real>& s, const Real* out, Real* features) {
  if (!s.mean) return void(std::copy_n(out, s.images * s.size(), features));
  std::fill_n(features, s.images * s.channels, Real(0));
  for (int64_t n = 0; n < s.images * s.cells; n++)
    add(Real(1.0 / s.cells), out + n * s.channels, s.channels, features + n / s.cells * s.channels);
}

// to += the linear layer without its bias
template <typename Real>
void apply(const Head<Real>& s, const Real* features, const Real* weight, Real* to) {
  for (int64_t n = 0; n < s.images; n++)
    for (int64_t k = 0; k < s.classes; k++)
      to[n * s.classes + k] += dot(features + n * s.size(), weight + k * s.size(), s.size());
}

template <typename Real>
void repeat(const Head<Real>& s, const Real* bias, Real* to) {
  for (int64_t n = 0; n < s.images; n++) std::copy_n(bias, s.classes, to + n * s.classes);
}

// g_weight += the gradient of the weight, from that of the outputs
template <typename Real>
void add_weight_gradient(const Head<Real>& s, const Real* features, const Real* g, Real* g_weight) {
  for (int64_t n = 0; n < s.images; n++)
    for (int64_t k = 0; k < s.classes; k++)
      add(g[n * s.classes + k], features + n * s.size(), s.size(), g_weight + k * s.size());
}

template <typename Real>
void sum_over_images(const Head<Real>& s, const Real* g, Real* to) {
  std::fill_n(to, s.classes, Real(0));
  for (int64_t i = 0; i < s.images * s.classes; i++) to[i % s.classes] += g[i];
}

// g_out += the gradient of the last block's output, from that of the outputs
template <typename Real>
void add_input_gradient(const Head<Real>& s, const Real* weight, const Real* g, Real* g_out) {
  const Real share = s.mean ? Real(1.0 / s.cells) : Real(1);
  for (int64_t n = 0; n < s.images; n++)
    for (int64_t k = 0; k < s.classes; k++)
      for (int64_t cell = 0; cell < (s.mean ? s.cells : 1); cell++)
        add(g[n * s.classes + k] * share, weight + k * s.size(), s.size(), g_out + (n * (s.mean ? s.cells : 1) + cell) * s.size());
}

template <typename Real>
void forward(const Head<Real>& s, const Real* out) {
  collect(s, out, s.features);
  repeat(s, s.bias, s.outputs);
  apply(s, s.features, s.weight, s.outputs);
}

template <typename Real>
void backward(const Head<Real>& s, Real* g_out) {
  for (int64_t n = 0; n < s.images; n++) {
    const Real* z = s.outputs + n * s.classes;
    Real *p = s.p + n * s.classes, *g = s.g + n * s.classes;
    const Real largest = *std::max_element(z, z + s.classes);
    Real sum = 0;
    for (int64_t k = 0; k < s.classes; k++) sum += p[k] = std::exp(z[k] - largest);
    for (int64_t k = 0; k < s.classes; k++) {
      p[k] /= sum;
      g[k] = Real((p[k] - (k == s.labels[n])) / s.divisor);
    }
  }
  std::fill_n(s.g_weight, s.classes * s.size(), Real(0));
  add_weight_gradient(s, s.features, s.g, s.g_weight);
  sum_over_images(s, s.g, s.g_bias);
  std::fill_n(g_out, s.images * s.cells * s.channels, Real(0));
  add_input_gradient(s, s.weight, s.g, g_out);
}

// From the change of the last block's output to that of the gradient of the outputs, g_dot.
template <typename Real>
void tangent(const Head<Real>& s, const Real* out_dot) {
  collect(s, out_dot, s.features_dot);
  repeat(s, s.bias_dot, s.g_dot);
  apply(s, s.features_dot, s.weight, s.g_dot);
  apply(s, s.features, s.weight_dot, s.g_dot);
  for (int64_t n = 0; n < s.images; n++) {
    const Real* p = s.p + n * s.classes;
    Real *g_dot = s.g_dot + n * s.classes, sum = 0;
    for (int64_t k = 0; k < s.classes; k++) sum += p[k] * g_dot[k];
    for (int64_t k = 0; k < s.classes; k++) g_dot[k] = Real(p[k] * (g_dot[k] - sum) / s.divisor);
  }
}

template <typename Real>
void backward_tangent(const Head<Real>& s, Real* g_out_dot) {
  std::fill_n(s.p_weight, s.classes * s.size(), Real(0));
  add_weight_gradient(s, s.features, s.g_dot, s.p_weight);
  add_weight_gradient(s, s.features_dot, s.g, s.p_weight);
  sum_over_images(s, s.g_dot, s.p_bias);
  std::fill_n(g_out_dot, s.images * s.cells * s.channels, Real(0));
  add_input_gradient(s, s.weight, s.g_dot, g_out_dot);
  add_input_gradient(s, s.weight_dot, s.g, g_out_dot);
}

}  // namespace
