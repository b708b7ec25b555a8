// Rows of a type of ours, to a table and back.
#include "engine/base/row_table.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace flare::engine {
namespace {

enum class Colour { red, green };

std::string to_string(Colour colour) { return colour == Colour::red ? "red" : "green"; }

void read_word(const std::string& word, Colour& colour) {
  if (word != "red" && word != "green") throw FileError("no colour");
  colour = word == "red" ? Colour::red : Colour::green;
}

struct Row {
  std::string name;
  std::size_t count = 0;
  int offset = 0;
  bool set = false;
  double value = 0.0;
  Colour colour = Colour::red;
  int later = 7;
};

RowTable<Row> columns() {
  RowTable<Row> table;
  // Members, and what a function gives.
  return table.column("name", "", &Row::name)
      .column(
          "count", "", [](auto& r) -> auto& { return r.count; })
      .column("offset", "", &Row::offset)
      .column("set", "", &Row::set)
      .column(
          "value", "V", [](auto& r) -> auto& { return r.value; })
      .column("colour", "", &Row::colour)
      .column("later", "", &Row::later, "later");
}

const std::vector<Row> rows = {{"a", 3, -4, true, 0.1, Colour::green, 5},
                               {"b", 0, 2, false, -1e300, Colour::red, 6}};

/// The table without a column, or with other values in it.
Table changed(const std::string& name, const ColumnValues* values) {
  Table table;
  for (const Column& column : columns().table(rows).columns) {
    if (column.name != name) table.columns.push_back(column);
    if (column.name == name && values != nullptr) table.columns.push_back({name, "", *values});
  }
  return table;
}

TEST(RowTable, RowsComeBack) {
  const Table table = columns().table(rows);
  ASSERT_EQ(table.columns.size(), 7U);
  EXPECT_EQ(table.columns[4].unit, "V");
  EXPECT_EQ(table.integers("set"), (std::vector<std::int64_t>{1, 0}));
  EXPECT_EQ(table.texts("colour"), (std::vector<std::string>{"green", "red"}));
  const std::vector<Row> back = columns().rows(table);
  ASSERT_EQ(back.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(back[i].name, rows[i].name);
    EXPECT_EQ(back[i].count, rows[i].count);
    EXPECT_EQ(back[i].offset, rows[i].offset);
    EXPECT_EQ(back[i].set, rows[i].set);
    EXPECT_EQ(back[i].value, rows[i].value);
    EXPECT_EQ(back[i].colour, rows[i].colour);
    EXPECT_EQ(back[i].later, rows[i].later);
  }
  EXPECT_TRUE(columns().rows(columns().table({})).empty());
}

TEST(RowTable, OnlyLaterColumnsMayBeAbsent) {
  EXPECT_EQ(columns().rows(changed("later", nullptr))[0].later, 7);
  for (const char* name : {"count", "value", "colour"})
    EXPECT_THROW(columns().rows(changed(name, nullptr)), FileError) << name;
}

TEST(RowTable, WhatARowCannotHoldIsADamagedFile) {
  const ColumnValues negative = std::vector<std::int64_t>{1, -1};
  const ColumnValues large = std::vector<std::int64_t>{1, std::int64_t{1} << 40};
  const ColumnValues word = std::vector<std::string>{"red", "blue"};
  EXPECT_THROW(columns().rows(changed("count", &negative)), FileError);
  EXPECT_EQ(columns().rows(changed("count", &large))[1].count, std::size_t{1} << 40);
  EXPECT_THROW(columns().rows(changed("offset", &large)), FileError);
  EXPECT_THROW(columns().rows(changed("colour", &word)), FileError);
  EXPECT_THROW(columns().rows(changed("value", &word)), FileError);
}

}  // namespace
}  // namespace flare::engine
