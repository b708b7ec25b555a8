// Standard-normal and uniform draws from one counter-based stream.
#pragma once

#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <utility>
#include <vector>

#include "engine/base/matrix.hpp"
#include "engine/base/random_stream.hpp"

namespace flare::analysis {

class NormalStream {
 public:
  NormalStream(std::uint64_t seed, std::string_view name, std::uint64_t index = 0)
      : bits_(seed, name, index) {}

  double uniform() { return uniform_(bits_); }
  double normal() { return normal_(bits_); }
  engine::Vector normal_vector(Eigen::Index d) {
    engine::Vector x(d);
    for (Eigen::Index i = 0; i < d; ++i) x(i) = normal();
    return x;
  }
  engine::Matrix normal_matrix(Eigen::Index rows, Eigen::Index d) {
    engine::Matrix x(rows, d);
    for (Eigen::Index r = 0; r < rows; ++r)
      for (Eigen::Index i = 0; i < d; ++i) x(r, i) = normal();
    return x;
  }
  /// 0 ... count - 1.
  std::size_t pick(std::size_t count) {
    return std::min(count - 1, static_cast<std::size_t>(uniform() * static_cast<double>(count)));
  }
  template <class T>
  void shuffle(std::vector<T>& order) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[pick(i)]);
  }

 private:
  engine::RandomStream bits_;
  boost::random::normal_distribution<double> normal_;
  boost::random::uniform_01<double> uniform_;
};

}  // namespace flare::analysis
