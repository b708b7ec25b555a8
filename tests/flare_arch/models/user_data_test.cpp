// Data as users have it: folders of images, IDX files, tables of text, plain text, HDF5; and what is wrong with them.
#include <H5Cpp.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class UserData : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "user_data";
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "model");
    image_.image = {3, 6, 2, false, 1.0 / 255, {}, {}};
    text_.vocabulary = 10;
    text_.positions = 6;
    text_.token_types = 2;
    text_.classes = 2;
    language_ = text_;
    language_.pooling = Pooling::every;
    write("model/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\ngood\nbad\nfilm\n");
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& bytes) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }
  static fs::path image(const char* name) {
    return fs::path(FLARE_SOURCE_DIR) / "tests/flare_arch/golden/images" / name;
  }
  Dataset load(const std::string& name, const ModelSpec& spec, const DatasetOptions& options = {}) const {
    return load_dataset(folder_ / name, spec, folder_ / "model", options);
  }
  std::string refusal(const std::string& name, const ModelSpec& spec) const {
    try {
      load(name, spec);
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }
  fs::path folder_;
  ModelSpec image_, text_, language_;
};

TEST_F(UserData, SubfoldersAreClasses) {
  for (const char* place : {"set/cat/a.jpg", "set/dog/b.jpg", "set/dog/a.png"}) {
    fs::create_directories((folder_ / place).parent_path());
    fs::copy_file(image(std::string(place).ends_with("png") ? "grey.png" : "photo.jpg"), folder_ / place);
  }
  const Dataset d = load("set", image_);
  EXPECT_EQ(d.name, (folder_ / "set").string());  // for messages
  ASSERT_EQ(d.test->size(), 3);
  EXPECT_EQ(d.test->example(0).label, 0);
  EXPECT_EQ(d.test->example(2).label, 1);
  const Example e = d.test->example(1);
  EXPECT_EQ(e.image.channels, 3);
  EXPECT_EQ(e.image.height, 6);  // the shorter side to 6 / 0.875, the middle 6 x 6
  EXPECT_THAT(e.image.values, SizeIs(3 * 36));
  EXPECT_FALSE(e.image.normalised);
  EXPECT_THAT(dataset_files(folder_ / "set", folder_ / "model"), SizeIs(3));
}

TEST_F(UserData, LabelsStandInAFileAndTheModelsFolderSaysTheSize) {
  fs::create_directories(folder_ / "set");
  fs::copy_file(image("photo.jpg"), folder_ / "set/x.jpg");
  write("set_labels.tsv", "x.jpg\t7\n");
  EXPECT_EQ(load("set", image_).test->example(0).label, 7);
  write(
      "model/preprocessor_config.json",
      R"({"size":{"shortest_edge":9},"crop_size":{"height":4,"width":5},"do_center_crop":true,"resample":3})");
  const Example e = load("set", image_).test->example(0);
  EXPECT_EQ(e.image.height, 4);
  EXPECT_EQ(e.image.width, 5);
  EXPECT_EQ(load("set", image_, {.crop = 3}).test->example(0).image.width, 3);
  write("set_labels.tsv", "x.jpg\tseven\n");
  EXPECT_THAT(refusal("set", image_), HasSubstr("set_labels.tsv:1: the class must be a number"));
  write("set_labels.tsv", "\ny.jpg\t1\n");
  EXPECT_THAT(refusal("set", image_), HasSubstr("set_labels.tsv:2: "));
  fs::remove(folder_ / "set_labels.tsv");
  EXPECT_THAT(refusal("set", image_), HasSubstr("set: no images; labels.tsv"));
  EXPECT_THAT(refusal("set", text_), HasSubstr("for a model of text"));
  write("model/preprocessor_config.json", R"({"size":{"longest":9}})");
  EXPECT_THAT(refusal("set", image_), HasSubstr("preprocessor_config.json: size is neither"));
}

std::string big_endian(const std::vector<unsigned>& words) {
  std::string bytes;
  for (const unsigned w : words)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((w >> shift) & 0xff);
  return bytes;
}

TEST_F(UserData, IdxFiles) {
  write("mnist/t10k-images-idx3-ubyte",
        big_endian({0x803, 2, 1, 3}) + std::string("\x01\x02\x03\xff\x05\x06", 6));
  write("mnist/t10k-labels-idx1-ubyte", big_endian({0x801, 2}) + std::string("\x04\x09", 2));
  const Dataset d = load("mnist", image_);
  ASSERT_EQ(d.test->size(), 2);
  const Example e = d.test->example(1);
  EXPECT_EQ(e.label, 9);
  EXPECT_THAT(e.image.values, ElementsAre(255, 5, 6));
  EXPECT_EQ(d.train, d.test);
  write("mnist/t10k-labels-idx1-ubyte", big_endian({0x801, 3}) + "abc");
  EXPECT_THAT(refusal("mnist", image_), HasSubstr("t10k-labels-idx1-ubyte: 3 labels for 2 images"));
  write("mnist/t10k-images-idx3-ubyte", big_endian({0x803, 3, 1, 3}) + "123456");
  EXPECT_THAT(refusal("mnist", image_), HasSubstr("has 22 bytes, its header says 25"));
  write("mnist/t10k-images-idx3-ubyte", "\x03");
  EXPECT_THAT(refusal("mnist", image_), HasSubstr("is cut off"));
  fs::remove(folder_ / "mnist/t10k-labels-idx1-ubyte");
  EXPECT_THAT(refusal("mnist", image_), HasSubstr("its labels are missing"));
}

TEST_F(UserData, TablesOfTextByTheirColumns) {
  write("a.tsv", "sentence\tlabel\ngood film\t1\nbad film good film\t0\r\n");
  const Dataset d = load("a.tsv", text_);
  EXPECT_EQ(d.metric, Metric::top1);
  EXPECT_THAT(d.test->example(0).tokens, ElementsAre(2, 4, 6, 3));
  EXPECT_THAT(d.test->example(1).tokens, ElementsAre(2, 5, 6, 4, 6, 3));
  EXPECT_EQ(d.test->example(0).label, 1);
  write("b.tsv", "index\tsentence1\tsentence2\tlabel\n0\tgood\tbad film\tno\n");
  write("model/config.json", R"({"label2id":{"yes":0,"no":1}})");
  const Example pair = load("b.tsv", text_).test->example(0);
  EXPECT_THAT(pair.tokens, ElementsAre(2, 4, 3, 5, 6, 3));
  EXPECT_THAT(pair.token_types, ElementsAre(0, 0, 0, 1, 1, 1));
  EXPECT_EQ(pair.label, 1);
  write("c.tsv", "gj04\t1\t\tgood film\ngj04\t0\t*\tfilm\n");  // CoLA's
  EXPECT_EQ(load("c.tsv", text_, {.metric = Metric::matthews}).test->size(), 2);
  EXPECT_EQ(load("c.tsv", text_, {.metric = Metric::matthews}).metric, Metric::matthews);
  ModelSpec number = text_;
  number.classes = 1;
  write("d.tsv", "sentence\tscore\ngood\t2.5\n");
  EXPECT_EQ(load("d.tsv", number).metric, Metric::pearson);
  EXPECT_EQ(load("d.tsv", number).test->example(0).target, 2.5);
  EXPECT_THAT(dataset_files(folder_ / "a.tsv", folder_ / "model"), SizeIs(2));
}

TEST_F(UserData, StaticScalesAreCalibratedOnOtherExamples) {
  write("sst_dev.tsv", "sentence\tlabel\ngood\t1\n");
  EXPECT_TRUE(load("sst_dev.tsv", text_).calibrates_on_test());
  write("sst_train.tsv", "sentence\tlabel\nbad film\t0\n");
  const Dataset split = load("sst_dev.tsv", text_);  // the training split beside it
  EXPECT_FALSE(split.calibrates_on_test());
  EXPECT_THAT(split.train->example(0).tokens, ElementsAre(2, 5, 6, 3));
  EXPECT_EQ(split.test->size(), 1);
  EXPECT_THAT(dataset_files(folder_ / "sst_dev.tsv", folder_ / "model"), SizeIs(3));
  EXPECT_TRUE(load("sst_train.tsv", text_).calibrates_on_test());
  write("other.tsv", "sentence\tlabel\nfilm\t0\n");
  const DatasetOptions named{.calibration = folder_ / "other.tsv"};
  EXPECT_THAT(load("sst_dev.tsv", text_, named).train->example(0).tokens, ElementsAre(2, 6, 3));
  EXPECT_THAT(dataset_files(folder_ / "sst_dev.tsv", folder_ / "model", named), SizeIs(4));
  EXPECT_TRUE(load("other.tsv", text_, named).calibrates_on_test());
  // Of a training split as much is read as calibrates: this one is damaged far behind that.
  std::string lines = "sentence\tlabel\n";
  for (int i = 0; i < 1000; ++i) lines += "bad\t0\n";
  write("sst_train.tsv", lines + "bad\t7\n");
  EXPECT_EQ(load("sst_dev.tsv", text_).train->size(), 1000);
  write("sst_train.tsv", "sentence\tlabel\nbad\t7\n");
  EXPECT_THAT(refusal("sst_dev.tsv", text_), HasSubstr("sst_train.tsv:2: label 7"));
}

TEST_F(UserData, ATokenizerOfAnotherModelIsNoticedWhereTheTextIsRead) {
  ModelSpec small = text_;
  small.vocabulary = 6;  // "film" is token 6
  write("a.tsv", "sentence\tlabel\ngood\t1\nbad film\t0\n");
  EXPECT_THAT(refusal("a.tsv", small),
              HasSubstr("a.tsv:3: the tokenizer gives token 6, outside the model's"));
  small.pooling = Pooling::every;
  write("a.txt", "good film");
  EXPECT_THAT(refusal("a.txt", small), HasSubstr("the tokenizer gives token 6"));
  fs::remove(folder_ / "model/vocab.txt");
  write("model/tokenizer.model", "");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("tokenizer.model (SentencePiece) is not read"));
}

TEST_F(UserData, WhatIsWrongWithATableIsNamed) {
  write("a.tsv", "sentence\tlabel\ngood\t2\n");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("a.tsv:2: label 2 is not one of the model's 2 classes"));
  write("a.tsv", "sentence\tlabel\ngood\tmaybe\n");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("a.tsv:2: label 'maybe'"));
  write("a.tsv", "sentence\tlabel\ngood\n");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("a.tsv:2: 1 columns"));
  write("a.tsv", "words\tclass\ngood\t1\n");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("a.tsv:1: the first line names no text and label"));
  write("a.tsv", "");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("no examples"));
  EXPECT_THAT(refusal("a.tsv", language_), HasSubstr("for a model that classifies none"));
  EXPECT_THAT(refusal("b.tsv", text_), HasSubstr("b.tsv: no such file"));
  fs::remove(folder_ / "model/vocab.txt");
  EXPECT_THAT(refusal("a.tsv", text_), HasSubstr("holds no tokenizer"));
}

TEST_F(UserData, PlainTextInWindowsOrLines) {
  write("a.txt", "good film bad film\ngood good film\n");
  const Dataset d = load("a.txt", language_, {.window = 4});
  EXPECT_EQ(d.metric, Metric::loss);
  ASSERT_EQ(d.test->size(), 2);
  EXPECT_THAT(d.test->example(0).tokens, ElementsAre(4, 6, 5, 6));
  EXPECT_THAT(d.test->example(1).tokens, ElementsAre(4, 4, 6));
  const Dataset lines = load("a.txt", language_, {.lines = true});
  ASSERT_EQ(lines.test->size(), 2);
  EXPECT_THAT(lines.test->example(1).tokens, ElementsAre(2, 4, 4, 6, 3));
  EXPECT_THAT(refusal("a.txt", text_), HasSubstr("plain text is for language models"));
  write("a.txt", "film");
  EXPECT_THAT(refusal("a.txt", language_), HasSubstr("no text of two tokens"));
}

TEST_F(UserData, TensorsOfAnHdf5File) {
  {
    const H5::H5File file((folder_ / "t.h5").string(), H5F_ACC_TRUNC);
    const hsize_t ids[] = {2, 3}, labels[] = {2};
    const std::int32_t tokens[] = {2, 4, 3, 2, 5, 3};
    const float targets[] = {0.5F, 1.25F};
    file.createDataSet("input_ids", H5::PredType::STD_I32LE, H5::DataSpace(2, ids))
        .write(tokens, H5::PredType::NATIVE_INT32);
    file.createDataSet("labels", H5::PredType::IEEE_F32LE, H5::DataSpace(1, labels))
        .write(targets, H5::PredType::NATIVE_FLOAT);
  }
  const Dataset d = load("t.h5", text_);
  EXPECT_EQ(d.metric, Metric::pearson);
  EXPECT_THAT(d.test->example(1).tokens, ElementsAre(2, 5, 3));
  EXPECT_EQ(d.test->example(1).target, 1.25);
  write("t.h5", "no HDF5");
  EXPECT_THAT(refusal("t.h5", text_), HasSubstr("t.h5: "));
}

}  // namespace
}  // namespace flare::arch
