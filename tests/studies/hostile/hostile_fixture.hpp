// A divider whose study takes a fraction of a second, and the program in a process that is set up first: descriptors,
// limits, environment.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include "tests/studies/circuit_fixture.hpp"

namespace flare::studies::testing {

class HostileFixture : public CircuitFixture {
 protected:
  void SetUp() override {
    CircuitFixture::SetUp();
    write("cell.cir", cell("i1 0 o 1m\nr1 o a 1k\nr2 a 0 1k"));
    write("s.toml", study());
  }
  void TearDown() override {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
    CircuitFixture::TearDown();
  }

  /// Four corners, so that there is something to share out.
  static std::string study(int runs = 60) {
    return "seed = 3\n" + operating_point("v(o)") + varies("r", "r*", "1 %") +
           "[corners]\ntemperature = [\"0 degC\", \"27 degC\", \"50 degC\", \"85 degC\"]\n" + plain(runs);
  }

  /// The program with `prepare` called in its process just before it begins.
  pid_t start_with(const std::function<void()>& prepare, const std::vector<std::string>& arguments) const {
    const std::string program = std::string(FLARE_BINARY_DIR) + "/bin/flare";
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child != 0) return child;
    end_with_the_test();
    const int out = ::open((folder_ / "out.txt").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::close(out);
    if (::chdir(folder_.c_str()) != 0) std::_Exit(99);
    prepare();
    ::execv(program.c_str(), argv.data());
    std::_Exit(99);
  }
  Ended run_with(const std::function<void()>& prepare, const std::vector<std::string>& arguments) const {
    return wait_for(start_with(prepare, arguments));
  }

  std::string content(const std::string& name) const {
    if (std::filesystem::is_directory(folder_ / name)) return {};
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (name != "out.txt") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  /// Every number of every corner's samples.
  std::vector<double> numbers(const std::string& file) const {
    std::vector<double> all;
    for (const std::string& corner : corners(file)) {
      const Samples s = samples(corner, file);
      all.insert(all.end(), s.measures.data(), s.measures.data() + s.measures.size());
      all.insert(all.end(), s.z.data(), s.z.data() + s.z.size());
    }
    return all;
  }
  void wait_until(const std::function<bool()>& holds) const {
    for (int i = 0; i < 1500 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
};

}  // namespace flare::studies::testing
