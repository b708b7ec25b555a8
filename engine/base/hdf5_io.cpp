#include "engine/base/hdf5_io.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "engine/base/hdf5_probe.hpp"

namespace flare::engine {

namespace {

H5::StrType text_type() {
  H5::StrType type(H5::PredType::C_S1, H5T_VARIABLE);
  type.setCset(H5T_CSET_UTF8);
  return type;
}

H5::LinkCreatPropList with_parents() {
  H5::LinkCreatPropList list;
  list.setCreateIntermediateGroup(true);
  return list;
}

/// Runs `action` and turns an HDF5 exception into a FileError that names the object.
template <typename Action>
auto guarded(const H5::H5File& file, const std::string& path, Action&& action) {
  try {
    return std::forward<Action>(action)();
  } catch (const H5::Exception& e) {
    throw FileError(file.getFileName() + ": " + path + ": " + e.getDetailMsg());
  }
}

std::size_t size_of(const ColumnValues& values) {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

std::size_t element_bytes(const ColumnValues& values) {
  if (std::holds_alternative<std::vector<double>>(values)) return sizeof(double);
  if (std::holds_alternative<std::vector<std::int64_t>>(values)) return sizeof(std::int64_t);
  return sizeof(char*);
}

// NOLINTBEGIN(cppcoreguidelines-slicing): what they share, the library's handle, is all that is asked of them
H5::DataType element_type(const ColumnValues& values) {
  if (std::holds_alternative<std::vector<double>>(values)) return H5::PredType::NATIVE_DOUBLE;
  if (std::holds_alternative<std::vector<std::int64_t>>(values)) return H5::PredType::NATIVE_INT64;
  return text_type();
}
// NOLINTEND(cppcoreguidelines-slicing)

H5::CompType row_type(const Table& table) {
  std::size_t bytes = 0;
  for (const Column& c : table.columns) bytes += element_bytes(c.values);
  H5::CompType type(std::max<std::size_t>(bytes, 1));
  std::size_t offset = 0;
  for (const Column& c : table.columns) {
    type.insertMember(c.name, offset, element_type(c.values));
    offset += element_bytes(c.values);
  }
  return type;
}

/// The object at `path` with its attributes; the file's own are those of "/".
template <typename Action>
auto with_object(const H5::H5File& file, const std::string& path, Action&& action) {
  if (file.childObjType(path) == H5O_TYPE_DATASET) return action(H5::DataSet(file.openDataSet(path)));
  return action(H5::Group(file.openGroup(path)));
}

template <typename Write>
void put_attribute(const H5::H5File& file, const std::string& path, const std::string& name,
                   const H5::DataType& type, const H5::DataSpace& space, Write&& write) {
  guarded(file, path + "@" + name, [&] {
    with_object(file, path, [&](const auto& object) {
      if (object.attrExists(name)) object.removeAttr(name);
      write(object.createAttribute(name, type, space));
    });
  });
}

H5::DataSpace line_of(std::size_t n) {
  const hsize_t dims[1] = {n};
  return n == 0 ? H5::DataSpace(H5S_NULL) : H5::DataSpace(1, dims);
}

std::size_t points_of(const H5::DataSpace& space, const ReadLimits& limits, const H5::H5File& file,
                      const std::string& path) {
  if (space.getSimpleExtentType() == H5S_NULL) return 0;
  const hssize_t n = space.getSimpleExtentNpoints();
  if (n < 0 || static_cast<std::size_t>(n) > limits.max_elements) {
    throw FileError(file.getFileName() + ": " + path + " has " + std::to_string(n) +
                    " elements, more than the " + std::to_string(limits.max_elements) +
                    " this reader accepts");
  }
  return static_cast<std::size_t>(n);
}

/// Whatever claims more than its file can hold is damaged, and would cost the time and memory of its claim.
void check_storage(const H5::DataSet& data, std::size_t elements, const H5::H5File& file,
                   const std::string& path) {
  constexpr hsize_t zlib_ratio = 1'032;  // its best
  constexpr hsize_t small = 100'000;     // bytes
  const hsize_t size = file.getFileSize();
  const bool chunked = data.getCreatePlist().getLayout() == H5D_CHUNKED;
  const hsize_t most = chunked ? zlib_ratio * std::min(data.getStorageSize(), size) : size;
  if (elements <= (small + most) / std::max<std::size_t>(1, data.getDataType().getSize())) return;
  throw FileError(file.getFileName() + ": " + path + " claims " + std::to_string(elements) +
                  " elements, more than the file can hold; damaged");
}

std::string bounded_text(const char* text, const ReadLimits& limits) {
  return text == nullptr ? std::string() : std::string(text, strnlen(text, limits.max_text));
}

/// Texts of an attribute or of one column: variable-length strings (which HDF5 allocates and we hand back) or
/// fixed-length ones, as other tools write.
template <typename Read>
std::vector<std::string> read_strings(const H5::DataType& stored, const H5::DataSpace& space, std::size_t n,
                                      const ReadLimits& limits, Read&& read) {
  std::vector<std::string> texts;
  if (n == 0) return texts;
  texts.reserve(n);
  if (H5Tis_variable_str(stored.getId()) > 0) {
    std::vector<char*> raw(n, nullptr);
    read(raw.data());
    for (char* t : raw) texts.push_back(bounded_text(t, limits));
    H5Dvlen_reclaim(stored.getId(), space.getId(), H5P_DEFAULT, raw.data());
    return texts;
  }
  const std::size_t width = stored.getSize();
  if (width > limits.max_text || n > limits.max_elements / std::max<std::size_t>(width, 1)) {
    throw FileError("a text column wider than this reader accepts");
  }
  std::vector<char> raw(n * width);
  read(raw.data());
  for (std::size_t i = 0; i < n; ++i) texts.emplace_back(&raw[i * width], strnlen(&raw[i * width], width));
  return texts;
}

template <typename Value>
const std::vector<Value>& column_as(const Table& table, const std::string& name, const char* kind) {
  for (const Column& c : table.columns) {
    if (c.name != name) continue;
    if (const auto* values = std::get_if<std::vector<Value>>(&c.values)) return *values;
    throw FileError("column " + name + " does not hold " + kind);
  }
  throw FileError("the table has no column " + name);
}

ColumnValues read_column(const H5::DataSet& data, const H5::DataSpace& space, const H5::CompType& stored,
                         unsigned member, std::size_t rows, const ReadLimits& limits) {
  const std::string name = stored.getMemberName(member);
  const auto one_column = [&](const H5::DataType& type) {
    H5::CompType memory(type.getSize());
    memory.insertMember(name, 0, type);
    return memory;
  };
  switch (stored.getMemberClass(member)) {
    case H5T_FLOAT: {
      std::vector<double> values(rows);
      if (rows > 0) data.read(values.data(), one_column(H5::PredType::NATIVE_DOUBLE));
      return values;
    }
    case H5T_INTEGER: {
      std::vector<std::int64_t> values(rows);
      if (rows > 0) data.read(values.data(), one_column(H5::PredType::NATIVE_INT64));
      return values;
    }
    case H5T_STRING: {
      const H5::CompType memory = one_column(stored.getMemberStrType(member));
      // Reclaiming needs the compound; its only member is at offset 0, so the buffers agree.
      std::vector<std::string> texts;
      if (rows == 0) return texts;
      if (stored.getMemberStrType(member).isVariableStr()) {
        std::vector<char*> raw(rows, nullptr);
        data.read(raw.data(), memory);
        for (char* t : raw) texts.push_back(bounded_text(t, limits));
        H5Dvlen_reclaim(memory.getId(), space.getId(), H5P_DEFAULT, raw.data());
        return texts;
      }
      return read_strings(stored.getMemberStrType(member), space, rows, limits,
                          [&](void* buffer) { data.read(buffer, memory); });
    }
    default:
      throw FileError("column " + name + " has a type this reader does not know");
  }
}

}  // namespace

std::size_t Table::rows() const { return columns.empty() ? 0 : size_of(columns.front().values); }

bool Table::has(const std::string& column) const {
  return std::any_of(columns.begin(), columns.end(), [&](const Column& c) { return c.name == column; });
}

const std::vector<double>& Table::numbers(const std::string& column) const {
  return column_as<double>(*this, column, "numbers");
}
const std::vector<std::int64_t>& Table::integers(const std::string& column) const {
  return column_as<std::int64_t>(*this, column, "integers");
}
const std::vector<std::string>& Table::texts(const std::string& column) const {
  return column_as<std::string>(*this, column, "texts");
}

Table& Table::add(std::string name, std::string unit, ColumnValues values) {
  columns.push_back({std::move(name), std::move(unit), std::move(values)});
  return *this;
}

void write_table(H5::H5File& file, const std::string& path, const Table& table) {
  const std::size_t rows = table.rows();
  for (const Column& c : table.columns) {
    if (size_of(c.values) != rows)
      throw std::invalid_argument(path + ": column " + c.name + " has another length");
  }
  guarded(file, path, [&] {
    const H5::CompType type = row_type(table);
    std::vector<unsigned char> raw(rows * type.getSize());
    std::size_t offset = 0;
    for (const Column& c : table.columns) {
      for (std::size_t r = 0; r < rows; ++r) {
        unsigned char* cell = &raw[r * type.getSize() + offset];
        if (const auto* d = std::get_if<std::vector<double>>(&c.values)) {
          std::memcpy(cell, &(*d)[r], sizeof(double));
        } else if (const auto* i = std::get_if<std::vector<std::int64_t>>(&c.values)) {
          std::memcpy(cell, &(*i)[r], sizeof(std::int64_t));
        } else {
          const char* text = std::get<std::vector<std::string>>(c.values)[r].c_str();
          std::memcpy(cell, &text, sizeof text);
        }
      }
      offset += element_bytes(c.values);
    }
    const hsize_t dims[1] = {rows};
    const H5::DataSpace space(1, dims);
    if (exists(file, path)) file.unlink(path);
    const hid_t id = H5Dcreate2(file.getId(), path.c_str(), type.getId(), space.getId(),
                                with_parents().getId(), H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0) throw FileError(file.getFileName() + ": " + path + " cannot be created");
    H5::DataSet data(id);
    H5Dclose(id);  // DataSet holds its own reference
    if (rows > 0) data.write(raw.data(), type);
  });
  std::vector<std::string> units;
  units.reserve(table.columns.size());
  for (const Column& c : table.columns) units.push_back(c.unit);
  write_attribute(file, path, "units", units);
}

Table read_table(const H5::H5File& file, const std::string& path, const ReadLimits& limits) {
  return guarded(file, path, [&] {
    const H5::DataSet data = file.openDataSet(path);
    if (data.getTypeClass() != H5T_COMPOUND)
      throw FileError(file.getFileName() + ": " + path + " is not a table");
    const H5::CompType stored(data);
    const H5::DataSpace space = data.getSpace();
    const std::size_t rows = points_of(space, limits, file, path);
    check_storage(data, rows, file, path);
    std::vector<std::string> units;
    if (has_attribute(file, path, "units")) units = read_texts(file, path, "units");
    Table table;
    for (int m = 0; m < stored.getNmembers(); ++m) {
      const auto member = static_cast<unsigned>(m);
      table.add(stored.getMemberName(member), member < units.size() ? units[member] : "",
                read_column(data, space, stored, member, rows, limits));
    }
    return table;
  });
}

void write_matrix(H5::H5File& file, const std::string& path, const Matrix& matrix, const std::string& unit) {
  guarded(file, path, [&] {
    const hsize_t dims[2] = {static_cast<hsize_t>(matrix.rows()), static_cast<hsize_t>(matrix.cols())};
    const H5::DataSpace space(2, dims);
    if (exists(file, path)) file.unlink(path);
    const hid_t id = H5Dcreate2(file.getId(), path.c_str(), H5::PredType::NATIVE_DOUBLE.getId(),
                                space.getId(), with_parents().getId(), H5P_DEFAULT, H5P_DEFAULT);
    if (id < 0) throw FileError(file.getFileName() + ": " + path + " cannot be created");
    H5::DataSet data(id);
    H5Dclose(id);
    if (matrix.size() > 0) data.write(matrix.data(), H5::PredType::NATIVE_DOUBLE);
  });
  if (!unit.empty()) write_attribute(file, path, "units", unit);
}

Matrix read_matrix(const H5::H5File& file, const std::string& path, const ReadLimits& limits) {
  return guarded(file, path, [&] {
    const H5::DataSet data = file.openDataSet(path);
    const H5::DataSpace space = data.getSpace();
    if (space.getSimpleExtentNdims() != 2)
      throw FileError(file.getFileName() + ": " + path + " is not a matrix");
    hsize_t dims[2] = {0, 0};
    check_storage(data, points_of(space, limits, file, path), file, path);
    space.getSimpleExtentDims(dims);
    Matrix matrix(static_cast<Eigen::Index>(dims[0]), static_cast<Eigen::Index>(dims[1]));
    if (matrix.size() > 0) data.read(matrix.data(), H5::PredType::NATIVE_DOUBLE);
    return matrix;
  });
}

void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::string& text) {
  put_attribute(file, path, name, text_type(), H5::DataSpace(H5S_SCALAR), [&](const H5::Attribute& a) {
    const char* raw = text.c_str();
    a.write(text_type(), &raw);
  });
}

void write_attribute(H5::H5File& file, const std::string& path, const std::string& name, double number) {
  put_attribute(file, path, name, H5::PredType::NATIVE_DOUBLE, H5::DataSpace(H5S_SCALAR),
                [&](const H5::Attribute& a) { a.write(H5::PredType::NATIVE_DOUBLE, &number); });
}

void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     std::int64_t number) {
  put_attribute(file, path, name, H5::PredType::NATIVE_INT64, H5::DataSpace(H5S_SCALAR),
                [&](const H5::Attribute& a) { a.write(H5::PredType::NATIVE_INT64, &number); });
}

void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::vector<std::string>& texts) {
  put_attribute(file, path, name, text_type(), line_of(texts.size()), [&](const H5::Attribute& a) {
    std::vector<const char*> raw;
    raw.reserve(texts.size());
    for (const std::string& t : texts) raw.push_back(t.c_str());
    if (!raw.empty()) a.write(text_type(), raw.data());
  });
}

void write_attribute(H5::H5File& file, const std::string& path, const std::string& name,
                     const std::vector<double>& numbers) {
  put_attribute(file, path, name, H5::PredType::NATIVE_DOUBLE, line_of(numbers.size()),
                [&](const H5::Attribute& a) {
                  if (!numbers.empty()) a.write(H5::PredType::NATIVE_DOUBLE, numbers.data());
                });
}

bool has_attribute(const H5::H5File& file, const std::string& path, const std::string& name) {
  return guarded(file, path,
                 [&] { return with_object(file, path, [&](const auto& o) { return o.attrExists(name); }); });
}

namespace {

/// Opens attribute `name` of `path` and hands it over with its number of elements.
template <typename Read>
auto get_attribute(const H5::H5File& file, const std::string& path, const std::string& name, Read&& read) {
  return guarded(file, path + "@" + name, [&] {
    return with_object(file, path, [&](const auto& object) {
      const H5::Attribute a = object.openAttribute(name);
      return read(a, points_of(a.getSpace(), ReadLimits{}, file, path + "@" + name));
    });
  });
}

}  // namespace

std::vector<std::string> read_texts(const H5::H5File& file, const std::string& path,
                                    const std::string& name) {
  return get_attribute(file, path, name, [&](const H5::Attribute& a, std::size_t n) {
    if (a.getTypeClass() != H5T_STRING) {
      throw FileError(file.getFileName() + ": attribute " + name + " of " + path + " is not text");
    }
    const H5::StrType type = a.getStrType();
    return read_strings(type, a.getSpace(), n, ReadLimits{}, [&](void* buffer) { a.read(type, buffer); });
  });
}

std::string read_text(const H5::H5File& file, const std::string& path, const std::string& name) {
  const std::vector<std::string> texts = read_texts(file, path, name);
  if (texts.size() != 1)
    throw FileError(file.getFileName() + ": attribute " + name + " of " + path + " is not one text");
  return texts.front();
}

std::vector<double> read_numbers(const H5::H5File& file, const std::string& path, const std::string& name) {
  return get_attribute(file, path, name, [&](const H5::Attribute& a, std::size_t n) {
    std::vector<double> numbers(n);
    if (n > 0) a.read(H5::PredType::NATIVE_DOUBLE, numbers.data());
    return numbers;
  });
}

double read_number(const H5::H5File& file, const std::string& path, const std::string& name) {
  const std::vector<double> numbers = read_numbers(file, path, name);
  if (numbers.size() != 1) {
    throw FileError(file.getFileName() + ": attribute " + name + " of " + path + " is not one number");
  }
  return numbers.front();
}

std::int64_t read_integer(const H5::H5File& file, const std::string& path, const std::string& name) {
  return get_attribute(file, path, name, [&](const H5::Attribute& a, std::size_t n) {
    if (n != 1)
      throw FileError(file.getFileName() + ": attribute " + name + " of " + path + " is not one integer");
    std::int64_t number = 0;
    a.read(H5::PredType::NATIVE_INT64, &number);
    return number;
  });
}

bool exists(const H5::H5File& file, const std::string& path) {
  // H5Lexists wants every group on the way to exist.
  std::size_t slash = 0;
  while (slash != std::string::npos) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    if (part.empty() || part == "/") continue;
    if (H5Lexists(file.getId(), part.c_str(), H5P_DEFAULT) <= 0) return false;
  }
  return true;
}

std::vector<std::string> members(const H5::H5File& file, const std::string& path) {
  return guarded(file, path, [&] {
    const H5::Group group = file.openGroup(path);
    const hsize_t count = group.getNumObjs();
    std::vector<std::string> names;
    for (hsize_t i = 0; i < count; ++i) names.push_back(group.getObjnameByIdx(i));
    std::sort(names.begin(), names.end());
    return names;
  });
}

H5::H5File open_result(const std::filesystem::path& file) {
  probe_hdf5(file);
  return open_unprobed(file);
}

}  // namespace flare::engine
