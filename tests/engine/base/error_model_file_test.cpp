// Error models as a study writes them, and what is refused.
#include "engine/base/error_model_file.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <functional>

#include "engine/base/hdf5_io.hpp"
#include "tests/engine/base/file_fixture.hpp"

namespace flare::engine {
namespace {

using testing::message_of;
using testing::scratch;

const ModelKey flash{"sram8t", 8, "flash", "tt_0.9V_27C"};

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

TEST(ErrorModelFile, ComesBackAsWritten) {
  const auto path = scratch("model.h5");
  const ErrorModel m = ErrorModel::gaussian(8, 9, {0.03, 0.004, 0.05}, {0.02});
  write_model(path, m);
  const ErrorModel r = read_error_model(open_result(path), flash);
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
  const auto keys = list_error_models(open_result(path));
  ASSERT_EQ(keys.size(), 1u);
  EXPECT_EQ(keys[0].cell, "sram8t");
  EXPECT_EQ(keys[0].sawl, 8);
  EXPECT_EQ(keys[0].adc, "flash");
  EXPECT_EQ(keys[0].corner, "tt_0.9V_27C");
  std::filesystem::remove(path);
}

TEST(ErrorModelFile, OffsetsOfEachThresholdComeBack) {
  const auto path = scratch("offsets.h5");
  ErrorModel m = ErrorModel::gaussian(4, 5, {0.03, 0.004, 0.05}, {0.02});
  m.p_wrong = m.p_wrong_low = m.p_wrong_high = std::vector<double>(5, 1e-3);
  const auto again = [&] {
    {
      H5::H5File file(path.string(), H5F_ACC_TRUNC);
      write_error_model(file, {"sram8t", 4, "sar", "tt"}, m);
    }
    return read_error_model(open_result(path), {"sram8t", 4, "sar", "tt"});
  };
  EXPECT_TRUE(again().frozen.threshold_offset_sigmas.empty());
  EXPECT_FALSE(again().frozen.common_offset);
  m.frozen.threshold_offset_sigmas = {0.01, 0.02, 0.03, 0.07};
  m.frozen.common_offset = true;
  const ErrorModel r = again();
  EXPECT_EQ(r.frozen.threshold_offset_sigmas, m.frozen.threshold_offset_sigmas);
  EXPECT_EQ(r.frozen.threshold_offset_sigma, 0.05);
  EXPECT_TRUE(r.frozen.common_offset);
  m.frozen.threshold_offset_sigmas.pop_back();
  std::string error;
  EXPECT_FALSE(m.is_valid(&error));
  EXPECT_NE(error.find("codes - 1 offsets"), std::string::npos) << error;
  std::filesystem::remove(path);
}

// Each boundary is crossed with the probability of its own spread.
TEST(ErrorModel, PartsWithOffsetsOfTheirOwn) {
  ErrorModel m = ErrorModel::gaussian(2, 3, {0.1, 0.0, 0.2}, {0.05});
  const Matrix alike = m.confusion_of_parts();
  m.frozen.threshold_offset_sigmas = {0.2, 0.2};
  EXPECT_NEAR((m.confusion_of_parts() - alike).cwiseAbs().maxCoeff(), 0.0, 1e-15);
  m.frozen.threshold_offset_sigmas = {0.05, 0.3};
  const Matrix p = m.confusion_of_parts();
  const auto tail = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };
  EXPECT_NEAR(p(1, 0), tail(0.5 / std::sqrt(0.01 + 0.0025 + 0.0025)), 1e-15);
  EXPECT_NEAR(p(1, 2), tail(0.5 / std::sqrt(0.01 + 0.0025 + 0.09)), 1e-15);
  EXPECT_NEAR(p.row(1).sum(), 1.0, 1e-15);
}

TEST(ErrorModelFile, BadFilesAreRefusedWithTheReason) {
  const auto path = scratch("bad.h5");
  const auto load = [&] { read_error_model(open_result(path), flash); };
  EXPECT_NE(message_of(load).find("no such file"), std::string::npos);
  std::ofstream(path) << "not HDF5";
  EXPECT_NE(message_of(load).find("not an HDF5 file"), std::string::npos);

  const ErrorModel good = ErrorModel::ideal(8);
  write_model(path, good);
  EXPECT_NE(message_of([&] {
              read_error_model(open_result(path), {"mram", 8, "flash", "tt"});
            }).find("sram8t/sawl8/flash/tt_0.9V_27C"),
            std::string::npos);
  // What a file does not say has a default.
  for (const char* missing :
       {"reconstruct", "thresholds", "level_mean", "cell_sigma_step", "read_noise_sigma_step"}) {
    write_model(path, good, missing);
    const ErrorModel m = read_error_model(open_result(path), flash);
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

TEST(ErrorModel, AShiftAndAGainErrorMoveTheLevels) {
  // Level 8 at 8 * 0.95 + 0.1 = 7.7, threshold 7.5, sigma 0.1: Phi(-2) of the reads give code 7.
  const ErrorModel m = ErrorModel::gaussian(8, 9, {}, {0.1}, {0.1, -0.05});
  EXPECT_NEAR(m.level_mean[8], 7.7, 1e-12);
  EXPECT_NEAR(m.confusion(8, 7), 0.5 * std::erfc(2 / std::sqrt(2.0)), 1e-9);
  EXPECT_NEAR(m.confusion(0, 1), 0.5 * std::erfc(4 / std::sqrt(2.0)), 1e-9);
  EXPECT_EQ(ErrorModel::gaussian(8, 9, {0.03, 0.01, 0.02}, {0.1}).confusion,
            ErrorModel::gaussian(8, 9, {0.03, 0.01, 0.02}, {0.1}).confusion_of_parts());
}

TEST(ErrorModelFile, WhatIsWrittenIsRead) {
  const auto path = scratch("written.h5");
  ErrorModel m = ErrorModel::gaussian(8, 9, {0.03, 0.004, 0.05}, {0.02});
  m.enob = 5.5;
  m.p_wrong = m.p_wrong_low = m.p_wrong_high = std::vector<double>(9, 1e-3);
  m.p_wrong[2] = std::nan("");  // refused
  m.status = "refused";
  {
    H5::H5File file(path.string(), H5F_ACC_TRUNC);
    write_error_model(file, flash, m);
  }
  const ErrorModel r = read_error_model(open_result(path), flash);
  EXPECT_EQ(r.confusion, m.confusion);
  EXPECT_EQ(r.enob, 5.5);
  EXPECT_EQ(r.p_wrong_high, m.p_wrong_high);
  EXPECT_TRUE(std::isnan(r.p_wrong[2]));
  EXPECT_EQ(r.frozen_text, m.frozen_text);
  EXPECT_EQ(r.status, "refused");
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace flare::engine
