#include "studies/column/column_tail_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "engine/base/content_hash.hpp"
#include "studies/column/column_bounds.hpp"
#include "studies/run/work_estimate.hpp"

namespace flare::studies {

namespace {

struct BudgetSpent {};

}  // namespace

TailStage::TailStage(const StudyRun& run, const ColumnDesign& design)
    : run_(run), design_(design), runner_(run, design), asking_(asking_converters(run.study)) {}

void TailStage::learn(int sawl) {
  if (run_.study.estimator.method != "auto" || asking_.empty()) return;
  for (const int next : run_.study.column->sawl) {
    if (!learnt_.contains(next)) learnt_[next] = learn_full_scale(next);
    if (next == sawl) return;
  }
}

// The stand-ins of the nominal corner's full-scale level, which its point estimates with the same runs.
TailStage::StandIns TailStage::learn_full_scale(int sawl) const {
  const std::size_t nominal = nominal_point(run_.study, design_.points, sawl);
  const engine::RunRequest request = plain_samples(run_.study, design_, nominal, sawl);
  const SampleSet plain{request.stream, 0, request.testbench, request.points,
                        runner_.make(nominal, sawl, request)};
  return estimate({nominal, sawl}, plain, 0, {}).surrogates;
}

// The nominal corner's full-scale level starts from the SAWL before, every other level from that one.
const TailStage::StandIns& TailStage::warm_starts_of(const LevelItem& item) const {
  const ColumnPoint& point = design_.points[item.point];
  const std::vector<int>& sawl = run_.study.column->sawl;
  auto from = std::find(sawl.begin(), sawl.end(), point.sawl);
  if (point.corner == run_.study.nominal && item.k == point.sawl) {
    if (from == sawl.begin()) return none_;
    --from;
  }
  const auto known = learnt_.find(*from);
  return known == learnt_.end() ? none_ : known->second;
}

std::vector<LevelTails> TailStage::estimate(const std::vector<LevelItem>& items,
                                            const std::vector<SampleSet>& plain) {
  std::vector<LevelTails> tails;
  std::vector<AskedRuns> asked(items.size());
  if (run_.study.estimator.method == "fit" || asking_.empty() || items.empty()) return tails;
  tails.resize(items.size());
  std::vector<double> weights;
  for (const LevelItem& item : items) {
    learn(design_.points[item.point].sawl);
    weights.push_back(run_weight(design_.points[item.point].sawl));
  }
  run_.progress.stage("tails");
  std::atomic<std::size_t> runs = 0;
  std::atomic<std::size_t> levels = 0;
  std::vector<std::function<void()>> tasks;
  for (const std::size_t i : heaviest_first(weights)) {
    tasks.emplace_back([&, i] {
      tails[i] = estimate(items[i], plain[i], 0, noted_in(asked[i]));
      keep_note(items[i], tails[i]);
      runs += tails[i].runs();
      const std::size_t done = ++levels;
      run_.progress.update(static_cast<double>(done) / static_cast<double>(items.size()),
                           fmt::format("{} runs, {} of {} levels", runs.load(), done, items.size()));
    });
  }
  run_.at_once(tasks);
  run_.progress.finish(fmt::format("{} runs", runs.load()));
  if (run_.shard.count > 1) return tails;
  ask_again(items, plain, asked, tails);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::vector<SetConverter> converters = converters_of(items[i].point);
    bound_by_others(tails[i], questions_of(static_cast<std::size_t>(items[i].k), converters), converters,
                    run_.study.target.largest());
  }
  return tails;
}

void TailStage::ask_again(const std::vector<LevelItem>& items, const std::vector<SampleSet>& plain,
                          std::vector<AskedRuns>& asked, std::vector<LevelTails>& tails) const {
  std::vector<engine::EstimateNote> notes;
  notes.reserve(tails.size());
  for (const LevelTails& level : tails) notes.push_back({level.runs(), level.refused()});
  std::vector<std::function<void()>> tasks;
  for (const Again& again : asked_again(items, notes)) {
    tasks.emplace_back([&, again] {
      const std::size_t i = again.item;
      if (auto answer = estimate_again(items[i], plain[i], again, asked[i])) tails[i] = std::move(*answer);
    });
  }
  if (tasks.empty()) return;
  run_.progress.stage("tails without an answer");
  run_.at_once(tasks);
  run_.progress.finish(fmt::format("{} levels asked again with what is left of the budget", tasks.size()));
}

std::vector<TailStage::Again> TailStage::asked_again(const std::vector<LevelItem>& items,
                                                     const std::vector<engine::EstimateNote>& notes) const {
  std::map<std::size_t, std::uint64_t> spent;
  std::map<std::size_t, std::uint64_t> refused;
  for (std::size_t i = 0; i < items.size(); ++i) {
    spent[items[i].point] += notes[i].runs;
    refused[items[i].point] += notes[i].refused ? 1 : 0;
  }
  const auto budget = static_cast<std::uint64_t>(run_.study.estimator.budget);
  std::vector<Again> asked;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t p = items[i].point;
    const std::uint64_t more = notes[i].refused && spent[p] < budget ? (budget - spent[p]) / refused[p] : 0;
    // What it did not use of its own share is in that sum already.
    const std::uint64_t share = share_of_level(items[i]);
    const std::uint64_t unused = share - std::min(share, notes[i].runs);
    if (more > unused) asked.push_back({i, more - unused, more});
  }
  return asked;
}

void TailStage::ask_share_again(const std::vector<LevelItem>& items) {
  if (run_.study.estimator.method == "fit" || asking_.empty()) return;
  std::vector<engine::EstimateNote> notes;
  notes.reserve(items.size());
  for (const LevelItem& item : items) notes.push_back(note_of(item));
  const std::vector<Again> asked = asked_again(items, notes);
  std::vector<double> weights;
  for (const Again& again : asked) {
    // However much is left, an answer usually takes no more than at first.
    const auto most = static_cast<double>(std::min<std::uint64_t>(again.more, usual_tail_runs));
    weights.push_back(run_weight(design_.points[items[again.item].point].sawl) * most);
  }
  std::vector<LevelItem> mine;
  std::vector<Again> again;
  for (const std::size_t i : items_of(weights, run_.shard)) {
    mine.push_back(items[asked[i].item]);
    again.push_back(asked[i]);
  }
  if (mine.empty()) return;
  const std::vector<SampleSet> plain = sample_levels(run_, design_, mine, [&] {
    for (const LevelItem& item : mine) learn(design_.points[item.point].sawl);
  });
  std::vector<std::function<void()>> tasks;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    tasks.emplace_back([&, i] {
      AskedRuns before;
      estimate(mine[i], plain[i], 0, noted_in(before));  // all of its runs are there
      estimate_again(mine[i], plain[i], again[i], before);
    });
  }
  run_.progress.stage("tails without an answer");
  run_.at_once(tasks);
  run_.progress.finish(fmt::format("{} of {} levels asked again", mine.size(), asked.size()));
}

// The study's text decides all else that a level comes to.
void TailStage::keep_note(const LevelItem& item, const LevelTails& tails) const {
  run_.store.notes().add(stream_of(item), engine::fnv1a(run_.study.text), {tails.runs(), tails.refused()});
}

engine::EstimateNote TailStage::note_of(const LevelItem& item) const {
  const auto note = run_.store.notes().find(stream_of(item), engine::fnv1a(run_.study.text));
  if (note) return *note;
  throw StudyError(stream_of(item) +
                   ": none of the parts taken in has come to an end of it; give all of them");
}

std::string TailStage::stream_of(const LevelItem& item) const {
  return fmt::format("tails/{}/k{}", point_name(run_.study, design_.points[item.point]), item.k);
}

// Plain counting takes up its stream where it left it: none of its first runs is left behind, and there may be 1e7.
TailStage::Spend TailStage::noted_in(AskedRuns& asked) const {
  if (run_.study.estimator.method == "monte_carlo") return {};
  return [&asked](const engine::RunRequest& request) { asked.add(request); };
}

std::optional<LevelTails> TailStage::estimate_again(const LevelItem& item, const SampleSet& plain,
                                                    const Again& again, AskedRuns& asked) const {
  if (run_.study.estimator.method == "monte_carlo") return estimate(item, plain, again.more, {});
  std::uint64_t fresh = 0;
  try {
    return estimate(item, plain, again.more, [&](const engine::RunRequest& request) {
      fresh += asked.add(request);
      if (fresh > again.fresh) throw BudgetSpent();
    });
  } catch (const BudgetSpent&) {
    return std::nullopt;
  }
}

LevelTails TailStage::estimate(const LevelItem& item, const SampleSet& plain, std::uint64_t more,
                               const Spend& spend) const {
  const TailLevel level{static_cast<std::size_t>(item.k), &plain,
                        [&](const StudyRun& run, const engine::RunRequest& request) {
                          if (spend) spend(request);
                          return LevelRunner(run, design_).make(item.point, item.k, request);
                        }};
  return estimate_level(run_, level, converters_of(item.point), options_for(item, more));
}

std::vector<SetConverter> TailStage::converters_of(std::size_t p) const {
  std::vector<SetConverter> converters;
  for (const std::size_t c : asking_)
    converters.push_back(set_converter(run_.study, design_, p, run_.study.converters[c]));
  return converters;
}

std::uint64_t TailStage::share_of_level(const LevelItem& item) const {
  const auto levels = static_cast<std::uint64_t>(design_.points[item.point].sawl) + 1;
  return static_cast<std::uint64_t>(run_.study.estimator.budget) / levels;
}

TailOptions TailStage::options_for(const LevelItem& item, std::uint64_t more) const {
  const ColumnPoint& point = design_.points[item.point];
  TailOptions options;
  options.stream = "tails/" + point_name(run_.study, point);
  options.accuracy = run_.study.estimator.accuracy;
  options.budget = share_of_level(item) + more;
  options.point_budget = static_cast<std::uint64_t>(run_.study.estimator.budget);
  options.method = run_.study.estimator.method;
  options.warm_starts = warm_starts_of(item);
  return options;
}

}  // namespace flare::studies
