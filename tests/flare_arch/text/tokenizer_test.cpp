// Tokenizers on the small vocabularies that their authors' own tests use, and as folders.
#include "flare_arch/text/tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/file_error.hpp"
#include "flare_arch/text/characters.hpp"

namespace flare::arch {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Vocabulary numbered(const std::vector<std::string>& tokens) {
  Vocabulary v;
  for (const std::string& token : tokens) v.emplace(token, static_cast<TokenId>(v.size()));
  return v;
}

const std::vector<std::string> bert_tokens = {"[UNK]", "[CLS]", "[SEP]",  "want", "##want",
                                              "##ed",  "wa",    "un",     "runn", "##ing",
                                              ",",     "low",   "lowest", "!",    "\u535a"};

TEST(WordPiece, LongestPiecesFromTheFront) {
  const WordPiece t(numbered(bert_tokens), true);
  EXPECT_THAT(t.pieces("UNwant\u00c9d,running"), ElementsAre(7, 4, 5, 10, 8, 9));
  EXPECT_THAT(t.pieces(" \tlow  lowest!\n"), ElementsAre(11, 12, 13));
  EXPECT_THAT(t.pieces("wanted unwanteder low"),
              ElementsAre(3, 5, 0, 11));                           // a word is known whole or not at all
  EXPECT_THAT(t.pieces("low\u535alow"), ElementsAre(11, 14, 11));  // a Chinese character stands alone
  EXPECT_THAT(t.pieces(std::string(101, 'w')), ElementsAre(0));
  EXPECT_THAT(t.pieces(""), IsEmpty());
  EXPECT_THAT(WordPiece(numbered(bert_tokens), false).pieces("Low low"), ElementsAre(0, 11));
  EXPECT_THROW(WordPiece(numbered({"a"}), true), std::runtime_error);
}

const std::vector<std::string> gpt_tokens = {"l",       "o",        "w",         "e", "r",      "s",
                                             "t",       "i",        "d",         "n", "\u0120", "\u0120l",
                                             "\u0120n", "\u0120lo", "\u0120low", "er"};
const std::vector<ByteBpe::Pair> gpt_merges = {
    {"\u0120", "l"}, {"\u0120l", "o"}, {"\u0120lo", "w"}, {"e", "r"}};

TEST(ByteBpe, JoinsInTheOrderOfTheMerges) {
  const ByteBpe t(numbered(gpt_tokens), gpt_merges);
  EXPECT_THAT(t.pieces(" lower newer"), ElementsAre(14, 15, 10, 9, 3, 2, 15));
  EXPECT_THAT(t.pieces("lower"), ElementsAre(0, 1, 2, 15));
  EXPECT_THAT(ByteBpe(numbered(gpt_tokens), gpt_merges, true).pieces("lower"), ElementsAre(14, 15));
  EXPECT_THROW(t.pieces("x"), std::runtime_error);
  EXPECT_THROW(ByteBpe(numbered(gpt_tokens), {{"l", "x"}}), std::runtime_error);
}

TEST(ByteBpe, WordsAreThoseOfGpt2) {
  EXPECT_THAT(gpt2_words("I'm here, you've 12 cats!! \u00e9t\u00e9"),
              ElementsAre("I", "'m", " here", ",", " you", "'ve", " 12", " cats", "!!", " \u00e9t\u00e9"));
  EXPECT_THAT(gpt2_words("a  b\n\nc "), ElementsAre("a", " ", " b", "\n", "\n", "c", " "));
  EXPECT_THAT(gpt2_words("'tis it's"), ElementsAre("'t", "is", " it", "'s"));
  EXPECT_THAT(gpt2_words("don'tx3"), ElementsAre("don", "'t", "x", "3"));
}

TEST(LongestMatch, TakesTheLongestEntry) {
  const LongestMatch t(numbered({"C", "Cl", "[C@H]", "B", "Br", "(", "?"}), 6);
  EXPECT_THAT(t.pieces("CCl[C@H](Br)"), ElementsAre(0, 1, 2, 5, 4, 6));
  EXPECT_THROW(LongestMatch(numbered({"C"}), -1).pieces("CN"), std::runtime_error);
}

TEST(Frames, MarksStandAroundAndLongTextsLoseTheirEnd) {
  WordPiece t(numbered(bert_tokens), true);
  t.frame = {{1}, {2}, {2}, true};
  EXPECT_THAT(t.encode("low").ids, ElementsAre(1, 11, 2));
  const TokenizedText pair = t.encode("low low", "want");
  EXPECT_THAT(pair.ids, ElementsAre(1, 11, 11, 2, 3, 2));
  EXPECT_THAT(pair.types, ElementsAre(0, 0, 0, 0, 1, 1));
  EXPECT_THAT(t.encode("low low", "want", 5).ids, ElementsAre(1, 11, 2, 3, 2));
  EXPECT_THAT(t.encode("low want low", 4).ids, ElementsAre(1, 11, 3, 2));
  EXPECT_THROW(t.encode("low", 2), std::runtime_error);
}

TEST(Characters, BadBytesBecomeTheReplacement) {
  EXPECT_THAT(characters_of("a\xff\xe2\x82z"), ElementsAre(U'a', 0xfffd, 0xfffd, U'z'));
  EXPECT_THAT(characters_of("\xed\xa0\x80"), ::testing::Each(0xfffd));  // a surrogate
  EXPECT_THAT(characters_of("\xf0\x9f\x98\x80"), ElementsAre(0x1f600));
  EXPECT_EQ(utf8_of(0x1f600), "\xf0\x9f\x98\x80");
}

/// Texts of many scripts, their ids as published tokenizers give them, and the part of the vocabularies that these take:
/// golden/make_tokens.mjs.
class PublishedTokens : public ::testing::Test {
 protected:
  using Json = nlohmann::json;
  const Json golden = Json::parse(std::ifstream(FLARE_SOURCE_DIR "/tests/flare_arch/golden/tokens.json"));

  Vocabulary vocabulary(const char* of) const { return golden[of]["vocabulary"].get<Vocabulary>(); }
  void expect(const Tokenizer& tokenizer, const char* of) const {
    ASSERT_GE(golden["texts"].size(), 20);
    for (std::size_t i = 0; i < golden["texts"].size(); ++i) {
      const auto text = golden["texts"][i].get<std::string>();
      EXPECT_EQ(tokenizer.pieces(text), golden[of]["ids"][i].get<std::vector<TokenId>>()) << text;
    }
  }
};

TEST_F(PublishedTokens, OfBert) { expect(WordPiece(vocabulary("word_piece"), true), "word_piece"); }

TEST_F(PublishedTokens, OfGpt2) {
  std::vector<ByteBpe::Pair> merges;
  for (const auto& merge : golden["byte_bpe"]["merges"]) {
    const auto pair = merge.get<std::string>();
    const std::size_t space = pair.find(' ');
    merges.emplace_back(pair.substr(0, space), pair.substr(space + 1));
  }
  expect(ByteBpe(vocabulary("byte_bpe"), merges), "byte_bpe");
}

// BERT's cleaning drops controls but tab and line ends: vertical tab, form feed and "next line" are no spaces for it.
TEST(WordPiece, ControlsAreDropped) {
  const WordPiece t(numbered(bert_tokens), true);
  EXPECT_THAT(t.pieces("lo\vw l\fow lo\xc2\x85w lo\x1cw lo\x7fw"), ElementsAre(11, 11, 11, 11, 11));
  EXPECT_THAT(t.pieces("low\tlow\nlow\rlow\xe2\x80\xa8low"), ElementsAre(11, 11, 11, 11, 11));
}

// As published tokenizers keep them; a noncharacter will never be assigned. What is for private use goes.
TEST(WordPiece, CodePointsWithoutACharacterStay) {
  const WordPiece t(numbered(bert_tokens), true);
  EXPECT_THAT(t.pieces("lo\xef\xb7\x90w"), ElementsAre(0));
  EXPECT_THAT(t.pieces("lo\xee\x80\x80w"), ElementsAre(11));
}

class TokenizerFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / "tokenizer_folder";
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const char* name, const std::string& text) const { std::ofstream(folder_ / name) << text; }
  std::string refusal() const {
    try {
      load_tokenizer(folder_);
    } catch (const engine::FileError& e) {
      return e.what();
    }
    return "(nothing refused)";
  }
  fs::path folder_;
};

TEST_F(TokenizerFolder, VocabTxtIsBerts) {
  write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nlow\n##er\nlow\nLow\n");
  EXPECT_THAT(load_tokenizer(folder_)->encode("Lower").ids, ElementsAre(2, 4, 5, 3));
  write("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(load_tokenizer(folder_)->encode("Low").ids,
              ElementsAre(2, 7, 3));  // ids are the lines' numbers
}

TEST_F(TokenizerFolder, MergesTxtIsGpt2sOrRobertas) {
  write("vocab.json", R"({"l":0,"o":1,"lo":2})");
  write("merges.txt", "#version: 0.2\nl o\n");
  EXPECT_THAT(load_tokenizer(folder_)->encode("lolo").ids, ElementsAre(2, 2));
  write("vocab.json", R"({"l":0,"o":1,"lo":2,"<s>":3,"</s>":4})");
  EXPECT_THAT(load_tokenizer(folder_)->encode("lo", "o").ids, ElementsAre(3, 2, 4, 4, 1, 4));
}

TEST_F(TokenizerFolder, TokenizerJsonSaysModelAndFrame) {
  write("tokenizer.json",
        R"({"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"low":1,"[CLS]":2,"[SEP]":3}},
    "normalizer":{"type":"BertNormalizer","lowercase":true},
    "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},
      {"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],
      "pair":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
      {"SpecialToken":{"id":"[SEP]","type_id":0}},{"Sequence":{"id":"B","type_id":1}},{"SpecialToken":{"id":"[SEP]","type_id":1}}]}})");
  const auto t = load_tokenizer(folder_);
  EXPECT_THAT(t->encode("LOW").ids, ElementsAre(2, 1, 3));
  EXPECT_THAT(t->encode("low", "low").types, ElementsAre(0, 0, 0, 1, 1));
}

TEST_F(TokenizerFolder, WhatItCannotDoIsNamed) {
  EXPECT_THAT(refusal(), HasSubstr("holds no tokenizer"));
  write("tokenizer.json", R"({"model":{"type":"Unigram","vocab":[]}})");
  EXPECT_THAT(refusal(), HasSubstr("tokenizer.json: "));
  write("tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[]}})");
  EXPECT_THAT(refusal(), HasSubstr("on bytes"));
  write("tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})");
  EXPECT_THAT(refusal(), HasSubstr("id of the vocabulary"));
  write("tokenizer.json", "[1");
  EXPECT_THAT(refusal(), HasSubstr("not a JSON object"));
}

}  // namespace
}  // namespace flare::arch
