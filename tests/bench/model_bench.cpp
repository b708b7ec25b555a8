// Images a second of a whole model, by processor time of one thread or by the clock on several: floating point, eMSB-Q on arrays
// without errors, at error rates, and on a die. model_torch.py runs PyTorch beside it.
//
//   model_bench MODEL DATASET [EXAMPLES [THREADS [SETTING...]]]
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "flare_arch/base/freed_memory.hpp"
#include "flare_arch/models/accuracy.hpp"

namespace flare::arch {
namespace {

/// Examples that are read once: files are not what is timed.
class Kept : public ExampleSet {
 public:
  Kept(const ExampleSet& from, std::int64_t count) {
    for (std::int64_t i = 0; i < std::min(count, from.size()); ++i) examples_.push_back(from.example(i));
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(examples_.size()); }
  Example example(std::int64_t index) const override { return examples_[static_cast<std::size_t>(index)]; }

 private:
  std::vector<Example> examples_;
};

double seconds(bool by_clock) {
  timespec t{};
  clock_gettime(by_clock ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct Setting {
  std::string name;
  double rate = 0;  // of wrong reads
  bool die = false;
};

AccuracyOptions options_of(const Setting& s, int threads) {
  AccuracyOptions o;
  o.quantizer = s.name == "float" ? "float" : "emsbq";
  o.threads = threads;
  o.calibration_examples = 4;
  if (s.rate > 0)
    o.weight_arrays = o.dynamic_arrays =
        std::make_shared<ErrorModel>(ErrorModel::neighbour_errors(8, s.rate));
  if (s.die) {
    o.mode = ErrorMode::die;
    o.weight_arrays = o.dynamic_arrays =
        std::make_shared<ErrorModel>(ErrorModel::gaussian(8, 9, {0.03, 0.005, 0.03}, {0}));
  }
  return o;
}

/// Seconds an example: of one thread the best example, as model_torch.py takes it; of several the mean. A die is made before its
/// first example is counted: that takes as long as some examples, once a die.
double seconds_an_example(const Transformer& model, const Dataset& data, AccuracyOptions o, bool by_clock) {
  const double start = seconds(by_clock);
  double first = 0, last = 0, best = 1e30;
  o.progress = [&](std::int64_t done, std::int64_t) {
    const double now = seconds(by_clock);
    if (done == 1)
      first = now;
    else
      best = std::min(best, now - last);
    last = now;
  };
  const AccuracyResult r = evaluate_accuracy(model, data, o);
  if (!by_clock) return best;
  // On several threads what comes before the first answer belongs to it, but for a die.
  const auto examples = static_cast<double>(r.examples);
  return o.mode == ErrorMode::die ? (last - first) / (examples - 1) : (last - start) / examples;
}

void time(const Transformer& model, const Dataset& data, const Setting& s, int threads) {
  AccuracyOptions o = options_of(s, threads);
  o.layers = std::make_shared<LayerCache>(model, data.train);
  const bool by_clock = threads > 1;
  double best = 1e30;
  for (int turn = 0; turn < (s.die ? 1 : 3); ++turn)  // the first prepares the layers, too
    best = std::min(best, seconds_an_example(model, data, o, by_clock));
  fmt::print("{:<14} {} thread{} {:8.2f} images/s {:9.2f} ms\n", s.name, threads, threads > 1 ? "s" : " ",
             1 / best, 1e3 * best);
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  if (argc < 3) return fmt::print(stderr, "model_bench MODEL DATASET [EXAMPLES [THREADS [SETTING...]]]\n"), 2;
  keep_freed_memory();
  const Transformer model = Transformer::load(argv[1]);
  const Dataset files = load_dataset(argv[2], model.spec(), argv[1]);
  const int examples = argc > 3 ? std::atoi(argv[3]) : 8, threads = argc > 4 ? std::atoi(argv[4]) : 1;
  Dataset data = files;
  data.test = std::make_shared<Kept>(*files.test, examples);
  data.train = std::make_shared<Kept>(*files.train, 4);
  omp_set_num_threads(threads);
  const std::vector<Setting> settings = {{"float"},
                                         {"emsbq"},
                                         {"emsbq 1e-6", 1e-6},
                                         {"emsbq 1e-5", 1e-5},
                                         {"emsbq 1e-3", 1e-3},
                                         {"emsbq die", 0, true}};
  for (const Setting& s : settings)
    if (argc <= 5 || std::any_of(argv + 5, argv + argc, [&](const char* a) { return s.name == a; }))
      time(model, data, s, threads);
  return 0;
}

}  // namespace
}  // namespace flare::arch

int main(int argc, char** argv) {
  try {
    return flare::arch::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 2;
  }
}
