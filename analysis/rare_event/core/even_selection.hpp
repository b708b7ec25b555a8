// All items of a stream, or every second, fourth, ... where there are many, so that memory stays bounded.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "engine/base/matrix.hpp"

namespace flare::analysis {

/// Points of that dimension that a megabyte holds, 60 at least.
inline std::size_t points_worth_keeping(Eigen::Index dimension) {
  constexpr Eigen::Index numbers = 100'000;
  return static_cast<std::size_t>(std::max<Eigen::Index>(60, numbers / dimension));
}

template <class T>
class EvenSelection {
 public:
  /// At most `most` items, 2 and more.
  explicit EvenSelection(std::size_t most) : most_(most) {}

  /// The next item; `make` makes it where it is kept.
  template <class Make>
  void add(Make make) {
    if (count_++ % stride_ != 0) return;
    items_.push_back(make());
    if (items_.size() < most_) return;
    for (std::size_t k = 1; 2 * k < items_.size(); ++k) items_[k] = std::move(items_[2 * k]);
    items_.resize((items_.size() + 1) / 2);
    stride_ *= 2;
  }

  const std::vector<T>& items() const { return items_; }

 private:
  std::size_t most_;
  std::size_t stride_ = 1, count_ = 0;
  std::vector<T> items_;
};

}  // namespace flare::analysis
