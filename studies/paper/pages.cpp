#include <fmt/format.h>

#include "studies/paper/paper.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

arch::Architecture paper_architecture() {
  arch::Architecture a;
  a.name = "paper";
  a.kv_bits = 8;
  a.batch = 1'000'000;  // one loading of weights for a long run of sequences
  return a;
}

const std::vector<PageMaker>& page_makers() {
  static const std::vector<PageMaker> makers = {
      {"table1", "TABLE 1: the design", table1_page},
      {"slip", "524,288 cycles at 10 ns", slip_page},
      {"fig7", "Fig. 7: sparsity by grain", fig7_page},
      {"fig9", "Fig. 9: sizes of arrays; SAWL chosen by Monte Carlo", fig9_page},
      {"fig14", "Fig. 14: array parallelism", fig14_page},
      {"fig15", "Fig. 15: accuracy", fig15_page},
      {"fig16", "Fig. 16: BitSift's boost", fig16_page},
      {"fig17", "Fig. 17: tokens a second", fig17_page},
      {"fig18", "Fig. 18: tokens a joule", fig18_page},
      {"silicon", "The cost model beside published macros", silicon_page},
      {"sawl", "Energy of a MAC over SAWL at six sigma", sawl_page},
      {"latency", "Time over SAWL", latency_page},
      {"pareto", "Accuracy against energy over SAWL and ENOB", pareto_page},
      {"tokens", "Cost over the length of a sequence", tokens_page},
      {"width", "Cost over the model's width", width_page},
      {"tornado", "What the answer hangs on", tornado_page}};
  return makers;
}

const std::vector<int>& designed_sawl() {
  static const std::vector<int> values = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32};
  return values;
}

void require_data(const PaperInputs& in, const std::string& page) {
  if (in.model.empty() || in.dataset.empty())
    throw StudyError(
        fmt::format("{}: needs --model and --dataset, e.g. --model data/models/digits_vit --dataset "
                    "data/digits/digits.csv",
                    page));
}

CostModel shape_model(const std::string& name) { return CostModel::load(name, {}, {}); }

}  // namespace flare::studies
