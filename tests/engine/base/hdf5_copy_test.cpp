#include "engine/base/hdf5_copy.hpp"

#include <gtest/gtest.h>

#include "engine/base/hdf5_io.hpp"
#include "engine/base/hdf5_memory.hpp"

namespace flare::engine {
namespace {

/// Groups within groups, tables, matrices, and more attributes than HDF5 keeps in an object's header.
H5::H5File full_file() {
  H5::H5File file = memory_file("from");
  Table table;
  table.add("x", "V", std::vector<double>{1.5, -2.0})
      .add("name", "", std::vector<std::string>{"one", "zwei"});
  write_table(file, "/a/b/table", table);
  write_matrix(file, "/a/matrix", Matrix::Constant(2, 3, 0.25), "A");
  for (int i = 0; i < 20; ++i) {
    write_attribute(file, "/a/b", "text" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'x'));
    write_attribute(file, "/a/b", "number" + std::to_string(i), std::int64_t{i});
  }
  write_attribute(file, "/", "root", std::string("stays"));
  return file;
}

TEST(CopyMembers, CopiesTablesAndManyAttributes) {
  const H5::H5File from = full_file();
  H5::H5File to = memory_file("to");
  copy_members(from, to, "/sweep/results/0");
  const std::string at = "/sweep/results/0";
  const Table table = read_table(to, at + "/a/b/table");
  EXPECT_EQ(table.numbers("x"), (std::vector<double>{1.5, -2.0}));
  EXPECT_EQ(table.columns[0].unit, "V");
  EXPECT_EQ(table.texts("name"), (std::vector<std::string>{"one", "zwei"}));
  EXPECT_EQ(read_matrix(to, at + "/a/matrix"), Matrix::Constant(2, 3, 0.25));
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(read_text(to, at + "/a/b", "text" + std::to_string(i)),
              std::string(static_cast<std::size_t>(i), 'x'));
    EXPECT_EQ(read_integer(to, at + "/a/b", "number" + std::to_string(i)), i);
  }
  EXPECT_FALSE(has_attribute(to, at, "root"));
}

TEST(CopyMembers, JoinsWhatIsThere) {
  const H5::H5File from = full_file();
  H5::H5File to = memory_file("to");
  copy_members(from, to, "/one");
  copy_members(from, to, "/two");
  H5::H5File all = memory_file("all");
  copy_members(to, all, "");
  EXPECT_EQ(members(all, "/"), (std::vector<std::string>{"one", "two"}));
  EXPECT_THROW(copy_members(to, all, ""), FileError);
}

}  // namespace
}  // namespace flare::engine
