// Files from elsewhere: error models, tensors, data sets. Good ones are read, bad ones are refused.
#include <H5Cpp.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

#include "engine/base/file_error.hpp"
#include "flare_arch/dataset.hpp"
#include "flare_arch/error_model_file.hpp"
#include "flare_arch/safetensors.hpp"

namespace flare::arch {
namespace {

std::filesystem::path scratch(const std::string& name) {
  const auto folder = std::filesystem::path(FLARE_BINARY_DIR) / "scratch";
  std::filesystem::create_directories(folder);
  return folder / (std::to_string(::getpid()) + "_" + name);
}

void write_numbers(const H5::DataSet& set, const char* name, const std::vector<double>& values) {
  const hsize_t size = values.size();
  const H5::DataSpace space(1, &size);
  set.createAttribute(name, H5::PredType::NATIVE_DOUBLE, space)
      .write(H5::PredType::NATIVE_DOUBLE, values.data());
}

void write_number(const H5::DataSet& set, const char* name, double value) {
  set.createAttribute(name, H5::PredType::NATIVE_DOUBLE, H5::DataSpace(H5S_SCALAR))
      .write(H5::PredType::NATIVE_DOUBLE, &value);
}

void write_text(const H5::DataSet& set, const char* name, const std::string& text) {
  const H5::StrType type(H5::PredType::C_S1, H5T_VARIABLE);
  set.createAttribute(name, type, H5::DataSpace(H5S_SCALAR)).write(type, text);
}

/// Writes `m` as a study would; `skip` leaves one attribute out.
void write_model(const std::filesystem::path& path, const ErrorModel& m, const std::string& skip = "") {
  H5::H5File file(path.string(), H5F_ACC_TRUNC);
  std::string group;
  for (const std::string& part :
       {std::string("error_models"), std::string("sram8t"), "sawl" + std::to_string(m.rows_per_read),
        std::string("flash"), std::string("tt_0.9V_27C")})
    file.createGroup(group += "/" + part);
  const hsize_t shape[] = {static_cast<hsize_t>(m.confusion.rows()),
                           static_cast<hsize_t>(m.confusion.cols())};
  H5::DataSet set =
      file.createDataSet(group + "/confusion", H5::PredType::NATIVE_DOUBLE, H5::DataSpace(2, shape));
  set.write(m.confusion.data(), H5::PredType::NATIVE_DOUBLE);
  const auto number = [&](const char* name, double v) {
    if (skip != name) write_number(set, name, v);
  };
  const auto numbers = [&](const char* name, const std::vector<double>& v) {
    if (skip != name) write_numbers(set, name, v);
  };
  numbers("reconstruct", m.reconstruct);
  numbers("thresholds", m.thresholds);
  numbers("level_mean", m.level_mean);
  number("cell_sigma_step", m.frozen.cell_sigma);
  number("off_cell_sigma_step", m.frozen.off_cell_sigma);
  number("threshold_offset_sigma_step", m.frozen.threshold_offset_sigma);
  number("read_noise_sigma_step", m.per_read.noise_sigma);
  write_text(set, "frozen", "cells, offsets");
  write_text(set, "per_read", "noise");
  write_text(set, "status", "extrapolated");
}

std::string message_of(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return "(nothing thrown)";
}

TEST(ErrorModelFile, ComesBackAsWritten) {
  const auto path = scratch("model.h5");
  const ErrorModel m = ErrorModel::gaussian(8, 9, {0.03, 0.004, 0.05}, {0.02});
  write_model(path, m);
  const ErrorModel r = load_error_model(path, "sram8t", 8, "flash", "tt_0.9V_27C");
  EXPECT_EQ(r.confusion, m.confusion);
  EXPECT_EQ(r.reconstruct, m.reconstruct);
  EXPECT_EQ(r.thresholds, m.thresholds);
  EXPECT_EQ(r.level_mean, m.level_mean);
  EXPECT_EQ(r.frozen.cell_sigma, 0.03);
  EXPECT_EQ(r.frozen.off_cell_sigma, 0.004);
  EXPECT_EQ(r.frozen.threshold_offset_sigma, 0.05);
  EXPECT_EQ(r.per_read.noise_sigma, 0.02);
  EXPECT_EQ(r.frozen_text, "cells, offsets");
  EXPECT_EQ(r.status, "extrapolated");
  const auto keys = list_error_models(path);
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].cell, "sram8t");
  EXPECT_EQ(keys[0].sawl, 8);
  EXPECT_EQ(keys[0].adc, "flash");
  EXPECT_EQ(keys[0].corner, "tt_0.9V_27C");
  std::filesystem::remove(path);
}

TEST(ErrorModelFile, BadFilesAreRefusedWithTheReason) {
  const auto path = scratch("bad.h5");
  const auto load = [&] { load_error_model(path, "sram8t", 8, "flash", "tt_0.9V_27C"); };
  EXPECT_NE(message_of(load).find("cannot be opened"), std::string::npos);
  std::ofstream(path) << "not HDF5";
  EXPECT_NE(message_of(load).find("cannot be opened"), std::string::npos);

  const ErrorModel good = ErrorModel::ideal(8);
  write_model(path, good);
  EXPECT_NE(message_of([&] {
              load_error_model(path, "mram", 8, "flash", "tt");
            }).find("sram8t/sawl8/flash/tt_0.9V_27C"),
            std::string::npos);
  // What a file does not say has a default.
  for (const char* missing :
       {"reconstruct", "thresholds", "level_mean", "cell_sigma_step", "read_noise_sigma_step"}) {
    write_model(path, good, missing);
    const ErrorModel m = load_error_model(path, "sram8t", 8, "flash", "tt_0.9V_27C");
    EXPECT_EQ(m.reconstruct, good.reconstruct) << missing;
    EXPECT_EQ(m.thresholds, good.thresholds) << missing;
    EXPECT_EQ(m.level_mean, good.level_mean) << missing;
  }
  const auto refused = [&](auto change, const char* expected) {
    ErrorModel m = good;
    change(m);
    write_model(path, m);
    EXPECT_NE(message_of(load).find(expected), std::string::npos) << message_of(load);
  };
  refused([](ErrorModel& m) { m.confusion(3, 3) = 0.5; }, "(k = 3) sums to 0.5");
  refused([](ErrorModel& m) { m.confusion(3, 3) = NAN; }, "not finite");
  refused([](ErrorModel& m) { m.confusion(3, 2) = -0.1, m.confusion(3, 3) = 1.1; }, "negative");
  refused([](ErrorModel& m) { m.reconstruct.pop_back(); }, "reconstruct");
  refused([](ErrorModel& m) { m.reconstruct[2] = 1e9; }, "far outside");
  refused([](ErrorModel& m) { std::swap(m.thresholds[0], m.thresholds[1]); }, "do not rise");
  refused([](ErrorModel& m) { m.frozen.cell_sigma = -1; }, "sigma");
  refused([](ErrorModel& m) { m.level_mean[1] = INFINITY; }, "level_mean");
  write_model(path, ErrorModel::ideal(4));
  std::filesystem::remove(path);
}

TEST(ErrorModel, GaussianRatesAreTheTailsTheyShouldBe) {
  // k = 8 on-cells of 5 %: sigma 0.1414, and half a step below is 3.54 sigma.
  const ErrorModel m = ErrorModel::gaussian(8, 9, {0.05, 0, 0}, {});
  const double sigma = 0.05 * std::sqrt(8.0);
  EXPECT_NEAR(m.error_rate(8) / (0.5 * std::erfc(0.5 / sigma / std::sqrt(2.0))), 1, 1e-12);
  EXPECT_NEAR(m.error_rate(4) / std::erfc(0.5 / 0.1 / std::sqrt(2.0)), 1, 1e-9);
  EXPECT_EQ(m.error_rate(0), 0);
  EXPECT_TRUE(m.is_lossless());
  EXPECT_EQ(m.largest_error_rate(), std::max({m.error_rate(8), m.error_rate(7)}));
  EXPECT_FALSE(ErrorModel::gaussian(8, 4, {}, {}).is_lossless());
}

std::vector<std::byte> bytes_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::vector<std::byte> bytes(8 + header.size() + data);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

TEST(Safetensors, BadFilesAreRefused) {
  const auto refused = [](const std::string& header, std::size_t data, const char* expected) {
    const std::string message = message_of([&] { TensorFile::parse(bytes_of(header, data)); });
    EXPECT_NE(message.find(expected), std::string::npos) << header << " -> " << message;
  };
  refused("{", 0, "not a JSON object");
  refused("[1]", 0, "not a JSON object");
  refused(std::string(100, '[') + std::string(100, ']'), 0, "nested");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 8, "do not agree");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 8, "outside");
  refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "outside");
  refused(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "whole number");
  refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 8,
          "larger than the file");
  refused(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,8]}})", 8, "do not agree");
  refused(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "missing");
  refused(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
      8, "overlap");
  EXPECT_NE(message_of([] { TensorFile::parse(std::vector<std::byte>(3)); }).find("too short"),
            std::string::npos);
  std::vector<std::byte> huge(16, std::byte{0xff});
  EXPECT_NE(message_of([&] { TensorFile::parse(huge); }).find("header"), std::string::npos);
}

/// A file of one tensor of 16-bit elements.
TensorFile two_byte_tensor(const std::string& dtype, const std::vector<std::uint16_t>& bits) {
  std::vector<std::byte> bytes =
      bytes_of(R"({"a":{"dtype":")" + dtype + R"(","shape":[)" + std::to_string(bits.size()) +
                   R"(],"data_offsets":[0,)" + std::to_string(2 * bits.size()) + "]}}",
               2 * bits.size());
  std::memcpy(bytes.data() + bytes.size() - 2 * bits.size(), bits.data(), 2 * bits.size());
  return TensorFile::parse(bytes);
}

TEST(Safetensors, SixteenBitNumbersAreExact) {
  // IEEE 754-2008 binary16: one, -2, smallest subnormal and normal, largest, -0, 1 + 2^-10.
  const MatrixF half =
      two_byte_tensor("F16", {0x3c00, 0xc000, 0x0001, 0x0400, 0x7bff, 0x8000, 0x3c01, 0x83ff})
          .floats("a", 1, 8);
  MatrixF expected(1, 8);
  expected << 1.0f, -2.0f, 0x1p-24f, 0x1p-14f, 65504.0f, -0.0f, 1.0f + 0x1p-10f, -1023 * 0x1p-24f;
  EXPECT_EQ(half, expected);
  EXPECT_TRUE(std::signbit(half(0, 5)));
  const MatrixF special = two_byte_tensor("F16", {0x7c00, 0xfc00, 0x7e00}).floats("a");
  EXPECT_EQ(special(0, 0), INFINITY);
  EXPECT_EQ(special(0, 1), -INFINITY);
  EXPECT_TRUE(std::isnan(special(0, 2)));
  const MatrixF brain = two_byte_tensor("BF16", {0x3f80, 0x4049, 0xc2f7, 0x0001}).floats("a");
  EXPECT_EQ(brain(0, 0), 1.0f);
  EXPECT_EQ(brain(0, 1), 3.140625f);
  EXPECT_EQ(brain(0, 2), -123.5f);
  EXPECT_EQ(brain(0, 3), 0x1p-133f);
}

TEST(Safetensors, ATypeMattersOnlyToWhoReadsIt) {
  for (const char* type : {"BOOL", "I8", "F8_E4M3", "U64", "F4_OF_TOMORROW"}) {
    const std::size_t bytes = std::string(type) == "U64" ? 32 : 4;
    const TensorFile file =
        TensorFile::parse(bytes_of(std::string(R"({"a":{"dtype":")") + type +
                                       R"(","shape":[4],"data_offsets":[0,)" + std::to_string(bytes) + "]}}",
                                   bytes));
    EXPECT_EQ(file.tensor("a").dtype, type);
    EXPECT_NE(message_of([&] { file.floats("a"); }).find(type), std::string::npos);
  }
}

TEST(Safetensors, DamagedBytesNeverCrash) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})";
  const std::vector<std::byte> good = bytes_of(header, 24);
  EXPECT_EQ(TensorFile::parse(good).floats("a", 2, 3), MatrixF::Zero(2, 3));
  std::mt19937 generator(9);
  int refusals = 0;
  for (int i = 0; i < 3000; ++i) {
    std::vector<std::byte> bytes = good;
    for (int flips = 1 + static_cast<int>(generator() % 3); flips > 0; --flips)
      bytes[generator() % bytes.size()] = static_cast<std::byte>(generator());
    if (generator() % 4 == 0) bytes.resize(generator() % bytes.size());
    try {
      TensorFile::parse(bytes);
    } catch (const std::runtime_error&) {
      ++refusals;
    }
  }
  EXPECT_GT(refusals, 1000);
}

TEST(Digits, BadLinesAreNamed) {
  const auto path = scratch("digits.csv");
  const auto message = [&](const std::string& line) {
    std::ofstream(path) << "split,label\n" << line << "\n";
    return message_of([&] { load_digits(path); });
  };
  std::string pixels;
  for (int i = 0; i < 64; ++i) pixels += ",1";
  EXPECT_EQ(message("test,3" + pixels), "(nothing thrown)");
  EXPECT_NE(message("other,3" + pixels).find(":2: "), std::string::npos);
  EXPECT_NE(message("test,10" + pixels).find("label"), std::string::npos);
  EXPECT_NE(message("test,3,17" + pixels.substr(2)).find("pixel"), std::string::npos);
  EXPECT_NE(message("test,3" + pixels + ",1").find("more than 64"), std::string::npos);
  EXPECT_NE(message("test,3,1").find("pixel"), std::string::npos);
  EXPECT_NE(message("train,3" + pixels).find("no test images"), std::string::npos);
  std::ofstream(path) << "test,3" << pixels << "\n";  // without a header the first image would be lost
  EXPECT_NE(message_of([&] { load_digits(path); }).find(":1: "), std::string::npos);
  EXPECT_THROW(load_digits(path.parent_path()), engine::FileError);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace flare::arch
