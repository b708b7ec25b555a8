#include "tests/fuzz/targets.hpp"

#include <algorithm>

#include "analysis/results/verdict_table.hpp"
#include "engine/base/error_model_file.hpp"
#include "engine/base/hdf5_io.hpp"
#include "engine/base/hdf5_probe.hpp"
#include "engine/netlist/deck.hpp"
#include "engine/store/run_store.hpp"
#include "engine/workers/worker_protocol.hpp"
#include "flare_arch/base/safetensors.hpp"
#include "studies/study/study.hpp"
#include "studies/toml/toml_section.hpp"
#include "tests/fuzz/files.hpp"

namespace flare::testing {

namespace {

namespace fs = std::filesystem;

/// Files below `folder` with this ending, of a size that mutations still matter in.
std::vector<std::string> contents_below(const fs::path& folder, const std::string& ending) {
  constexpr std::uintmax_t largest = 20'000;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().string().ends_with(ending) && entry.file_size() <= largest)
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> contents;
  contents.reserve(files.size());
  for (const fs::path& file : files) contents.push_back(content_of(file));
  return contents;
}

engine::RunResult some_result(int i) {
  engine::RunResult result;
  result.outcome = i % 5 == 4 ? engine::Outcome::unconverged : engine::Outcome::ok;
  result.measures.assign(static_cast<std::size_t>(i % 3), 0.25 * i);
  if (i % 5 == 4) result.message = "no convergence";
  return result;
}

const engine::JournalOwner owner{42, 7, {}};

void fill(engine::RunStore& store) {
  for (int i = 0; i < 12; ++i)
    store.add(i < 6 ? "a" : "b", static_cast<std::uint64_t>(i), 99, some_result(i));
}

FuzzTarget toml_target() {
  return {"toml",
          [](const fs::path& sources, const fs::path&) {
            std::vector<std::string> corpus = contents_below(sources / "studies", ".toml");
            for (const std::string& found : contents_below(sources / "tests/fuzz/corpus/toml", ""))
              corpus.push_back(found);
            return corpus;
          },
          [](const std::string& input, const fs::path& scratch) {
            try {
              studies::parse_study(input, scratch / "study.toml");
            } catch (const studies::StudyError&) {
            } catch (const engine::FileError&) {
            } catch (const engine::DeckError&) {
            }
          }};
}

FuzzTarget netlist_target() {
  return {"netlist",
          [](const fs::path& sources, const fs::path&) {
            std::vector<std::string> corpus = contents_below(sources / "netlists", ".cir");
            for (const char* folder : {"tests/fuzz/corpus/netlist", "tests/goldens"}) {
              for (const std::string& found : contents_below(sources / folder, ".cir"))
                corpus.push_back(found);
            }
            return corpus;
          },
          [](const std::string& input, const fs::path& scratch) {
            try {
              engine::DeckOptions options;
              options.limits.max_devices = 10'000;
              const engine::Deck deck = engine::parse_deck(input, scratch / "fuzz.cir", options);
              engine::list_devices(deck, options.limits);
              engine::list_models(deck);
              engine::with_draw(deck, 1.0);
              engine::refuse_commands(deck);
            } catch (const engine::DeckError&) {
            }
          }};
}

/// Results as they are, and one with whatever readers look for.
std::vector<std::string> results(const fs::path& sources, const fs::path& scratch) {
  std::vector<std::string> corpus = contents_below(sources / "tests/fuzz/corpus/hdf5", ".h5");
  const fs::path file = scratch / "seed.h5";
  {
    engine::RunStore store;
    fill(store);
    H5::H5File h5(file.string(), H5F_ACC_TRUNC);
    store.write_runs(h5);
    engine::write_attribute(h5, "/", "study", std::string("title = \"x\"\n"));
    engine::write_attribute(h5, "/", "complete", std::int64_t{0});
    engine::write_matrix(h5, "/points/a/samples/measures", engine::Matrix::Ones(3, 2), "V");
    engine::write_attribute(h5, "/points/a/samples/measures", "names", std::vector<std::string>{"a", "b"});
  }
  corpus.push_back(content_of(file));
  return corpus;
}

void read_result(const H5::H5File& h5) {
  try {
    engine::RunStore().read_runs(h5);
  } catch (const engine::FileError&) {
  }
  try {
    analysis::read_verdict(h5);
  } catch (const engine::FileError&) {
  }
  for (const auto& key : engine::list_error_models(h5)) engine::read_error_model(h5, key);
}

/// As the program opens a result.
FuzzTarget hdf5_target() {
  return {"hdf5", results, [](const std::string& input, const fs::path& scratch) {
            const fs::path file = scratch / "fuzz.h5";
            put(file, input);
            try {
              read_result(engine::open_result(file));
            } catch (const engine::FileError&) {
            }
          }};
}

/// The same without a process for each library's look: what the looks let pass is read.
FuzzTarget hdf5_readers_target() {
  return {"hdf5_readers", results,
          [](const std::string&, const fs::path& scratch) {
            try {
              read_result(engine::open_unprobed(scratch / "fuzz.h5"));
            } catch (const engine::FileError&) {
            }
          },
          [](const std::string& input, const fs::path& scratch) {
            const fs::path file = scratch / "fuzz.h5";
            put(file, input);
            try {
              engine::probe_texts(file);
            } catch (const engine::FileError&) {
              return false;
            }
            return engine::read_everything(file) == engine::Look::fine;
          }};
}

FuzzTarget safetensors_target() {
  return {"safetensors",
          [](const fs::path& sources, const fs::path&) {
            return contents_below(sources / "tests/flare_arch/golden/families", "model.safetensors");
          },
          [](const std::string& input, const fs::path&) {
            try {
              const auto file = arch::TensorFile::parse(std::as_bytes(std::span(input)));
              for (const std::string& name : file.names()) {
                try {
                  file.floats(name);
                } catch (const std::runtime_error&) {
                }
                try {
                  file.integers(name);
                } catch (const std::runtime_error&) {
                }
              }
            } catch (const std::runtime_error&) {
            }
          }};
}

FuzzTarget journal_target() {
  return {"journal",
          [](const fs::path&, const fs::path& scratch) {
            const fs::path file = scratch / "seed.journal";
            fs::remove(file);
            engine::RunStore store(file, owner);
            fill(store);
            return std::vector<std::string>{content_of(file)};
          },
          [](const std::string& input, const fs::path& scratch) {
            const fs::path file = scratch / "fuzz.journal";
            put(file, input);
            try {
              engine::RunStore store(file, owner);
              store.add("a", 3, 99, some_result(3));
            } catch (const engine::FileError&) {
              if (content_of(file) != input) throw std::logic_error("a journal that is refused has changed");
            }
          }};
}

FuzzTarget protocol_target() {
  return {
      "protocol",
      [](const fs::path&, const fs::path&) {
        engine::Bytes bytes;
        engine::append_message(engine::MessageKind::hello, engine::BodyWriter().text("39").take(), &bytes);
        engine::append_message(engine::MessageKind::result, engine::encode_result(5, some_result(4)), &bytes);
        engine::append_message(engine::MessageKind::rehearse,
                               engine::encode_rehearsal({some_result(1), some_result(2), "n1"}), &bytes);
        engine::Waveforms waveforms;
        waveforms.time = {0.0, 1.0};
        waveforms.names = {"v(a)"};
        waveforms.values = {{0.5, 0.25}};
        engine::append_message(engine::MessageKind::waveforms, engine::encode_waveforms(waveforms), &bytes);
        return std::vector<std::string>{{bytes.begin(), bytes.end()}};
      },
      [](const std::string& input, const fs::path&) {
        engine::MessageCutter cutter;
        cutter.feed({reinterpret_cast<const std::uint8_t*>(input.data()), input.size()});
        try {
          while (const auto message = cutter.next()) {
            std::uint64_t tag = 0;
            for (int reader = 0; reader < 4; ++reader) {
              try {
                if (reader == 0) engine::decode_result(message->body, &tag);
                if (reader == 1) engine::decode_rehearsal(message->body);
                if (reader == 2) engine::decode_waveforms(message->body);
                if (reader == 3) engine::BodyReader(message->body).texts();
              } catch (const engine::ProtocolError&) {
              }
            }
          }
        } catch (const engine::ProtocolError&) {
        }
      }};
}

}  // namespace

std::vector<FuzzTarget> fuzz_targets() {
  std::vector<FuzzTarget> all = {toml_target(),         netlist_target(), hdf5_target(),
                                 hdf5_readers_target(), journal_target(), safetensors_target(),
                                 protocol_target()};
  for (FuzzTarget& target : model_targets()) all.push_back(std::move(target));
  return all;
}

}  // namespace flare::testing
