#include "studies/model/shared_answers.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "studies/model/answer_journal.hpp"

namespace flare::studies {

namespace {

constexpr std::chrono::milliseconds nap{1};  // between two looks: less than an answer takes

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string to_text(const AnswerTask& task) {
  nlohmann::json json{{"study", task.study},
                      {"study_file", task.study_file},
                      {"models", task.models},
                      {"index", task.share.index},
                      {"count", task.share.count},
                      {"threads", task.threads},
                      {"keys", nlohmann::json::array()}};
  for (const engine::ModelKey& key : task.keys)
    json["keys"].push_back(
        {{"cell", key.cell}, {"sawl", key.sawl}, {"adc", key.adc}, {"corner", key.corner}});
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

AnswerTask answer_task(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  AnswerTask task{json.at("study"), json.at("study_file"), json.at("models")};
  for (const nlohmann::json& key : json.at("keys"))
    task.keys.push_back({key.at("cell"), key.at("sawl"), key.at("adc"), key.at("corner")});
  task.share = {json.at("index"), json.at("count")};
  task.threads = json.at("threads");
  if (task.share.count < 1 || task.share.index < 0 || task.share.index >= task.share.count)
    throw std::runtime_error("a share of answers that there is not");
  return task;
}

SharedAnswers::SharedAnswers(std::vector<Helper> helpers, std::function<bool()> exchange,
                             std::stop_token stop, std::function<void(const std::string&)> note)
    : helpers_(std::move(helpers)),
      exchange_(std::move(exchange)),
      stop_(std::move(stop)),
      note_(std::move(note)) {}

SharedAnswers::~SharedAnswers() {
  for (Helper& helper : helpers_) helper.link->kill();
}

void SharedAnswers::begin(AnswerTask task) {
  task.share.count = static_cast<int>(helpers_.size()) + 1;
  for (std::size_t h = 0; h < helpers_.size(); ++h) {
    task.share.index = static_cast<int>(h) + 1;
    task.threads = helpers_[h].threads;
    helpers_[h].link->start({});
    helpers_[h].link->post(task_message, bytes_of(to_text(task)));
    helpers_[h].link->flush();
  }
}

std::optional<arch::AnswerBlock> SharedAnswers::block(std::uint64_t key, std::size_t unit, int repeat,
                                                      std::int64_t first) {
  const std::size_t owner = unit % (helpers_.size() + 1);
  if (owner == 0) return std::nullopt;
  const engine::WorkerLink& link = *helpers_[owner - 1].link;
  while (!stop_.stop_requested()) {
    const bool over = !link.running();  // what it said before it went has been read
    listen();
    if (auto found = blocks_.extract({key, repeat, first})) return std::move(found.mapped());
    if (over) return std::nullopt;
    std::this_thread::sleep_for(nap);
  }
  return std::nullopt;
}

void SharedAnswers::listen() {
  exchange_();
  for (Helper& helper : helpers_) {
    if (!helper.link->running()) continue;
    const bool alive = helper.link->receive();
    while (const std::optional<engine::Message> message = helper.link->next()) take(*message);
    if (!alive) helper.link->bury();
  }
}

void SharedAnswers::take(const engine::Message& message) {
  const std::string_view bytes(reinterpret_cast<const char*>(message.body.data()), message.body.size());
  if (message.kind == engine::MessageKind::failed)
    return note_(fmt::format("another rank gave up its answers, which are computed here: {}", bytes));
  std::uint64_t key = 0;
  arch::AnswerBlock block;
  if (message.kind != answers_message || !read_answer_record(bytes, &key, &block))
    throw engine::ProtocolError("what another rank says are no answers");
  ++received_;
  blocks_.insert_or_assign({key, block.repeat, block.first}, std::move(block));
}

}  // namespace flare::studies
