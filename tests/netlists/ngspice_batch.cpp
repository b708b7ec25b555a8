#include "tests/netlists/ngspice_batch.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace flare::netlist_test {
namespace {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "flare-ngspice-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a folder like " + name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string command_output(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  std::array<char, 4096> buffer{};
  while (const std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe.get()))
    text.append(buffer.data(), n);
  return text;
}

std::map<std::string, double> find_measures(const std::string& output) {
  static const std::regex line(R"(^([a-z_0-9]+)\s+=\s+([-+0-9.eE]+).*$)");
  std::map<std::string, double> measures;
  std::istringstream lines(output);
  std::string text;
  std::smatch match;
  while (std::getline(lines, text)) {
    if (std::regex_match(text, match, line))
      measures[match[1]] = std::strtod(match[2].str().c_str(), nullptr);
  }
  return measures;
}

}  // namespace

double Curve::at(double where) const {
  const auto above = std::lower_bound(x.begin(), x.end(), where);
  if (above == x.end()) throw std::out_of_range("curve ends before the value asked for");
  const auto j = static_cast<std::size_t>(above - x.begin());
  if (j == 0 || x[j] == where) return y[j];
  return y[j - 1] + (y[j] - y[j - 1]) * (where - x[j - 1]) / (x[j] - x[j - 1]);
}

BatchRun run_ngspice(const std::string& netlist, const std::vector<std::string>& files,
                     const std::string& initialisation) {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "test.cir") << netlist;
  std::ofstream(folder.path() / ".spiceinit") << "set num_threads=1\n"  // threads only get in the way here
                                              << initialisation << "\n";
  BatchRun run;
  run.output = command_output("cd '" + folder.path().string() + "' && ngspice -b test.cir 2>&1");
  if (run.output.find("rror") != std::string::npos) throw std::runtime_error("ngspice: " + run.output);
  run.measures = find_measures(run.output);
  for (const std::string& name : files) {
    std::ifstream in(folder.path() / name);
    if (!in) throw std::runtime_error("ngspice wrote no " + name + ": " + run.output);
    Curve& curve = run.curves[name];
    for (double x = 0, y = 0; in >> x >> y;) {
      curve.x.push_back(std::abs(x));
      curve.y.push_back(y);
    }
  }
  return run;
}

std::filesystem::path netlist_folder() { return std::filesystem::path(FLARE_SOURCE_DIR) / "netlists"; }

}  // namespace flare::netlist_test
