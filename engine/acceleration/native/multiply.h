// Products of matrices whose rows lie anywhere in memory.

#pragma once

#include "vectors.h"

namespace {

// A few rows and vectors of sums, held in registers. left(i, k) is a number, right(k) and out(i) are rows.
template <typename Real, int Rows, int Count, typename Left, typename Right, typename Out>
inline __attribute__((always_inline)) void multiply_tile(int64_t depth, Left left, Right right, Out out, bool add) {
  Row<Real, Count> sum[Rows];
#pragma GCC unroll 24
  for (int i = 0; i < Rows; i++) sum[i] = add ? Row<Real, Count>::at(out(i)) : Row<Real, Count>::of(0);
  for (int64_t k = 0; k < depth; k++) {
    const auto factor = Row<Real, Count>::at(right(k));
#pragma GCC unroll 24
    for (int i = 0; i < Rows; i++) sum[i] += factor * left(i, k);
  }
#pragma GCC unroll 24
  for (int i = 0; i < Rows; i++) sum[i].put(out(i));
}

template <typename Real, int Count, int Rows, typename Left, typename Right, typename Out>
inline void multiply_rows(int64_t first, int64_t rows, int64_t depth, Left left, Right right, Out out, bool add) {
  for (; rows >= Rows; rows -= Rows, first += Rows)
    multiply_tile<Real, Rows, Count>(
        depth, [=](int64_t i, int64_t k) { return left(first + i, k); }, right,
        [=](int64_t i) { return out(first + i); }, add);
  if constexpr (Rows > 1)
    if (rows) multiply_rows<Real, Count, Rows / 2>(first, rows, depth, left, right, out, add);
}

// out(i) = sum over k of left(i, k) * right(k), or += if `add`
template <typename Real, typename Left, typename Right, typename Out>
inline void multiply(int64_t rows, int64_t depth, int64_t columns, Left left, Right right, Out out, bool add) {
  each_piece<Real>(columns, [=](auto count, int64_t f) {
    constexpr int tall = kSums / (count < 2 ? 2 : count());
    multiply_rows<Real, count(), tall>(
        0, rows, depth, left, [=](int64_t k) { return right(k) + f; }, [=](int64_t i) { return out(i) + f; },
        add);
  });
}

// c[i] = a[i] b, or += if `add`
template <typename Real>
__attribute__((noinline)) void multiply_gathered(const Real* const* a, const Real* b, int64_t rows, int64_t depth,
                                                 int64_t columns, Real* const* c, bool add) {
  multiply<Real>(
      rows, depth, columns, [=](int64_t i, int64_t k) { return a[i][k]; },
      [=](int64_t k) { return b + k * columns; }, [=](int64_t i) { return c[i]; },
      add);
}

// c = sum over k of the products of a[k], as a column, and b[k], or += if `add`
template <typename Real>
__attribute__((noinline)) void multiply_outer(const Real* const* a, const Real* const* b, int64_t rows, int64_t depth,
                                              int64_t columns, Real* c, bool add) {
  multiply<Real>(
      rows, depth, columns, [=](int64_t i, int64_t k) { return a[k][i]; }, [=](int64_t k) { return b[k]; },
      [=](int64_t i) { return c + i * columns; }, add);
}

}  // namespace
