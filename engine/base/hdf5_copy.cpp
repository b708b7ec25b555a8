#include "engine/base/hdf5_copy.hpp"

#include <fmt/format.h>

#include <vector>

#include "engine/base/hdf5_io.hpp"

namespace flare::engine {

namespace {

/// Attributes are written anew: H5Ocopy of HDF5 1.10 ends the process at texts of an object with more than eight of them.
void copy_attributes(const H5::H5Object& from, H5::H5Object& to) {
  for (int i = 0; i < from.getNumAttrs(); ++i) {
    const H5::Attribute attribute = from.openAttribute(static_cast<unsigned>(i));
    const H5::DataSpace space = attribute.getSpace();
    const H5::DataType stored = attribute.getDataType();
    H5::DataType type(H5Tget_native_type(stored.getId(), H5T_DIR_DEFAULT));
    H5Tclose(type.getId());  // DataType holds its own reference
    std::vector<char> values(static_cast<std::size_t>(space.getSimpleExtentNpoints()) * type.getSize());
    attribute.read(type, values.data());
    to.createAttribute(attribute.getName(), stored, space).write(type, values.data());
    H5Dvlen_reclaim(type.getId(), space.getId(), H5P_DEFAULT, values.data());
  }
}

void copy_group(const H5::Group& from, H5::Group& to);

void copy_member(const H5::Group& from, H5::Group& to, const std::string& name) {
  if (from.childObjType(name) == H5O_TYPE_GROUP) {
    H5::Group made = to.createGroup(name);
    copy_group(from.openGroup(name), made);
    return;
  }
  const hid_t list = H5Pcreate(H5P_OBJECT_COPY);
  H5Pset_copy_object(list, H5O_COPY_WITHOUT_ATTR_FLAG);
  const herr_t copied = H5Ocopy(from.getId(), name.c_str(), to.getId(), name.c_str(), list, H5P_DEFAULT);
  H5Pclose(list);
  if (copied < 0) throw FileError(fmt::format("{}: {} cannot be copied", to.getFileName(), name));
  H5::DataSet made = to.openDataSet(name);
  copy_attributes(from.openDataSet(name), made);
}

void copy_group(const H5::Group& from, H5::Group& to) {
  for (hsize_t i = 0; i < from.getNumObjs(); ++i) copy_member(from, to, from.getObjnameByIdx(i));
  copy_attributes(from, to);
}

H5::Group made_group(H5::H5File& file, const std::string& path) {
  if (path.empty()) return file.openGroup("/");
  H5::LinkCreatPropList parents;
  parents.setCreateIntermediateGroup(true);
  return exists(file, path) ? file.openGroup(path) : file.createGroup(path.c_str(), parents);
}

}  // namespace

void copy_members(const H5::H5File& from, H5::H5File& to, const std::string& path) {
  try {
    H5::Group made = made_group(to, path);
    const H5::Group root = from.openGroup("/");
    for (hsize_t i = 0; i < root.getNumObjs(); ++i) copy_member(root, made, root.getObjnameByIdx(i));
  } catch (const H5::Exception& e) {
    throw FileError(fmt::format("{}: {} cannot be filled: {}", to.getFileName(), path, e.getDetailMsg()));
  }
}

}  // namespace flare::engine
