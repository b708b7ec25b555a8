// libFuzzer target for what comes from elsewhere: tensor files and error-model files. The first byte chooses.
//
//   cmake -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DFLARE_ARCH_ONLY=ON -DFLARE_FUZZ=ON \
//         -DFLARE_SANITIZE=address,undefined,fuzzer-no-link
//   ASAN_OPTIONS=detect_leaks=0 build/fuzz/bin/flare_arch_readers_fuzz -max_total_time=60 CORPUS
//
// Leaks and time-outs whose stack lies inside libhdf5 (1.10.8: H5HG, reading a variable-length text from a damaged
// heap) are the library's; a finding is one in our own frames.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"
#include "flare_arch/base/safetensors.hpp"

namespace {

void read_tensors(std::span<const std::byte> bytes) {
  const flare::arch::TensorFile file = flare::arch::TensorFile::parse(bytes);
  for (const std::string& name : file.names()) {
    try {
      file.floats(name);
    } catch (const std::runtime_error&) {
    }
    try {
      file.integers(name);
    } catch (const std::runtime_error&) {
    }
  }
}

void read_error_models(std::span<const std::byte> bytes) {
  const std::string path = "/dev/shm/flare_fuzz_" + std::to_string(getpid()) + ".h5";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  try {
    const H5::H5File file = flare::engine::open_result(path);
    for (const auto& key : flare::engine::list_error_models(file)) flare::engine::read_error_model(file, key);
  } catch (const std::runtime_error&) {
  }
  std::remove(path.c_str());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  try {
    if (data[0] % 2 == 0)
      read_tensors(bytes);
    else
      read_error_models(bytes);
  } catch (const std::runtime_error&) {
  }
  return 0;
}
