#include "studies/cli/options_perplexity.hpp"

#include "studies/model/perplexity_sweep.hpp"

namespace flare::studies {

void add_perplexity(CLI::App& app, PerplexityCommand& c) {
  CLI::App* p = app.add_subcommand("perplexity",
                                   "Loss of a decoder on a text, attention on gain cells or with softmax");
  p->add_option("--model", c.model, "Folder of the model, e.g. data/models/char_decoder/linear")->required();
  p->add_option("--text", c.text, "Text, e.g. data/text/shakespeare_validation.txt")->required();
  p->add_option("--attention", c.attention, "softmax, linear (gain cells without curvature), cell")
      ->check(CLI::IsMember({"softmax", "linear", "cell"}))
      ->capture_default_str();
  p->add_option("--cells", c.cells, cell_spec_help)->capture_default_str();
  p->add_option("--window", c.window, "Tokens a head keeps; default: as long as the model's")
      ->check(CLI::Range(1, 65'536));
  p->add_option("--token-time", c.token_time,
                "Time from token to token, of cells whose retention was measured")
      ->capture_default_str();
  p->add_option("--decay", c.decay, "Decay per token in place of the measured retention")
      ->check(CLI::NonNegativeNumber);
  p->add_flag("--transfer", c.transfer, "The measured levels' own currents in place of their polynomial");
  p->add_flag("--adapt", c.adapt, "Fit the scalers to the cells, by forward passes");
  p->add_option("--adapt-text", c.adaptation_text, "Text for that; default: the beginning of --text");
  p->add_option("--trained-on", c.trained_on, "Cells whose statistics are the target")->capture_default_str();
  p->add_flag("--reset-scalers", c.reset_scalers, "Begin at a = 1, b = 0");
  p->add_option("--dies", c.dies, "Dies to draw from the measured mismatch; 0: every cell its mean")
      ->check(CLI::Range(0, 10'000))
      ->capture_default_str();
  p->add_option("--mismatch", c.mismatch, "Times the measured sigma")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  p->add_option("--noise", c.noise, "Sigma of a pulse's width, of the longest, drawn afresh every time")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  p->add_option("--characters", c.characters, "Characters of the text, from the first; 0: all")
      ->check(CLI::NonNegativeNumber);
  p->add_option("--seed", c.seed, "Of dies and noise")->check(CLI::NonNegativeNumber)->capture_default_str();
  p->add_option("--sweep", c.sweep, "Many points, with and without adaptation")
      ->check(CLI::IsMember(perplexity_sweeps()));
  p->add_option("--recovery", c.recovery,
                "What adaptation brings back, over this many seeds of text, batch and die")
      ->check(CLI::Range(1, 10'000));
  p->add_option("--figures", c.figures, "Folder for the figure (SVG) of the sweep, recovery or adaptation")
      ->type_name("DIR");
  p->add_option("-o,--out", c.out, "HDF5 file for the tables");
}

}  // namespace flare::studies
