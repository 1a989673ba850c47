// The four steps of a convolution block: 3x3 convolution, batch normalisation by the batch's own statistics, ReLU and,
// if asked for, 2x2 max-pooling, with the products with their first and second derivatives. The mathematics, and the
// names, are those of engine/acceleration/conv_layers.py; here each is one pass over memory or two.

#pragma once

#include <cmath>

#include "convolution.h"

namespace {

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
class Moments {
 public:
  explicit Moments(int64_t filters) : mean_(filters), squares_(filters) {}

  void add(const Block<Real>& s) {
    each_pixel(s, [&](Run run, auto count, int64_t f) {
      using R = Row<Real, count()>;
      const Real* y = s.y + run.first * s.filters + f;
      R sum = R::of(0), squares = R::of(0);
      for (int64_t j = 0; j < run.count; j++) sum += R::at(y + j * s.filters);
      const R centre = sum * (1.0 / run.count);
      for (int64_t j = 0; j < run.count; j++) {
        const R off = R::at(y + j * s.filters) - centre;
        squares += off * off;
      }
      // The sum is rounded; the rest of it that `centre` lost is of no account beside that.
      merge(seen_ + run.first, run.count, f, centre, squares);
    });
    seen_ += s.pixels();
  }
  void put(const Block<Real>& s) const {
    for (int64_t f = 0; f < s.filters; f++) {
      s.mean[f] = Real(mean_[f]);
      s.r[f] = Real(1 / std::sqrt(squares_[f] / s.pixels() + kEpsilon));
    }
  }

 private:
  template <int Count>
  void merge(int64_t before, int64_t count, int64_t first, const Row<Real, Count>& mean, const Row<Real, Count>& squares) {
    Real means[Count * kWidth<Real>], sums[Count * kWidth<Real>];
    mean.put(means), squares.put(sums);
    const double share = double(count) / (before + count);
    for (int k = 0; k < Count * kWidth<Real>; k++) {
      const double step = means[k] - mean_[first + k];
      squares_[first + k] += sums[k] + step * step * share * before;
      mean_[first + k] += step * share;
    }
  }

  int64_t seen_ = 0;
  std::vector<double> mean_, squares_;
};

template <typename Real>
void forward(const Block<Real>& s) {
  const Convolution<Real> convolve(s, {s.weight});
  Moments<Real> moments(s.filters);
  each_portion(s, [&](const Block<Real>& part) {
    convolve(part, {part.x}, part.y);
    moments.add(part);
  });
  moments.put(s);
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

// Goes from gradients of the output, cut, to y: calls put(value, first filter, r g...) for all values of y, with zeros where
// pooling took nothing.
template <typename Real, typename Put, typename... Gradient>
void spread(const Block<Real>& s, Put put, const Gradient*... gradients) {
  const int64_t next = s.filters, below = s.columns() * s.filters;
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R r = R::at(s.r + f);
    int64_t at = run.source * s.filters + f;
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
      if (!s.pool) {
        put(at, f, R::at(gradients + i) * r...);
        at += next;
        continue;
      }
      const Largest<Real, count()> largest(s.y + at, next, below, R::at(s.top + i));
      const int64_t offsets[4] = {0, next, below, below + next};
      for (int k = 0; k < 4; k++) put(at + offsets[k], f, R::at(gradients + i) * r * largest.is[k]...);
      at += 2 * next;
    }
  });
  each_left_over(s, [&](int64_t pixel) {
    each_piece<Real>(s.filters, [&](auto count, int64_t f) {
      put(pixel * s.filters + f, f, (void(gradients), Row<Real, count()>::of(0))...);
    });
  });
}

// What a gradient's mean and its mean product with h take away from it: constant + slope y, for each filter.
template <typename Real>
void project(const Block<Real>& s, const Sums<Real>& sum, const Sums<Real>& sum_h, Real* constant, Real* slope) {
  for (int64_t f = 0; f < s.filters; f++) {
    slope[f] = Real(-s.r[f] * s.r[f] * sum_h[f] / s.pixels());
    constant[f] = Real(-s.r[f] * sum[f] / s.pixels()) - slope[f] * s.mean[f];
  }
}

// A value of constant + slope y
template <typename R, typename Real>
R line(const Real* constant, const Real* slope, int64_t f, const R& y) {
  return R::at(constant + f) + R::at(slope + f) * y;
}

template <typename Real>
void backward(const Block<Real>& s) {
  Sums<Real> sum(s.filters), sum_h(s.filters);
  cut(s, s.g_out, sum, sum_h);
  sum.copy(s.g_shift), sum_h.copy(s.g_h);
  project(s, sum, sum_h, s.constant, s.slope);
  const InputGradient<Real> input_gradient(s, {s.weight});
  WeightGradient<Real> weight_gradient(s, s.g_weight);
  Buffer<Real> y_bar(images_at_a_time(s) * s.rows() * s.columns() * s.filters);
  each_portion(s, [&](const Block<Real>& part) {
    spread(part, [&](int64_t i, int64_t f, auto g) {
      (g + line(s.constant, s.slope, f, decltype(g)::at(part.y + i))).put(y_bar.data() + i);
    }, part.g_out);
    weight_gradient.add(part, part.x, y_bar.data());
    input_gradient(part, {y_bar.data()}, part.g_x);
  });
  weight_gradient.finish();
}

template <typename Real>
void tangent(const Block<Real>& s) {
  const Convolution<Real> convolve = s.bottom ? Convolution<Real>(s, {s.weight_dot})
                                              : Convolution<Real>(s, {s.weight_dot, s.weight});
  Sums<Real> sum(s.filters), sum_h(s.filters);
  each_portion(s, [&](const Block<Real>& part) {
    convolve(part, {part.x, part.x_dot}, part.y_dot);
    each_pixel(part, [&](Run run, auto count, int64_t f) {
      using R = Row<Real, count()>;
      const R mean = R::at(s.mean + f), r = R::at(s.r + f);
      R total = R::of(0), total_h = R::of(0);
      for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
        const R value = R::at(part.y_dot + i);
        total += value;
        total_h += value * ((R::at(part.y + i) - mean) * r);
      }
      sum.add(f, total), sum_h.add(f, total_h);
    });
  });
  project(s, sum, sum_h, s.constant_dot, s.slope_dot);
  const int64_t next = s.filters, below = s.columns() * s.filters;
  each_output(s, [&](Run run, auto count, int64_t f) {
    using R = Row<Real, count()>;
    const R r = R::at(s.r + f);
    const Real* from = s.y_dot + run.source * s.filters + f;
    for (int64_t i = run.first * s.filters + f; i < (run.first + run.count) * s.filters; i += s.filters) {
      const R top = R::at(s.top + i);
      R value = R::at(from);
      if (s.pool) {
        const Largest<Real, count()> largest(s.y + (from - s.y_dot), next, below, top);
        value = value * largest.is[0] + R::at(from + next) * largest.is[1] + R::at(from + below) * largest.is[2] +
                R::at(from + below + next) * largest.is[3];
      }
      where_positive(R::at(s.out + i), value * r + line(s.constant_dot, s.slope_dot, f, top)).put(s.out_dot + i);
      from += s.pool ? 2 * next : next;
    }
  });
}

// The factors of the change of y's gradient, for each filter: by the product rule on P(g) = r (g - mean g - h mean(g h)),
// with g, h and r all changing, it is r g_dot + constant + slope y + of_y_bar y_bar + of_y_dot y_dot.
template <typename Real>
struct ProductRule {
  std::vector<Real> constant, slope, of_y_bar, of_y_dot;

  ProductRule(const Block<Real>& s, const Sums<Real>& sum, const Sums<Real>& sum_h, const Sums<Real>& sum_h_dot)
      : constant(s.filters), slope(s.filters), of_y_bar(s.filters), of_y_dot(s.filters) {
    project(s, sum, sum_h, constant.data(), slope.data());
    for (int64_t f = 0; f < s.filters; f++) {
      const Real of_y = Real(-s.r[f] * s.r[f] * sum_h_dot[f] / s.pixels());
      const Real of_h_dot = -s.r[f] * s.g_h[f] / s.pixels();
      of_y_bar[f] = s.slope_dot[f] / s.r[f];  // the change of log r
      of_y_dot[f] = of_h_dot * s.r[f];
      slope[f] += of_y + of_h_dot * s.slope_dot[f];
      constant[f] += of_h_dot * s.constant_dot[f] - of_y * s.mean[f];
    }
  }
};

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
  const ProductRule<Real> rule(s, sum, sum_h, sum_h_dot);
  const InputGradient<Real> input_gradient(s, {s.weight, s.weight_dot});
  WeightGradient<Real> weight_gradient(s, s.p_weight);
  const int64_t size = images_at_a_time(s) * s.rows() * s.columns() * s.filters;
  Buffer<Real> y_bars(size), y_bar_dots(size);
  Real *y_bar = y_bars.data(), *y_bar_dot = y_bar_dots.data();
  each_portion(s, [&](const Block<Real>& part) {
    spread(part, [&](int64_t i, int64_t f, auto g, auto g_dot) {
      using R = decltype(g);
      const R y = R::at(part.y + i), bar = g + line(s.constant, s.slope, f, y);
      bar.put(y_bar + i);
      (g_dot + line(rule.constant.data(), rule.slope.data(), f, y) + bar * R::at(rule.of_y_bar.data() + f) +
       R::at(part.y_dot + i) * R::at(rule.of_y_dot.data() + f))
          .put(y_bar_dot + i);
    }, part.g_out, part.g_out_dot);
    weight_gradient.add(part, part.x, y_bar_dot);
    if (!s.bottom) weight_gradient.add(part, part.x_dot, y_bar);
    input_gradient(part, {y_bar_dot, y_bar}, part.g_x_dot);
  });
  weight_gradient.finish();
}

}  // namespace
