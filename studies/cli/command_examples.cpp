#include "studies/cli/command_examples.hpp"

#include <array>
#include <string>
#include <utility>

namespace flare::studies {

namespace {

constexpr std::array<std::pair<const char*, const char*>, 13> examples{{
    {"run", "flare run studies/pick_sawl.toml -o pick_sawl.h5 --set estimator.budget=10000"},
    {"check", "flare check studies/pick_sawl.toml --netlists netlists"},
    {"keys", "flare keys > KEYS.md"},
    {"merge",
     "flare merge pick_sawl.h5 part1.h5 part2.h5, of flare run STUDY --shard 1/2 -o part1.h5, and so on"},
    {"batch", "flare batch studies/pick_sawl.toml --slurm --tasks 64 --submit"},
    {"status", "flare status pick_sawl.h5"},
    {"report", "flare report pick_sawl.h5 -o report, then open report/index.html"},
    {"replay", "flare replay pick_sawl.h5 --worst -n 3 -o worst.svg"},
    {"accuracy",
     "flare accuracy pick_sawl.h5 --model data/models/digits_vit --dataset data/digits/digits.csv --sawl 8"},
    {"sparsity", "flare sparsity data/models/digits_vit data/digits/digits.csv --figures figures"},
    {"cost", "flare cost bert_base:512 --architecture studies/cost/flare.toml"},
    {"paper", "flare paper fig9 --study pick_sawl.h5 -o figures"},
    {"perplexity",
     "flare perplexity --model data/models/char_decoder/linear --text data/text/shakespeare_validation.txt"},
}};

}  // namespace

void add_examples(CLI::App& app) {
  for (const auto& [name, example] : examples)
    app.get_subcommand(name)->footer(std::string("Example: ") + example);
}

}  // namespace flare::studies
