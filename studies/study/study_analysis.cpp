#include "studies/study/study_analysis.hpp"

#include "engine/netlist/deck_lexer.hpp"
#include "studies/study/vector_word.hpp"

namespace flare::studies {

namespace {

using engine::Analysis;
using engine::AnalysisKind;

/// Kind of a source by its flat name: 'v' of "v.x1.vs" and "vs".
char source_kind(const std::string& name) { return name.empty() ? ' ' : name.front(); }

const char* swept_unit(const Analysis& analysis) { return source_kind(analysis.swept) == 'i' ? "A" : "V"; }

Analysis read_transient(Section& s) {
  Analysis analysis;
  analysis.stop = s.quantity("stop", "s");
  analysis.step = s.quantity("step", "s", analysis.stop / 200.0);
  analysis.max_step = s.quantity("max_step", "s", 0.0);
  if (!(analysis.stop > 0.0 && analysis.step > 0.0)) s.fail("", "'stop' and 'step' must be above 0");
  return analysis;
}

Analysis read_dc_sweep(Section& s) {
  Analysis analysis;
  analysis.kind = AnalysisKind::dc_sweep;
  analysis.swept = engine::lower(s.text("sweep"));
  const char kind = source_kind(analysis.swept);
  if (kind != 'v' && kind != 'i') {
    s.fail("sweep", "names the voltage or current source that is swept, e.g. \"vin\" or \"v.x1.vin\"");
  }
  analysis.start = s.quantity("start", swept_unit(analysis));
  analysis.stop = s.quantity("stop", swept_unit(analysis));
  if (!(analysis.start < analysis.stop)) s.fail("start", "must be below 'stop'");
  analysis.step = s.quantity("step", swept_unit(analysis), (analysis.stop - analysis.start) / 200.0);
  if (!(analysis.step > 0.0 && analysis.step <= analysis.stop - analysis.start)) {
    s.fail("step", "must be above 0 and no more than the whole sweep");
  }
  return analysis;
}

Analysis read_ac_sweep(Section& s) {
  Analysis analysis;
  analysis.kind = AnalysisKind::ac_sweep;
  analysis.start = s.quantity("start", "Hz");
  analysis.stop = s.quantity("stop", "Hz");
  if (!(analysis.start > 0.0 && analysis.start < analysis.stop))
    s.fail("start", "must be above 0 and below 'stop'");
  analysis.points = static_cast<int>(s.integer("points", 50, 1, 100'000));
  return analysis;
}

/// Spectral densities at an output, and referred to an input.
Analysis read_noise(Section& s) {
  Analysis analysis = read_ac_sweep(s);
  analysis.kind = AnalysisKind::noise;
  try {
    const VectorWord output = parse_vector(s.text("output"));
    if (output.unit != "V" || output.negated) throw VectorError("expected v(node) or v(a,b)");
    const auto inner = [](const std::string& v) { return v.substr(2, v.size() - 3); };
    analysis.output = output.reference.empty()
                          ? output.vector
                          : "v(" + inner(output.vector) + "," + inner(output.reference) + ")";
  } catch (const VectorError& error) {
    s.fail("output", error.what());
  }
  analysis.swept = engine::lower(s.text("input"));
  const char kind = source_kind(analysis.swept);
  if (kind != 'v' && kind != 'i') {
    s.fail("input", "names the voltage or current source that the noise is referred to, e.g. \"vin\"");
  }
  return analysis;
}

}  // namespace

Analysis read_analysis(Section& circuit) {
  const std::string kind =
      circuit.choice("analysis", {"transient", "operating_point", "dc", "ac", "noise"}, "transient");
  if (kind == "dc") return read_dc_sweep(circuit);
  if (kind == "ac") return read_ac_sweep(circuit);
  if (kind == "noise") return read_noise(circuit);
  if (kind == "transient") return read_transient(circuit);
  Analysis analysis;
  analysis.kind = AnalysisKind::operating_point;
  return analysis;
}

AnalysisAxis axis_of(const Analysis& analysis) {
  switch (analysis.kind) {
    case AnalysisKind::operating_point:
      return {"", 0.0, 0.0};
    case AnalysisKind::dc_sweep:
      return {swept_unit(analysis), analysis.start, analysis.stop};
    case AnalysisKind::ac_sweep:
    case AnalysisKind::noise:
      return {"Hz", analysis.start, analysis.stop};
    case AnalysisKind::transient:
      break;
  }
  return {"s", 0.0, analysis.stop};
}

}  // namespace flare::studies
