#include "studies/study/key_place.hpp"

#include "studies/study/vector_word.hpp"

namespace flare::studies {

namespace {

/// The study's text, read again: nobody needs the places of its keys but for an error.
class StudyText {
 public:
  explicit StudyText(const Study& study) : table_(toml::parse(study.text)), root_(table_, "", study.file) {}

  std::vector<Section> tables(std::string_view name) { return root_.sections(name); }

 private:
  toml::table table_;
  Section root_;
};

bool names(Section& measure, std::string_view key, const engine::Analysis& analysis,
           const std::string& vector) {
  if (!measure.has_text(key)) return false;
  const std::string text = measure.text(key);
  const VectorWord word =
      analysis.kind == engine::AnalysisKind::ac_sweep ? parse_small_signal(text) : parse_vector(text);
  return word.vector == vector || word.reference == vector;
}

}  // namespace

std::string vector_place(const Study& study, const std::string& vector) {
  StudyText text(study);
  for (Section& measure : text.tables("measure")) {
    for (const char* key : {"vector", "minus", "when"}) {
      if (names(measure, key, study.circuit->analysis, vector)) return measure.place(key);
    }
  }
  return study.file.string();
}

std::string parameter_place(const Study& study, const DeviceVariation& variation) {
  StudyText text(study);
  for (Section& table : text.tables("variation")) {
    for (const char* target : {"devices", "model", "param", ""}) {
      if (table.place(target) == variation.place) return table.place("parameter");
    }
  }
  return variation.place;
}

}  // namespace flare::studies
