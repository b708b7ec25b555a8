// `flare perplexity` on the shipped decoders, in a folder of its own.
#pragma once

#include <string>
#include <vector>

#include "engine/base/gain_cell_tables.hpp"
#include "engine/base/hdf5_io.hpp"
#include "tests/studies/program_fixture.hpp"

namespace flare::studies::testing {

class Perplexity : public ProgramFixture {
 protected:
  static std::string model(const std::string& name) { return source("data/models/char_decoder/" + name); }
  Ended perplexity(const std::string& arguments, const std::string& name = "linear") const {
    return run_line("perplexity --model " + model(name) + " --text " +
                    source("data/text/shakespeare_validation.txt") + " " + arguments);
  }
  /// A result file with these cells; its path.
  std::string cells(const std::vector<engine::GainCellTables>& all) const {
    const std::string path = (folder_ / "cells.h5").string();
    H5::H5File file(path, H5F_ACC_TRUNC);
    engine::write_attribute(file, "/", "format", std::string("flare/1"));
    for (const engine::GainCellTables& tables : all) engine::write_gain_cell(file, tables);
    return path;
  }
  engine::Table rows(const std::string& file) const {
    return engine::read_table(engine::open_result(folder_ / file), "/perplexity");
  }
};

}  // namespace flare::studies::testing
