#include "flare_arch/models/tensor_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

namespace flare::arch {
namespace {

bool of_layers(const TensorName& row) { return row.name.find("{}") != std::string::npos; }

bool names_a_group(const std::string& name) {
  return !name.empty() && (name.back() == '.' || name.back() == '_');
}

/// What stands behind a group's name. Old checkpoints call a norm's tensors gamma and beta.
constexpr std::pair<const char*, const char*> endings[] = {{"weight", "bias"}, {"gamma", "beta"}};

std::string stored_name(const TensorFile& file, const std::string& name) {
  if (!names_a_group(name)) return file.has(name) ? name : "";
  for (const auto& [weight, bias] : endings)
    if (file.has(name + weight)) return name + weight;
  return "";
}

std::string insert_layer(std::string name, int layer) {
  const std::size_t at = name.find("{}");
  return at == std::string::npos ? name : name.replace(at, 2, std::to_string(layer));
}

bool holds_layers(const TensorFile& file, const Family& family, const std::string& prefix) {
  return std::all_of(family.tensors.begin(), family.tensors.end(), [&](const TensorName& row) {
    return !of_layers(row) || !stored_name(file, prefix + insert_layer(row.name, 0)).empty();
  });
}

}  // namespace

const Family* family_of(const TensorFile& file) {
  for (const Family& family : families())
    for (const char* prefix : family.prefixes)
      if (holds_layers(file, family, prefix)) return &family;
  return nullptr;
}

TensorNames::TensorNames(const TensorFile& file, const Family& family, std::vector<TensorName> own_names)
    : file_(file), family_(family), rows_(std::move(own_names)) {
  const std::vector<TensorName> own = rows_;
  for (const TensorName& row : family.tensors)
    if (std::none_of(own.begin(), own.end(), [&](const TensorName& o) { return o.part == row.part; }))
      rows_.push_back(row);
  prefix_ = family.prefixes.front();
  for (const char* prefix : family.prefixes)
    for (const TensorName& row : rows_)
      if (of_layers(row) && row.scope == NameScope::body &&
          !stored_name(file, prefix + insert_layer(row.name, 0)).empty()) {
        prefix_ = prefix;
        return;
      }
}

std::vector<TensorName> TensorNames::rows_of(Part part) const {
  std::vector<TensorName> rows;
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(rows),
               [&](const TensorName& r) { return r.part == part; });
  return rows;
}

const TensorName& TensorNames::row_of(Part part) const {
  const auto at =
      std::find_if(rows_.begin(), rows_.end(), [&](const TensorName& r) { return r.part == part; });
  if (at == rows_.end())
    throw std::runtime_error(fmt::format("the family has no name for {}", part_name(part)));
  return *at;
}

std::string TensorNames::full_name(const TensorName& row, int layer) const {
  return (row.scope == NameScope::body ? prefix_ : "") + insert_layer(row.name, layer);
}

std::string TensorNames::found(Part part, int layer) const {
  for (const TensorName& row : rows_of(part))
    if (const std::string name = stored_name(file_, full_name(row, layer)); !name.empty()) return name;
  return "";
}

std::string TensorNames::tensor(Part part, int layer) const {
  const std::string name = found(part, layer);
  if (!name.empty()) return name;
  const std::string first = full_name(row_of(part), layer);
  return names_a_group(first) ? first + "weight" : first;
}

std::vector<std::int64_t> TensorNames::shape(Part part, int layer) const {
  const std::string name = found(part, layer);
  return name.empty() ? std::vector<std::int64_t>() : file_.tensor(name).shape;
}

bool TensorNames::may_lack_bias(Part part) const {
  return std::find(family_.without_bias.begin(), family_.without_bias.end(), part) !=
         family_.without_bias.end();
}

bool TensorNames::is_named(Part part, const std::string& name) const { return found(part, 0) == name; }

MatrixF TensorNames::matrix(const std::string& name, Eigen::Index rows, Eigen::Index columns) {
  MatrixF values = file_.floats(name, rows, columns);
  read_.insert(name);
  if (!values.allFinite())
    throw std::runtime_error(fmt::format("tensor '{}' holds a value that is not finite", name));
  return values;
}

NormWeights TensorNames::norm(Part part, int layer, Eigen::Index width, NormKind kind) {
  const std::string weight = tensor(part, layer);
  NormWeights n{matrix(weight, 1, width).row(0).transpose(), {}};
  if (kind == NormKind::rms) return n;
  const bool old = weight.size() > 5 && weight.compare(weight.size() - 5, 5, "gamma") == 0;
  const std::string bias =
      old ? weight.substr(0, weight.size() - 5) + "beta" : weight.substr(0, weight.size() - 6) + "bias";
  n.bias = matrix(bias, 1, width).row(0).transpose();
  return n;
}

VectorF TensorNames::bias(Part part, const std::string& weight, Eigen::Index outputs) {
  const std::string name = weight.substr(0, weight.size() - 6) + "bias";  // ...weight -> ...bias
  if (!file_.has(name) && may_lack_bias(part)) return {};
  return matrix(name, 1, outputs).row(0).transpose();
}

LinearWeights TensorNames::linear(Part part, int layer, Eigen::Index inputs, Eigen::Index outputs) {
  const std::string name = tensor(part, layer);
  LinearWeights l;
  l.weight = is_transposed(part) ? matrix(name, inputs, outputs)
                                 : MatrixF(matrix(name, outputs, inputs).transpose());
  l.bias = bias(part, name, outputs);
  return l;
}

LinearWeights TensorNames::patch_embedding(Eigen::Index inputs, Eigen::Index outputs) {
  if (is_transposed(Part::patch_embedding)) return linear(Part::patch_embedding, 0, inputs, outputs);
  const std::string name = tensor(Part::patch_embedding);
  const MatrixF kernel = file_.flattened(name);
  if (kernel.rows() != outputs || kernel.cols() != inputs)
    throw std::runtime_error(
        fmt::format("tensor '{}' is {} x {} (rows x all that follows), {} x {} is expected", name,
                    kernel.rows(), kernel.cols(), outputs, inputs));
  if (!kernel.allFinite())
    throw std::runtime_error(fmt::format("tensor '{}' holds a value that is not finite", name));
  read_.insert(name);
  return {kernel.transpose(), bias(Part::patch_embedding, name, outputs)};
}

void TensorNames::refuse_unread() const {
  constexpr std::size_t most_named = 8;
  std::vector<std::string> unread;
  for (const std::string& name : file_.names()) {
    const bool skipped = std::any_of(family_.skipped.begin(), family_.skipped.end(),
                                     [&](const char* pattern) { return matches(pattern, name); });
    if (read_.count(name) == 0 && !skipped)
      unread.push_back(fmt::format("'{}' ({})", name.substr(0, 100), file_.tensor(name).dtype));
  }
  if (unread.empty()) return;
  const std::size_t named = std::min(most_named, unread.size());
  throw std::runtime_error(
      fmt::format("{} no part of this model reads: {}{}; take {} out of the file if no answer needs {}",
                  unread.size() == 1 ? "a tensor that" : "tensors that",
                  fmt::join(unread.begin(), unread.begin() + static_cast<std::ptrdiff_t>(named), ", "),
                  unread.size() > named ? fmt::format(" and {} more", unread.size() - named) : "",
                  unread.size() == 1 ? "it" : "them", unread.size() == 1 ? "it" : "them"));
}

}  // namespace flare::arch
