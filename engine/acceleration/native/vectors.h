// The values of neighbouring filters at one pixel, some vector registers of them: the unit of all work on pictures.

#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace {

// kSums is how many registers hold sums while matrices are multiplied, by two or more vectors of a row at a time.
#ifdef SHORT_ROWS
constexpr int kVectorBytes = 32, kSums = 20, kMostVectors = 1;  // 40 numbers, or 10 examples, and nothing is left over
#elif defined(__AVX512F__)
constexpr int kVectorBytes = 64, kSums = 24, kMostVectors = 4;  // 24 of the 32 registers hold sums
#else
constexpr int kVectorBytes = 32, kSums = 12, kMostVectors = 2;  // 12 of the 16
#endif

template <typename Real>
constexpr int kWidth = kVectorBytes / sizeof(Real);

// float64 is there to be compared with: one vector at a time, which compiles in half the time.
template <typename Real>
constexpr int kMost = std::is_same_v<Real, float> ? kMostVectors : 1;

template <typename Real, int Count>
struct Row {
  typedef Real Vector __attribute__((vector_size(kVectorBytes)));
  typedef Real Unaligned __attribute__((vector_size(kVectorBytes), aligned(sizeof(Real)), may_alias));
  Vector part[Count];

  static Row at(const Real* from) {
    return made([=](int j) -> Vector { return *reinterpret_cast<const Unaligned*>(from + j * kWidth<Real>); });
  }
  static Row of(Real value) {
    return made([=](int) { return Vector{} + value; });
  }
  template <typename Make>
  static inline __attribute__((always_inline)) Row made(Make make) {
    Row row;
#pragma GCC unroll 4
    for (int j = 0; j < Count; j++) row.part[j] = make(j);
    return row;
  }
  void put(Real* to) const {
#pragma GCC unroll 4
    for (int j = 0; j < Count; j++) *reinterpret_cast<Unaligned*>(to + j * kWidth<Real>) = part[j];
  }
  friend Row operator+(const Row& a, const Row& b) {
    return made([&](int j) { return a.part[j] + b.part[j]; });
  }
  friend Row operator-(const Row& a, const Row& b) {
    return made([&](int j) { return a.part[j] - b.part[j]; });
  }
  friend Row operator*(const Row& a, const Row& b) {
    return made([&](int j) { return a.part[j] * b.part[j]; });
  }
  friend Row operator*(const Row& a, double b) {
    return made([&](int j) { return a.part[j] * Real(b); });
  }
  Row& operator+=(const Row& other) { return *this = *this + other; }
};

// What is not a number stays one: neither function hides it.
template <typename Real, int Count>
Row<Real, Count> positive(const Row<Real, Count>& a) {
  return Row<Real, Count>::made([&](int j) { return a.part[j] < 0 ? typename Row<Real, Count>::Vector{} : a.part[j]; });
}

template <typename Real, int Count>
Row<Real, Count> where_positive(const Row<Real, Count>& condition, const Row<Real, Count>& a) {
  return Row<Real, Count>::made([&](int j) { return condition.part[j] <= 0 ? typename Row<Real, Count>::Vector{} : a.part[j]; });
}

template <typename Real, int Count>
Row<Real, Count> larger(const Row<Real, Count>& a, const Row<Real, Count>& b) {
  return Row<Real, Count>::made([&](int j) { return b.part[j] > a.part[j] ? b.part[j] : a.part[j]; });
}

// Calls visit(number of vectors, first filter) until all filters were visited; they are a multiple of the width.
template <typename Real, int Count = kMost<Real>, typename Visit>
inline __attribute__((always_inline)) void each_piece(int64_t filters, Visit visit, int64_t first = 0) {
  for (; first + Count * kWidth<Real> <= filters; first += Count * kWidth<Real>)
    visit(std::integral_constant<int, Count>(), first);
  if constexpr (Count > 1) each_piece<Real, Count / 2>(filters, visit, first);
}

}  // namespace
