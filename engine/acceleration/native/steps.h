// The four steps of a convolution block: 3x3 convolution, batch normalisation by the batch's own statistics, ReLU and,
// if asked for, 2x2 max-pooling, with the products with their first and second derivatives. The mathematics, and the
// names, are those of engine/acceleration/conv_layers.py; here each is one pass over memory or two.

#pragma once

#include <cmath>

#include "patches.h"
#include "taps.h"
#include "winograd.h"

namespace {

// The sums of one or two of what belongs together: pictures and weights, pictures and gradients of y, gradients of y and
// weights. At the bottom there is one.
template <typename Real>
using Terms = std::initializer_list<Term<Real>>;

// y = the sum of pictures convolved with weights
template <typename Real>
void convolve(const Block<Real>& s, Terms<Real> terms, Real* y) {
  if (s.bottom) return convolve_patches(s, terms.begin()->pictures, terms.begin()->other, y);
  if (s.stride == 1) {
    const int64_t size = s.channels * s.filters;
    std::vector<std::vector<Real>> weights;
    std::vector<Term<Real>> changed;
    for (const auto& term : terms) {
      weights.push_back(transformed(term.other, size));
      changed.push_back({term.pictures, weights.back().data()});
    }
    return convolve_tiles(s.images, s.height, s.width, s.channels, s.filters, changed, y);
  }
  std::fill_n(y, s.pixels() * s.filters, Real(0));
  for (const auto& term : terms) convolve_taps(s, term.pictures, term.other, y);
}

// g_weight = the gradient of the weights, from pictures and gradients of y
template <typename Real>
void weight_gradient(const Block<Real>& s, Terms<Real> terms, Real* g_weight) {
  if (!s.bottom && s.stride == 1) return weight_gradient_tiles(s, terms, g_weight);
  std::fill_n(g_weight, 9 * s.channels * s.filters, Real(0));
  for (const auto& term : terms)
    s.bottom ? weight_gradient_patches(s, term.pictures, term.other, g_weight)
               : weight_gradient_taps(s, term.pictures, term.other, g_weight);
}

// g_x = the gradient of the pictures, from those of y and weights
template <typename Real>
void input_gradient(const Block<Real>& s, Terms<Real> terms, Real* g_x) {
  if (s.stride == 1) {
    const int64_t size = s.channels * s.filters;
    std::vector<std::vector<Real>> weights;
    std::vector<Term<Real>> changed;
    for (const auto& term : terms) {
      std::vector<Real> turned(9 * size);
      for (int k = 0; k < 9; k++)
        transpose(term.other + k * size, s.channels, s.filters, turned.data() + (8 - k) * size);
      weights.push_back(transformed(turned.data(), size));
      changed.push_back({term.pictures, weights.back().data()});
    }
    return convolve_tiles(s.images, s.height, s.width, s.filters, s.channels, changed, g_x);
  }
  std::fill_n(g_x, s.images * s.height * s.width * s.channels, Real(0));
  for (const auto& term : terms) input_gradient_taps(s, term.other, term.pictures, g_x);
}

// Neighbouring pixels of the output; without pooling they are pixels of y as well.
struct Run {
  int64_t first, count;
  int64_t source;  // the first of the pixels of y that the first is pooled from
};

constexpr int64_t kRun = 64;

// Calls visit(run, number of vectors, first filter) until all outputs were visited.
template <typename Real, typename Visit>
void each_output(const Block<Real>& s, Visit visit) {
  const int64_t length = s.pool ? s.out_columns() : kRun;
  for (int64_t first = 0; first < s.out_pixels(); first += length) {
    const int64_t row = first / s.out_columns(), n = row / s.out_rows(), i = row % s.out_rows();
    const Run run{first, std::min(length, s.out_pixels() - first),
                  s.pool ? (n * s.rows() + 2 * i) * s.columns() : first};
    each_piece<Real>(s.filters, [&](auto count, int64_t f) { visit(run, count, f); });
  }
}

// Calls visit(run, number of vectors, first filter) until all pixels of y were visited.
template <typename Real, typename Visit>
void each_pixel(const Block<Real>& s, Visit visit) {
  for (int64_t first = 0; first < s.pixels(); first += kRun) {
    const Run run{first, std::min(kRun, s.pixels() - first), first};
    each_piece<Real>(s.filters, [&](auto count, int64_t f) { visit(run, count, f); });
  }
}

// Calls visit(pixel of y) for those that no output is pooled from.
template <typename Real, typename Visit>
void each_left_over(const Block<Real>& s, Visit visit) {
  if (!s.pool) return;
  for (int64_t n = 0; n < s.images; n++)
    for (int64_t i = 0; i < s.rows(); i++)
      for (int64_t j = i < 2 * s.out_rows() ? 2 * s.out_columns() : 0; j < s.columns(); j++)
        visit((n * s.rows() + i) * s.columns() + j);
}

// Sums for each filter over many pixels: those of a run in Real, their sum in double.
template <typename Real>
class Sums {
 public:
  explicit Sums(int64_t filters) : total_(filters) {}
  template <int Count>
  void add(int64_t first, const Row<Real, Count>& sum) {
    Real values[Count * kWidth<Real>];
    sum.put(values);
    for (int f = 0; f < Count * kWidth<Real>; f++) total_[first + f] += values[f];
  }
  double operator[](int64_t f) const { return total_[f]; }
  void copy(Real* to) const { std::copy(total_.begin(), total_.end(), to); }

 private:
  std::vector<double> total_;
};

// Mean and variance, run by run: those of a run first, so that no large numbers cancel.
template <typename Real>
void normalise(const Block<Real>& s) {
  std::vector<double> mean(s.filters), squares(s.filters);
  each_pixel(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const Real* y = s.y + run.first * s.filters + f;
    R sum = R::of(0), square = R::of(0);
    for (int64_t j = 0; j < run.count; j++) sum += R::at(y + j * s.filters);
    const R centre = sum * Real(1.0 / run.count);
    for (int64_t j = 0; j < run.count; j++) {
      const R off = R::at(y + j * s.filters) - centre;
      square += off * off;
    }
    Real centres[count() * kWidth<Real>], of_run[count() * kWidth<Real>], rest[count() * kWidth<Real>];
    centre.put(centres), square.put(of_run), (sum - centre * Real(run.count)).put(rest);
    const double share = double(run.count) / (run.first + run.count);
    for (int k = 0; k < count() * kWidth<Real>; k++) {
      const double run_mean = centres[k] + double(rest[k]) / run.count, step = run_mean - mean[f + k];
      squares[f + k] += of_run[k] + step * step * share * run.first;
      mean[f + k] += step * share;
    }
  });
  for (int64_t f = 0; f < s.filters; f++) {
    s.mean[f] = Real(mean[f]);
    s.r[f] = Real(1 / std::sqrt(squares[f] / s.pixels() + kEpsilon));
  }
}

template <typename Real>
void forward(const Block<Real>& s) {
  convolve<Real>(s, {{s.x, s.weight}}, s.y);
  normalise(s);
  const int64_t next = s.filters, below = s.columns() * s.filters;
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R mean = R::at(s.mean + f), r = R::at(s.r + f), shift = R::at(s.shift + f);
    const Real* y = s.y + run.source * s.filters + f;
    Real *top = s.top + run.first * s.filters + f, *out = s.out + run.first * s.filters + f;
    for (int64_t j = 0; j < run.count; j++, top += next, out += next) {
      R value = R::at(y);
      if (s.pool) {
        value = larger(larger(value, R::at(y + next)), larger(R::at(y + below), R::at(y + below + next)));
        value.put(top);
      }
      positive((value - mean) * r + shift).put(out);
      y += s.pool ? 2 * next : next;
    }
  });
}

// Of four pixels of y, which is the first that is the largest: ones there, zeros elsewhere.
template <typename Real, int Count>
struct Largest {
  using R = Row<Real, Count>;
  R y[4], is[4];
  Largest(const Real* from, int64_t next, int64_t below, const R& top) {
    const int64_t offsets[4] = {0, next, below, below + next};
    R left = R::of(1);
    for (int k = 0; k < 4; k++) {
      y[k] = R::at(from + offsets[k]);
      is[k] = R::made([&](int j) { return y[k].part[j] == top.part[j] ? left.part[j] : typename R::Vector{}; });
      left = left - is[k];
    }
  }
};

// Cuts g to where the output is positive; sums it, and its product with h.
template <typename Real>
void cut(const Block<Real>& s, Real* g_out, Sums<Real>& sum, Sums<Real>& sum_h) {
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R mean = R::at(s.mean + f), r = R::at(s.r + f);
    R total = R::of(0), total_h = R::of(0);
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
      const R g = where_positive(R::at(s.out + i), R::at(g_out + i));
      g.put(g_out + i);
      total += g;
      total_h += g * ((R::at(s.top + i) - mean) * r);
    }
    sum.add(f, total), sum_h.add(f, total_h);
  });
}

// From the gradient g of the output, cut, to that of y, as a sum of r g where g comes from and a function of the pixel
// of y: to(pixel, r g or zero).
template <typename Real, typename Put>
void spread(const Block<Real>& s, const Real* g_out, Put put) {
  const int64_t next = s.filters, below = s.columns() * s.filters;
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R r = R::at(s.r + f);
    const Real *g = g_out + run.first * s.filters + f, *top = s.top + run.first * s.filters + f;
    int64_t at = run.source * s.filters + f;
    for (int64_t j = 0; j < run.count; j++, g += next, top += next) {
      const R value = R::at(g) * r;
      if (!s.pool) {
        put(at, f, value);
        at += next;
        continue;
      }
      const Largest<Real, count()> largest(s.y + at, next, below, R::at(top));
      const int64_t offsets[4] = {0, next, below, below + next};
      for (int k = 0; k < 4; k++) put(at + offsets[k], f, value * largest.is[k]);
      at += 2 * next;
    }
  });
  each_left_over(s, [&](int64_t pixel) {
    each_piece<Real>(s.filters, [&](auto count, int64_t f) {
      put(pixel * s.filters + f, f, Row<Real, count()>::of(0));
    });
  });
}

// What a gradient's mean and its mean product with h take away from it: constant + slope y, for each filter.
template <typename Real>
struct Line {
  std::vector<Real> constant, slope;
  Line(const Block<Real>& s, const Sums<Real>& sum, const Sums<Real>& sum_h) : constant(s.filters), slope(s.filters) {
    for (int64_t f = 0; f < s.filters; f++) {
      slope[f] = Real(-s.r[f] * s.r[f] * sum_h[f] / s.pixels());
      constant[f] = Real(-s.r[f] * sum[f] / s.pixels()) - slope[f] * s.mean[f];
    }
  }
};

template <typename Real>
void backward(const Block<Real>& s) {
  Sums<Real> sum(s.filters), sum_h(s.filters);
  cut(s, s.g_out, sum, sum_h);
  sum.copy(s.g_shift), sum_h.copy(s.g_h);
  const Line<Real> line(s, sum, sum_h);
  spread(s, s.g_out, [&](int64_t i, int64_t f, auto g) {
    using R = decltype(g);
    (g + R::at(line.constant.data() + f) + R::at(line.slope.data() + f) * R::at(s.y + i)).put(s.y_bar + i);
  });
  weight_gradient<Real>(s, {{s.x, s.y_bar}}, s.g_weight);
  if (!s.bottom) input_gradient<Real>(s, {{s.y_bar, s.weight}}, s.g_x);
}

template <typename Real>
void tangent(const Block<Real>& s) {
  Real* h_dot = s.h_dot;  // the change of y at first
  if (s.bottom)
    convolve<Real>(s, {{s.x, s.weight_dot}}, h_dot);
  else
    convolve<Real>(s, {{s.x, s.weight_dot}, {s.x_dot, s.weight}}, h_dot);
  Sums<Real> sum(s.filters), sum_h(s.filters);
  each_pixel(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R mean = R::at(s.mean + f), r = R::at(s.r + f);
    R total = R::of(0), total_h = R::of(0);
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
      const R value = R::at(h_dot + i);
      total += value;
      total_h += value * ((R::at(s.y + i) - mean) * r);
    }
    sum.add(f, total), sum_h.add(f, total_h);
  });
  const Line<Real> line(s, sum, sum_h);
  for (int64_t f = 0; f < s.filters; f++) s.log_r_dot[f] = Real(-s.r[f] * sum_h[f] / s.pixels());
  each_pixel(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R r = R::at(s.r + f), constant = R::at(line.constant.data() + f), slope = R::at(line.slope.data() + f);
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters)
      (R::at(h_dot + i) * r + constant + R::at(s.y + i) * slope).put(h_dot + i);
  });
  const int64_t next = s.filters, below = s.columns() * s.filters;
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    int64_t from = run.source * s.filters + f;
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
      R value = R::at(h_dot + from);
      if (s.pool) {
        const Largest<Real, count()> largest(s.y + from, next, below, R::at(s.top + i));
        value = value * largest.is[0] + R::at(h_dot + from + next) * largest.is[1] +
                R::at(h_dot + from + below) * largest.is[2] + R::at(h_dot + from + below + next) * largest.is[3];
      }
      where_positive(R::at(s.out + i), value).put(s.out_dot + i);
      from += s.pool ? 2 * next : next;
    }
  });
}

template <typename Real>
void backward_tangent(const Block<Real>& s) {
  Sums<Real> sum(s.filters), sum_h(s.filters), sum_h_dot(s.filters);
  cut(s, s.g_out_dot, sum, sum_h);
  sum.copy(s.p_shift);
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    R total = R::of(0);
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters)
      total += R::at(s.g_out + i) * R::at(s.out_dot + i);
    sum_h_dot.add(f, total);
  });
  // The product rule on P(g) = r (g - mean g - h mean(g h)), with h and r changing too.
  Line<Real> line(s, sum, sum_h);
  std::vector<Real> of_h_dot(s.filters);
  for (int64_t f = 0; f < s.filters; f++) {
    const double more = -s.r[f] * s.r[f] * sum_h_dot[f] / s.pixels();
    line.slope[f] += Real(more);
    line.constant[f] -= Real(more * s.mean[f]);
    of_h_dot[f] = -s.r[f] * s.g_h[f] / s.pixels();
  }
  spread(s, s.g_out_dot, [&](int64_t i, int64_t f, auto g_dot) {
    using R = decltype(g_dot);
    (g_dot + R::at(line.constant.data() + f) + R::at(line.slope.data() + f) * R::at(s.y + i) +
     R::at(s.y_bar + i) * R::at(s.log_r_dot + f) + R::at(s.h_dot + i) * R::at(of_h_dot.data() + f))
        .put(s.y_bar_dot + i);
  });
  if (s.bottom) return weight_gradient<Real>(s, {{s.x, s.y_bar_dot}}, s.p_weight);
  weight_gradient<Real>(s, {{s.x, s.y_bar_dot}, {s.x_dot, s.y_bar}}, s.p_weight);
  input_gradient<Real>(s, {{s.y_bar_dot, s.weight}, {s.y_bar, s.weight_dot}}, s.g_x_dot);
}

}  // namespace
