// Inputs from inputs: bits, bytes, lengths and pieces changed, by a generator whose seed is all that a finding depends on.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace flare::testing {

class Mutator {
 public:
  Mutator(std::vector<std::string> corpus, std::uint64_t seed) : corpus_(std::move(corpus)), random_(seed) {}

  /// One of the corpus with one to eight changes.
  std::string next();

 private:
  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_() % n; }
  void change(std::string& input);

  std::vector<std::string> corpus_;
  std::mt19937_64 random_;
};

/// A corpus as it stands, what was found before, then mutations of it.
class InputStream {
 public:
  InputStream(std::vector<std::string> corpus, std::uint64_t seed)
      : corpus_(std::move(corpus)), mutator_(corpus_, seed) {}

  std::string next() { return at_ < corpus_.size() ? corpus_[at_++] : mutator_.next(); }

 private:
  std::vector<std::string> corpus_;
  Mutator mutator_;
  std::size_t at_ = 0;
};

}  // namespace flare::testing
