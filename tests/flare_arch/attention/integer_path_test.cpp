// "No division and no floating point inside the integer path": read from the machine code of this very build.
//
// The integer path is what runs for every token between the arrays: four source files, whole. Their object files
// are disassembled as they lie in the library; a division, a floating-point operation or conversion, a call to a
// function of the mathematics library, or a call to a function of ours outside these files is a finding. Tables
// (vdr_table.cpp) and calibration are made when a layer is configured, in floating point. Moves through vector
// registers are no arithmetic and are allowed, and so are vector operations on integers.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

/// Findings of each object file and function, and which functions were seen.
struct Disassembly {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> findings;
  std::map<std::string, std::set<std::string>> functions;
  std::map<std::string, std::vector<std::string>> calls;  // relocations of each object file
};

bool is_division(const std::string& mnemonic) {
  static const std::regex pattern("i?div[bwlq]?");
  return std::regex_match(mnemonic, pattern);
}

bool is_floating_point(const std::string& mnemonic) {
  static const std::regex pattern(
      "v?(add|sub|mul|div|sqrt|min|max|round|rcp|rsqrt|hadd|hsub|addsub|dp|u?comi|cmp[a-z]*)(ss|sd|ps|pd)"
      "|v?cvt.*|v?f[a-z].*");
  return std::regex_match(mnemonic, pattern);
}

bool is_arithmetic_call(const std::string& symbol) {
  static const std::regex pattern(
      "(ldexp|frexp|scalbn|l?lrint|l?lround|rint|nearbyint|round|floor|ceil|trunc|fmod|remainder|modf|exp|"
      "exp2|"
      "exp10|expm1|log|log2|log10|log1p|pow|sqrt|cbrt|fma|hypot)[fl]?|l?l?div|__u?(div|mod)[a-z]+[0-9]*|"
      "__float[a-z0-9]+|__fix[a-z0-9]+");
  return std::regex_match(symbol, pattern);
}

Disassembly disassemble(const std::string& file) {
  const std::string command = std::string(FLARE_OBJDUMP) + " -dr --no-show-raw-insn '" + file + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  if (!pipe) throw std::runtime_error("objdump cannot be started");
  static const std::regex object_line("(\\S+):\\s+file format .*"), function_line("[0-9a-f]+ <(.+)>:"),
      relocation_line("\\s+[0-9a-f]+: R_X86_64_\\S+\\s+(\\S+?)([-+]0x[0-9a-f]+)?"),
      code_line("\\s*[0-9a-f]+:\\t(.*)");
  static const std::regex prefix("(lock|rep[nz]*|bnd|notrack|data16|cs|ds|es|fs|gs)\\s+");
  Disassembly d;
  std::string object, function;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe.get()) != nullptr) {
    std::string line = buffer.data();
    while (!line.empty() && line.back() == '\n') line.pop_back();
    std::smatch m;
    if (std::regex_match(line, m, object_line)) {
      object = m[1];
    } else if (std::regex_match(line, m, function_line)) {
      function = m[1];
      d.functions[object].insert(function);
    } else if (std::regex_match(line, m, relocation_line)) {
      d.calls[object].push_back(m[1]);
      if (is_arithmetic_call(m[1])) d.findings[object][function].push_back("call of " + m[1].str());
    } else if (std::regex_match(line, m, code_line)) {
      std::string code = m[1];
      while (std::regex_search(code, m, prefix, std::regex_constants::match_continuous)) code = m.suffix();
      const std::string mnemonic = code.substr(0, code.find_first_of(" \t"));
      if (is_division(mnemonic) || is_floating_point(mnemonic)) d.findings[object][function].push_back(code);
    }
  }
  return d;
}

const std::string path_objects[] = {"emsb_quantizer.cpp.o", "vdr_softmax.cpp.o", "bitsift.cpp.o",
                                    "integer_stages.cpp.o"};

bool can_read() {
#if defined(__x86_64__)
  return true;
#else
  return false;
#endif
}

TEST(IntegerPath, HasNoDivisionAndNoFloatingPoint) {
  if (!can_read()) GTEST_SKIP() << "the search knows the instructions of x86-64 only";
  const Disassembly d = disassemble(FLARE_ARCH_LIBRARY);
  std::set<std::string> own;
  for (const std::string& object : path_objects) {
    ASSERT_TRUE(d.functions.count(object)) << object << " is not in the library";
    own.insert(d.functions.at(object).begin(), d.functions.at(object).end());
    const auto found = d.findings.find(object);
    if (found == d.findings.end()) continue;
    for (const auto& [function, codes] : found->second)
      for (const std::string& code : codes) ADD_FAILURE() << object << ", " << function << ": " << code;
  }
  // The work is really there, and none of it is done elsewhere.
  for (const char* name :
       {"emsb_quantize", "parse_bits", "effective_bits", "emsb_shift", "vdr_softmax", "ReciprocalTable",
        "plan_reads", "row_exponent", "normalise_row", "add_halves", "half_column_sums", "add_half"}) {
    bool seen = false;
    for (const std::string& function : own) seen = seen || function.find(name) != std::string::npos;
    EXPECT_TRUE(seen) << name;
  }
  for (const std::string& object : path_objects)
    for (const std::string& called : d.calls.at(object))
      if (called.find("5flare4arch") != std::string::npos) {
        EXPECT_TRUE(own.count(called)) << object << " leaves the integer path: " << called;
      }
}

TEST(IntegerPath, TheSearchFindsWhatItShould) {
  if (!can_read()) GTEST_SKIP() << "the search knows the instructions of x86-64 only";
  const Disassembly d = disassemble(FLARE_CONTROLS);
  ASSERT_EQ(d.functions.size(), 1u);
  std::map<std::string, bool> flagged;
  for (const auto& [object, functions] : d.functions)
    for (const std::string& function : functions) {
      const auto found = d.findings.find(object);
      flagged[function] = found != d.findings.end() && found->second.count(function) != 0;
    }
  const auto of = [&](const std::string& name) {
    for (const auto& [function, is_flagged] : flagged)
      if (function.find(name) != std::string::npos) return is_flagged;
    ADD_FAILURE() << name << " is not there";
    return false;
  };
  for (const char* name : {"control_divide", "control_remainder", "control_multiply", "control_compare",
                           "control_convert", "control_call"})
    EXPECT_TRUE(of(name)) << name;
  EXPECT_FALSE(of("control_clean"));
  // Where floating point is allowed it is found, too: the tables of the softmax.
  const Disassembly library = disassemble(FLARE_ARCH_LIBRARY);
  EXPECT_TRUE(library.findings.count("vdr_table.cpp.o"));
  EXPECT_TRUE(library.findings.count("attention.cpp.o"));
}

}  // namespace
