// A network of convolution blocks and a linear layer, for one task, with the products with its first and second
// derivatives. Called by conv4.py, in as many threads as there are tasks at a time; nothing is shared among them.

#include "done.h"
#include "head.h"
#include "steps.h"

namespace {

constexpr int kBlocks = 4;

// What conv4.py knows of a network, field by field. `memory` holds all that is computed, and `tangent_memory` what
// depends on a direction; parameters, gradients, directions and products are in two pieces each, as in conv4.py: the
// weights, of the blocks and of the linear layer, with its bias, and the shifts.
template <typename Real>
struct Call {
  int64_t images, channels, height, width, filters, classes, stride, pool;
  double divisor;
  const Real* x;
  const int64_t* labels;
  const Real *weights, *shifts;
  Real *memory, *outputs, *g_weights, *g_shifts;
  const Real* weights_dot;
  Real *tangent_memory, *p_weights, *p_shifts;
};

// Hands out a piece of memory, line of the cache by line.
template <typename Real>
class Pieces {
 public:
  explicit Pieces(Real* start) : start_(start) {}
  Real* take(int64_t count) {
    constexpr int64_t line = 64 / sizeof(Real);
    Real* piece = start_ + used;
    used += (count + line - 1) / line * line;
    return piece;
  }
  int64_t used = 0;

 private:
  Real* start_;
};

// The blocks and the head, with pointers to where their values are.
template <typename Real>
struct Network {
  Block<Real> blocks[kBlocks];
  Head<Real> head;
  int64_t numbers, tangent_numbers;  // in memory, and in tangent_memory

  explicit Network(const Call<Real>& call) {
    measure(call);
    give_memory(call);
    give_parameters(call);
    for (int n = 1; n < kBlocks; n++) {
      blocks[n].x = blocks[n - 1].out, blocks[n].g_x = blocks[n - 1].g_out;
      blocks[n].x_dot = blocks[n - 1].out_dot, blocks[n].g_x_dot = blocks[n - 1].g_out_dot;
    }
    blocks[0].x = call.x;
  }
  Block<Real>& last() { return blocks[kBlocks - 1]; }

 private:
  void measure(const Call<Real>& call) {
    int64_t channels = call.channels, height = call.height, width = call.width;
    for (auto& block : blocks) {
      block = {call.images, height, width, channels, call.filters, call.stride, call.pool != 0, &block == blocks};
      channels = call.filters, height = block.out_rows(), width = block.out_columns();
    }
    head = {call.images, height * width, call.filters, call.classes, !call.pool, call.divisor, call.labels};
  }

  void give_memory(const Call<Real>& call) {
    Pieces<Real> pieces(call.memory), tangent(call.tangent_memory);
    for (auto& s : blocks) {
      const int64_t values = s.pixels() * s.filters, outputs = s.out_pixels() * s.filters;
      s.y = pieces.take(values);
      s.out = pieces.take(outputs), s.g_out = pieces.take(outputs), s.top = s.pool ? pieces.take(outputs) : s.y;
      for (Real** channels : {&s.mean, &s.r, &s.constant, &s.slope, &s.g_h}) *channels = pieces.take(s.filters);
      s.y_dot = tangent.take(values);
      s.constant_dot = tangent.take(s.filters), s.slope_dot = tangent.take(s.filters);
      s.out_dot = tangent.take(outputs), s.g_out_dot = tangent.take(outputs);
    }
    const int64_t features = head.images * head.size(), outputs = head.images * head.classes;
    head.features = pieces.take(features), head.p = pieces.take(outputs), head.g = pieces.take(outputs);
    head.features_dot = tangent.take(features), head.g_dot = tangent.take(outputs);
    head.outputs = call.outputs;
    numbers = pieces.used, tangent_numbers = tangent.used;
  }

  void give_parameters(const Call<Real>& call) {
    int64_t weight = 0, shift = 0;
    for (auto& s : blocks) {
      s.weight = call.weights + weight, s.g_weight = call.g_weights + weight;
      s.weight_dot = call.weights_dot + weight, s.p_weight = call.p_weights + weight;
      s.shift = call.shifts + shift, s.g_shift = call.g_shifts + shift, s.p_shift = call.p_shifts + shift;
      weight += s.weights(), shift += s.filters;
    }
    head.weight = call.weights + weight, head.g_weight = call.g_weights + weight;
    head.weight_dot = call.weights_dot + weight, head.p_weight = call.p_weights + weight;
    weight += head.classes * head.size();
    head.bias = call.weights + weight, head.g_bias = call.g_weights + weight;
    head.bias_dot = call.weights_dot + weight, head.p_bias = call.p_weights + weight;
  }
};

template <typename Real>
void outputs(const Call<Real>& call) {
  Network<Real> network(call);
  for (const auto& block : network.blocks) forward(block);
  forward(network.head, network.last().out);
}

template <typename Real>
void gradient(const Call<Real>& call) {
  Network<Real> network(call);
  backward(network.head, network.last().g_out);
  for (int n = kBlocks; n--;) backward(network.blocks[n]);
}

template <typename Real>
void hessian_product(const Call<Real>& call) {
  Network<Real> network(call);
  for (const auto& block : network.blocks) tangent(block);
  tangent(network.head, network.last().out_dot);
  backward_tangent(network.head, network.last().g_out_dot);
  for (int n = kBlocks; n--;) backward_tangent(network.blocks[n]);
}

}  // namespace

extern "C" {
int vector_bytes() { return kVectorBytes; }
#define EXPORT(Real)                                                                                    \
  int outputs_##Real(const Call<Real>* call) { return done([=] { outputs(*call); }); }                  \
  int gradient_##Real(const Call<Real>* call) { return done([=] { gradient(*call); }); }                \
  int hessian_product_##Real(const Call<Real>* call) { return done([=] { hessian_product(*call); }); }  \
  int64_t numbers_##Real(const Call<Real>* call) { return Network<Real>(*call).numbers; }               \
  int64_t tangent_numbers_##Real(const Call<Real>* call) { return Network<Real>(*call).tangent_numbers; }
EXPORT(float)
EXPORT(double)
}
