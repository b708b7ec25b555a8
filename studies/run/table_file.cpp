#include "studies/run/table_file.hpp"

#include "engine/base/hdf5_memory.hpp"
#include "engine/base/output_file.hpp"
#include "studies/toml/toml_section.hpp"

namespace flare::studies {

namespace {

/// Whether a file is there already that an earlier call with the same `format` wrote.
void check_own(const std::filesystem::path& out, const std::string& format) {
  if (!std::filesystem::exists(out)) return;
  const auto refuse = [&] {
    throw StudyError(out.string() +
                     ": is there already and was not made by this command; move it away, or choose another "
                     "-o");
  };
  try {
    if (engine::read_text(engine::open_result(out), "/", "format") != format) refuse();
  } catch (const engine::FileError&) {
    refuse();
  }
}

}  // namespace

void check_place(const std::filesystem::path& out, const std::string& format) {
  engine::check_output(out);
  check_own(out, format);
}

void write_table_file(const std::filesystem::path& out, const std::string& format,
                      const std::function<void(H5::H5File&)>& write) {
  const std::filesystem::path part = engine::part_of_output(out);
  H5::H5File file = engine::memory_file(part);
  engine::write_attribute(file, "/", "format", format);
  engine::write_attribute(file, "/", "flare_version", std::string(FLARE_VERSION));
  write(file);
  check_own(out, format);  // what came there meanwhile
  engine::save_whole(file, part);
  engine::rename_into_place(part, out);
}

}  // namespace flare::studies
