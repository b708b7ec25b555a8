// Files that models and their data come in.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/file_error.hpp"
#include "flare_arch/models/dataset.hpp"
#include "flare_arch/models/model_config.hpp"
#include "flare_arch/text/tokenizer.hpp"
#include "tests/fuzz/files.hpp"
#include "tests/fuzz/targets.hpp"

namespace flare::testing {
namespace {

namespace fs = std::filesystem;

void read_all(const arch::ExampleSet& set) {
  for (std::int64_t i = 0; i < set.size(); ++i) set.example(i);
}

/// Big endian words, then bytes.
std::string idx_file(std::initializer_list<std::uint32_t> words, std::size_t bytes) {
  std::string file;
  for (const std::uint32_t word : words)
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(word >> shift);
  return file + std::string(bytes, '\x07');
}

const std::string idx_images = idx_file({0x803, 3, 2, 4}, 24), idx_labels = idx_file({0x801, 3}, 3);

/// The first byte says which of the two files the rest is, plain or as a compressed file; the other one is whole.
FuzzTarget idx_target() {
  return {
      "idx",
      [](const fs::path&, const fs::path&) {
        // Of the images, by gzip.
        const std::string packed(
            "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x63\x60\xe0\x60\x66\x60\x60\x00\x61\x26\x20\x66\x61\xc7"
            "\x01\x00\xfb\xda\xb2\xcf\x28\x00\x00\x00",
            34);
        return std::vector<std::string>{std::string(1, '\0') + idx_images,
                                        std::string(1, '\x01') + idx_labels, std::string(1, '\x02') + packed};
      },
      [](const std::string& input, const fs::path& scratch) {
        const int which = input.empty() ? 0 : static_cast<unsigned char>(input.front()) % 3;
        const std::string rest = input.empty() ? input : input.substr(1);
        const fs::path plain = scratch / "t10k-images-idx3-ubyte",
                       packed = scratch / "t10k-images-idx3-ubyte.gz";
        fs::remove(which == 2 ? plain : packed);
        put(which == 2 ? packed : plain, which == 1 ? idx_images : rest);
        put(scratch / "t10k-labels-idx1-ubyte", which == 1 ? rest : idx_labels);
        try {
          read_all(*arch::load_idx(scratch).test);
        } catch (const engine::FileError&) {
        }
      }};
}

FuzzTarget model_config_target() {
  return {"model_config",
          [](const fs::path& sources, const fs::path&) {
            std::vector<std::string> corpus;
            for (const char* folder : {"tests/flare_arch/golden/families", "data/models"})
              for (const auto& entry : fs::recursive_directory_iterator(sources / folder))
                if (entry.path().filename() == "config.json" || entry.path().filename() == "model.json")
                  corpus.push_back(content_of(entry.path()));
            std::sort(corpus.begin(), corpus.end());
            return corpus;
          },
          [](const std::string& input, const fs::path&) {
            const nlohmann::json document = nlohmann::json::parse(input, nullptr, false);
            if (!document.is_object()) return;  // refused before its keys are looked at
            // As it is, and as what each family takes it for.
            std::vector<const arch::Family*> families = {nullptr};
            for (const arch::Family& family : arch::families()) families.push_back(&family);
            for (const arch::Family* family : families) try {
                arch::check_spec(arch::parse_model_config(document, family).spec);
              } catch (const std::runtime_error&) {
              }
            try {
              arch::check_spec(arch::parse_digits_config(document).spec);
            } catch (const std::runtime_error&) {
            }
          }};
}

/// A vocabulary of few pieces, once.
void make_text_model(const fs::path& folder) {
  if (fs::exists(folder / "vocab.txt")) return;
  fs::create_directories(folder);
  put(folder / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\ngood\nfilm\n.\n\xc3\xa9\n");
  put(folder / "config.json", R"({"label2id":{"yes":1,"no":0}})");
}

FuzzTarget tsv_target() {
  return {"tsv",
          [](const fs::path&, const fs::path&) {
            return std::vector<std::string>{
                "sentence\tlabel\nA good film.\t1\nab \xc3\xa9t\xc3\xa9\t0\n",
                "index\tsentence1\tsentence2\tlabel\n0\tgood\tab film\tyes\n1\ta\tb\tno\n",
                "gj04\t1\t\tgood film\ngj04\t0\t*\tfilm\n", "good\t1\r\nfilm\t0\r\n",
                "question1\tquestion2\tis_duplicate\na\ta\t1\n"};
          },
          [](const std::string& input, const fs::path& scratch) {
            make_text_model(scratch / "model");
            put(scratch / "a.tsv", input);
            arch::ModelSpec spec;
            spec.positions = 16;
            spec.token_types = 2;
            spec.vocabulary = 10;
            for (const int classes : {1, 2}) try {
                spec.classes = classes;
                read_all(*arch::load_tsv(scratch / "a.tsv", spec, scratch / "model", {}).test);
              } catch (const engine::FileError&) {
              }
          }};
}

FuzzTarget tokenizer_target() {
  return {
      "tokenizer",
      [](const fs::path&, const fs::path&) {
        return std::vector<std::string>{
            R"({"model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{"[UNK]":0,"a":1,"##b":2,"[CLS]":3,"[SEP]":4}},
"normalizer":{"type":"BertNormalizer","lowercase":true},"post_processor":{"type":"BertProcessing","sep":["[SEP]",4],"cls":["[CLS]",3]}})",
            R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<s>":3,"</s>":4},"merges":["a b"]},"pre_tokenizer":{"type":"ByteLevel",
"add_prefix_space":false},"added_tokens":[{"id":3,"content":"<s>"}],"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":
{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}]}})",
            R"({"model":{"type":"WordLevel","vocab":{"a":0,"ab":1,"?":2},"unk_token":"?"},"pre_tokenizer":null})"};
      },
      [](const std::string& input, const fs::path& scratch) {
        put(scratch / "tokenizer.json", input);
        try {
          const auto tokenizer = arch::load_tokenizer(scratch);
          tokenizer->encode("Ab a\xc3\xa9 abab?", "b", 8);
          tokenizer->encode(input.substr(0, 200), 0);
        } catch (const std::runtime_error&) {  // of the file, or a text that the vocabulary does not hold
        }
      }};
}

}  // namespace

std::vector<FuzzTarget> model_targets() {
  return {idx_target(), model_config_target(), tsv_target(), tokenizer_target()};
}

}  // namespace flare::testing
