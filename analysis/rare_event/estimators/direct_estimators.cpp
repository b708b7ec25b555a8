#include "analysis/rare_event/estimators/direct_estimators.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/rare_event/sampling/plain_monte_carlo.hpp"
#include "analysis/rare_event/sampling/scaled_sigma.hpp"
#include "analysis/rare_event/sampling/subset_simulation.hpp"

namespace flare::analysis {
namespace {

class PlainRuns : public Estimator {
 public:
  std::string_view name() const override { return "plain runs"; }
  void pilot(Findings& findings) override {
    EstimatorSession& session = findings.session;
    const std::uint64_t runs = std::min<std::uint64_t>(1000, session.ledger().remaining() / 4);
    const RareEventSummary first =
        plain_monte_carlo(session.ledger(), runs, session.random(), Purpose::pilot);
    wanted_ = monte_carlo_runs_for(first.p(), session.options().target_half_width);
    forecast_.usable = true;
  }
  RareEventSummary estimate(Findings& findings) override {
    EstimatorSession& session = findings.session;
    return plain_monte_carlo(session.ledger(), std::min(wanted_, session.ledger().remaining()),
                             session.random(), Purpose::estimate);
  }

 private:
  std::uint64_t wanted_ = 0;
};

// All that is left of the budget, without a pilot.
class WithoutPilot : public Estimator {
 public:
  using Run = RareEventSummary (*)(EstimatorSession& session);
  WithoutPilot(std::string_view name, Run run) : name_(name), run_(run) {}

  std::string_view name() const override { return name_; }
  void pilot(Findings& /*findings*/) override { forecast_.usable = true; }
  RareEventSummary estimate(Findings& findings) override { return run_(findings.session); }

 private:
  std::string_view name_;
  Run run_;
};

}  // namespace

std::unique_ptr<Estimator> plain_runs() { return std::make_unique<PlainRuns>(); }

std::unique_ptr<Estimator> sobol_points() {
  return std::make_unique<WithoutPilot>("Sobol points", [](EstimatorSession& session) {
    return quasi_monte_carlo(session.ledger(), session.ledger().remaining(), session.options().seed,
                             Purpose::estimate);
  });
}

std::unique_ptr<Estimator> subset_repeats() {
  return std::make_unique<WithoutPilot>("subset simulation", [](EstimatorSession& session) {
    return repeat_subset_simulation(session.ledger(), session.ledger().remaining(), session.random(),
                                    Purpose::estimate);
  });
}

std::unique_ptr<Estimator> scaled_sigma_fit() {
  return std::make_unique<WithoutPilot>("scaled sigma", [](EstimatorSession& session) {
    return scaled_sigma(session.ledger(), session.ledger().remaining(), session.random(), Purpose::estimate);
  });
}

}  // namespace flare::analysis
