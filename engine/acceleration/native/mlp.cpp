// A multilayer perceptron with ReLU between its layers and a squared error, for many tasks: the gradient and the products
// with the Hessian. Called by mlp.py. A task goes from the first layer to the last derivative before the next one begins,
// which leaves its values in the innermost cache.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "done.h"
#define SHORT_ROWS
#include "multiply.h"

namespace {

// What mlp.py knows, field by field. `sizes` are those of the input and of every layer's output. `parameters` are those of
// every layer, its weight [inputs, row of outputs] and its bias, in rows of whole vectors that end in zeros; all tasks
// have the same where `shared`, and then `result` of a product is the sum over tasks. Else everything is task by task.
// `memory` holds what `gradient` computes on its way, for `hessian_product`.
template <typename Real>
struct Call {
  int64_t tasks, examples, layers, shared;
  double factor;  // of output minus target, in the gradient of the loss
  const int64_t* sizes;
  const Real *x, *y, *parameters;
  Real *memory, *outputs, *result;
  const Real* direction;
};

template <typename Real>
int64_t in_vectors(int64_t size) {
  return (size + kWidth<Real> - 1) / kWidth<Real> * kWidth<Real>;
}

// Numbers that lie in rows, and how far a row is from the next.
template <typename Real>
struct Rows {
  Real* start;
  int64_t apart;
  Real* operator[](int64_t n) const { return start + n * apart; }
};

// c (+)= a b, or with a^T; all of a row of c and b is in whole vectors.
template <typename Real>
__attribute__((noinline)) void multiply_strided(int64_t rows, int64_t depth, int64_t columns, const Real* a, int64_t down,
                                        int64_t along, Rows<const Real> b, Rows<Real> c, bool add) {
  multiply<Real>(
      rows, depth, columns, [=](int64_t i, int64_t k) { return a[i * down + k * along]; },
      [=](int64_t k) { return b[k]; }, [=](int64_t i) { return c[i]; }, add);
}

// A layer of one task. Names that end in _dot are changes along the direction.
template <typename Real>
struct Layer {
  int64_t examples, inputs, outputs, in_row, row;
  bool bottom, top;
  Real *out, *g, *transposed;  // in `memory`
  std::vector<Real> out_dot, g_dot, transposed_dot;

  Layer(int64_t examples, int64_t inputs, int64_t outputs, bool bottom, bool top)
      : examples(examples), inputs(inputs), outputs(outputs), in_row(bottom ? inputs : in_vectors<Real>(inputs)),
        row(in_vectors<Real>(outputs)), bottom(bottom), top(top) {}

  int64_t values() const { return examples * row; }
  int64_t transposed_numbers() const { return bottom ? 0 : outputs * in_row; }
  int64_t memory_numbers() const { return 2 * values() + transposed_numbers(); }
  void use(Real* memory) { out = memory, g = out + values(), transposed = g + values(); }
  void take_memory_for_a_direction() {
    out_dot.resize(values()), g_dot.resize(values()), transposed_dot.resize(transposed_numbers());
  }
  int64_t numbers() const { return (inputs + 1) * row; }

  // to = x times the weight, plus the bias
  void affine(const Real* x, const Real* weight, Real* to) {
    for (int64_t n = 0; n < examples; n++) std::copy_n(weight + inputs * row, row, to + n * row);
    multiply_strided<Real>(examples, inputs, row, x, in_row, 1, {weight, row}, {to, row}, true);
  }
  void forward(const Real* x, const Real* weight) {
    affine(x, weight, out);
    if (!top) each(out, [](auto value, auto) { return positive(value); });
  }
  void tangent(const Real* x, const Real* x_dot, const Real* weight, const Real* weight_dot) {
    affine(x, weight_dot, out_dot.data());
    if (!bottom)
      multiply_strided<Real>(examples, inputs, row, x_dot, in_row, 1, {weight, row}, {out_dot.data(), row}, true);
    if (!top) cut(out_dot.data());
  }
  // Leaves of the output's gradient, or of a change, what is where the output is positive.
  void cut(Real* values) {
    each(values, [](auto value, auto out) { return where_positive(out, value); });
  }
  // to (+)= the gradient of the weight, from that of the output
  void weigh(const Real* x, const Real* g, Real* to, bool add) {
    multiply_strided<Real>(inputs, examples, row, x, 1, in_row, {g, row}, {to, row}, add);
  }
  void weigh_bias(const Real* g, Real* to, bool add) {
    const Real one = 1;
    multiply_strided<Real>(1, examples, row, &one, 0, 0, {g, row}, {to + inputs * row, row}, add);
  }
  void transpose(const Real* weight, Real* to) {
    for (int64_t o = 0; o < outputs; o++, to += in_row) {
      for (int64_t i = 0; i < inputs; i++) to[i] = weight[i * row + o];
      std::fill(to + inputs, to + in_row, Real(0));
    }
  }
  // to (+)= the gradient of the input, from that of the output
  void back(const Real* g, const Real* transposed, Real* to, bool add) {
    multiply_strided<Real>(examples, outputs, in_row, g, row, 1, {transposed, in_row}, {to, in_row}, add);
  }

 private:
  // values = what change makes of them and of the output
  template <typename Change>
  void each(Real* to, Change change) {
    using R = Row<Real, 1>;
    for (int64_t i = 0; i < values(); i += kWidth<Real>) change(R::at(to + i), R::at(out + i)).put(to + i);
  }
};

template <typename Real>
class Network {
 public:
  explicit Network(const Call<Real>& call) : call_(call) {
    for (int64_t n = 0; n < call.layers; n++) {
      layers_.emplace_back(call.examples, call.sizes[n], call.sizes[n + 1], n == 0, n + 1 == call.layers);
      numbers_ += layers_.back().numbers(), memory_numbers_ += layers_.back().memory_numbers();
    }
  }

  // In memory, for each task.
  int64_t memory_numbers() const { return memory_numbers_; }

  void gradient() {
    for (int64_t task = 0; task < call_.tasks; task++) {
      go_to(task);
      forward();
      backward(call_.result + task * numbers_);
    }
  }

  void hessian_product() {
    for (auto& layer : layers_) layer.take_memory_for_a_direction();
    for (int64_t task = 0; task < call_.tasks; task++) {
      go_to(task);
      tangent();
      backward_tangent(call_.result + (call_.shared ? 0 : task * numbers_), call_.shared && task);
    }
  }

 private:
  const Call<Real>& call_;
  std::vector<Layer<Real>> layers_;
  int64_t numbers_ = 0, memory_numbers_ = 0;
  const Real *x_, *y_, *parameters_, *direction_;  // of the task
  Real* outputs_;

  void go_to(int64_t task) {
    x_ = call_.x + task * call_.examples * layers_.front().inputs;
    y_ = call_.y + task * call_.examples * layers_.back().outputs;
    outputs_ = call_.outputs + task * call_.examples * layers_.back().outputs;
    parameters_ = call_.parameters + (call_.shared ? 0 : task * numbers_);
    direction_ = call_.direction + task * numbers_;
    Real* memory = call_.memory + task * memory_numbers_;
    for (auto& layer : layers_) layer.use(memory), memory += layer.memory_numbers();
  }

  // Calls visit(layer, where its parameters begin among all, the layer below or none), first to last or last to first.
  template <typename Visit>
  void upwards(Visit visit) {
    Layer<Real>* below = nullptr;
    int64_t place = 0;
    for (auto& layer : layers_) visit(layer, place, below), place += layer.numbers(), below = &layer;
  }
  template <typename Visit>
  void downwards(Visit visit) {
    int64_t place = numbers_;
    for (size_t n = layers_.size(); n--;) visit(layers_[n], place -= layers_[n].numbers(), n ? &layers_[n - 1] : nullptr);
  }

  void forward() {
    upwards([&](auto& layer, int64_t place, auto* below) { layer.forward(below ? below->out : x_, parameters_ + place); });
    const auto& top = layers_.back();
    for (int64_t n = 0; n < top.examples; n++) std::copy_n(top.out + n * top.row, top.outputs, outputs_ + n * top.outputs);
  }

  void backward(Real* gradient) {
    auto& top = layers_.back();
    std::fill_n(top.g, top.values(), Real(0));
    for (int64_t n = 0; n < top.examples; n++)
      for (int64_t k = 0; k < top.outputs; k++)
        top.g[n * top.row + k] = (top.out[n * top.row + k] - y_[n * top.outputs + k]) * Real(call_.factor);
    downwards([&](auto& layer, int64_t place, auto* below) {
      layer.weigh(below ? below->out : x_, layer.g, gradient + place, false);
      layer.weigh_bias(layer.g, gradient + place, false);
      if (!below) return;
      layer.transpose(parameters_ + place, layer.transposed);
      layer.back(layer.g, layer.transposed, below->g, false);
      below->cut(below->g);
    });
  }

  void tangent() {
    upwards([&](auto& layer, int64_t place, auto* below) {
      layer.tangent(below ? below->out : x_, below ? below->out_dot.data() : nullptr, parameters_ + place, direction_ + place);
    });
  }

  void backward_tangent(Real* product, bool add) {
    auto& top = layers_.back();
    for (int64_t i = 0; i < top.values(); i++) top.g_dot[i] = top.out_dot[i] * Real(call_.factor);
    downwards([&](auto& layer, int64_t place, auto* below) {
      layer.weigh(below ? below->out : x_, layer.g_dot.data(), product + place, add);
      layer.weigh_bias(layer.g_dot.data(), product + place, add);
      if (!below) return;
      layer.weigh(below->out_dot.data(), layer.g, product + place, true);
      layer.transpose(direction_ + place, layer.transposed_dot.data());
      layer.back(layer.g_dot.data(), layer.transposed, below->g_dot.data(), false);
      layer.back(layer.g, layer.transposed_dot.data(), below->g_dot.data(), true);
      below->cut(below->g_dot.data());
    });
  }
};

}  // namespace

extern "C" {
int vector_bytes() { return kVectorBytes; }
#define EXPORT(Real)                                                                                              \
  int gradient_##Real(const Call<Real>* call) { return done([=] { Network<Real>(*call).gradient(); }); }          \
  int hessian_product_##Real(const Call<Real>* call) { return done([=] { Network<Real>(*call).hessian_product(); }); } \
  int64_t memory_##Real(const Call<Real>* call) { return Network<Real>(*call).memory_numbers(); }
EXPORT(float)
EXPORT(double)
}
