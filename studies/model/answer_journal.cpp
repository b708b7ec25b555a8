#include "studies/model/answer_journal.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <type_traits>

#include "engine/base/content_hash.hpp"
#include "engine/base/output_file.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {
namespace {

constexpr std::string_view heading = "flare answers 1\n";
constexpr std::uint64_t longest_record = std::uint64_t{1} << 32;

template <class Value>
void put(std::string& bytes, const Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// Takes values from the front of `bytes`; is_ok() is false once one did not fit.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}
  template <class Value>
  Value take() {
    Value value{};
    ok_ = ok_ && bytes_.size() >= sizeof value;
    if (!ok_) return value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  bool is_ok() const { return ok_; }
  bool is_empty() const { return bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

void put_answer(std::string& bytes, const arch::Answer& a) {
  put(bytes, a.label);
  put(bytes, a.answer);
  put(bytes, a.score.sum);
  put(bytes, a.score.weight);
  put(bytes, static_cast<std::int32_t>(a.in_five));
  put(bytes, a.target);
  put(bytes, a.deviation.divergence);
  put(bytes, a.deviation.logit_error);
}

arch::Answer take_answer(Taker& from) {
  arch::Answer a;
  a.label = from.take<std::int32_t>();
  a.answer = from.take<std::int32_t>();
  a.score.sum = from.take<double>();
  a.score.weight = from.take<double>();
  a.in_five = from.take<std::int32_t>() != 0;
  a.target = from.take<double>();
  a.deviation.divergence = from.take<double>();
  a.deviation.logit_error = from.take<double>();
  return a;
}

}  // namespace

std::string answer_record(std::uint64_t key, const arch::AnswerBlock& block) {
  std::string bytes;
  put(bytes, key);
  put(bytes, static_cast<std::int32_t>(block.repeat));
  put(bytes, block.first);
  put(bytes, block.counters);
  put(bytes, static_cast<std::int64_t>(block.answers.size()));
  for (const arch::Answer& a : block.answers) put_answer(bytes, a);
  return bytes;
}

bool read_answer_record(std::string_view bytes, std::uint64_t* key, arch::AnswerBlock* block) {
  Taker from(bytes);
  *key = from.take<std::uint64_t>();
  block->repeat = from.take<std::int32_t>();
  block->first = from.take<std::int64_t>();
  block->counters = from.take<arch::AttentionCounters>();
  const auto answers = from.take<std::int64_t>();
  if (!from.is_ok() || answers < 1 || static_cast<std::uint64_t>(answers) > from.left()) return false;
  for (std::int64_t i = 0; i < answers && from.is_ok(); ++i) block->answers.push_back(take_answer(from));
  return from.is_ok() && from.is_empty();
}

namespace {

std::string description(const arch::ErrorModel* model) {
  if (model == nullptr) return "none";
  std::string text = fmt::format("{} {} {}", model->rows_per_read, model->reconstruct, model->thresholds);
  text += fmt::format(" {} {} {} {} {}", model->level_mean, model->frozen.cell_sigma,
                      model->frozen.off_cell_sigma, model->frozen.threshold_offset_sigma,
                      model->per_read.noise_sigma);
  if (!model->frozen.threshold_offset_sigmas.empty() || model->frozen.common_offset)
    text += fmt::format(" {} {}", model->frozen.threshold_offset_sigmas, model->frozen.common_offset);
  for (Eigen::Index i = 0; i < model->confusion.size(); ++i)
    text += fmt::format(" {}", model->confusion.data()[i]);
  return text;
}

std::string description(const arch::SegmentationOptions& s) {
  return fmt::format("{} {} {} {} {}", s.rows_per_read, s.slice_length, static_cast<int>(s.packing),
                     s.strictly_below, s.dummy_rows);
}

std::string description(const arch::IntegerAttentionOptions& a) {
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} | {} | {}", a.input_bits, a.activation_bits, a.kv_bits,
                     a.weight_bits, a.probability_bits, static_cast<int>(a.rounding),
                     static_cast<int>(a.start_bit), static_cast<int>(a.row_scale), a.guard_bits,
                     static_cast<int>(a.input_encoding), static_cast<int>(a.weight_encoding),
                     description(a.stationary), description(a.dynamic));
}

}  // namespace

AnswerJournal::AnswerJournal(std::filesystem::path file) : file_(std::move(file)) {
  engine::check_output(file_);
  read();
  out_.open(file_, std::ios::binary | std::ios::app);
  if (out_ && out_.tellp() == 0) out_ << heading << std::flush;
  if (!out_) throw StudyError(file_.string() + ": cannot be written");
}

void AnswerJournal::read() {
  std::ifstream in(file_, std::ios::binary);
  if (!in) return;
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  if (std::string_view(bytes).substr(0, heading.size()) != heading) {
    if (heading.substr(0, bytes.size()) == bytes) {  // killed while it was begun
      std::filesystem::remove(file_);
      return;
    }
    throw StudyError(file_.string() + ": is no journal of answers; remove it, or write to another place");
  }
  std::size_t at = heading.size();
  while (true) {
    Taker from(std::string_view(bytes).substr(at));
    const auto length = from.take<std::uint64_t>(), hash = from.take<std::uint64_t>();
    if (!from.is_ok() || length > longest_record || length > from.left()) break;
    const std::string_view record = std::string_view(bytes).substr(at + 2 * sizeof length, length);
    std::uint64_t key = 0;
    arch::AnswerBlock block;
    if (engine::fnv1a(record) != hash || !read_answer_record(record, &key, &block)) break;
    const Place place{key, block.repeat, block.first};
    blocks_.insert_or_assign(place, std::move(block));
    at += 2 * sizeof length + length;
  }
  if (at < bytes.size()) std::filesystem::resize_file(file_, at);
}

std::optional<arch::AnswerBlock> AnswerJournal::Evaluation::recall(int repeat, std::int64_t first) {
  const auto known = journal_.blocks_.find({key_, repeat, first});
  if (known == journal_.blocks_.end()) return std::nullopt;
  return known->second;
}

void AnswerJournal::Evaluation::keep(const arch::AnswerBlock& block) {
  const std::string record = answer_record(key_, block);
  std::string framed;
  put(framed, static_cast<std::uint64_t>(record.size()));
  put(framed, engine::fnv1a(record));
  journal_.out_ << framed << record << std::flush;
  if (!journal_.out_) throw StudyError(journal_.file_.string() + ": cannot be written");
}

void AnswerJournal::remove() {
  out_.close();
  std::filesystem::remove(file_);
}

std::uint64_t evaluation_key(const arch::AccuracyOptions& options, std::uint64_t inputs) {
  const std::string text = fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} | {} | {} | {} | {}", FLARE_VERSION, inputs, options.examples,
      options.quantizer, static_cast<int>(options.mode), static_cast<int>(options.path), options.seed,
      options.calibration_examples, options.feed_forward, options.qrazor_group, options.place.layer,
      options.place.operand ? static_cast<int>(*options.place.operand) : -1, description(options.attention),
      description(options.weight_arrays.get()), description(options.dynamic_arrays.get()),
      options.reference != nullptr);
  return engine::fnv1a(text);
}

}  // namespace flare::studies
