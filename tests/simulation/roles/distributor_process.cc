// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/distributor_process.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/delivery/messages.h"
#include "kagibin/store/order_store_sqlite.h"

#include "tests/support/must.h"

namespace kagibin::simulation {

using delivery::HttpMethod;
using delivery::HttpRequest;
using delivery::HttpResponse;
using test::must;

namespace {

constexpr std::size_t kTogether = 64;
constexpr int kFirstRefusal = 300;
constexpr int kConflict = 409;
constexpr std::uint64_t kServesWithin = 2'000;  // microseconds
constexpr int kTicksAfterNews = 3;
constexpr Moment kSeldom = 60 * kSecond;
constexpr Moment kNowAndThen = 10 * kSecond;

}  // namespace

DistributorProcess::DistributorProcess(const Parts& parts)
    : parts_(parts), clock_(parts.ground.time) {}

DistributorProcess::~DistributorProcess() = default;

bool DistributorProcess::may_die() {
  if (!is_dead_ && parts_.ground.faults.hits(Fault::kDistributorKilled)) {
    is_dead_ = true;
    parts_.ground.trace.add(parts_.ground.time.now(), "distributor", "is killed", parts_.number);
  }
  return is_dead_;
}

void DistributorProcess::log_stands(const Error* why) {
  if (why != nullptr && !delivery::spoils_transaction(why->code)) {
    parts_.acknowledged.log_stood.emplace_back(why->detail.text());
  }
}

void DistributorProcess::start() {
  is_dead_ = false;
  ++life_;
  auto opened = parts_.shared.open(parts_.number, [this] { return may_die(); });
  if (!opened) {  // as a service manager would
    parts_.ground.time.after(kSecond, [this] { start(); });
    return;
  }
  store_ = std::move(*opened);
  log_ = std::make_unique<kdo::LogKeeper>(
      parts_.log_key, kept_checkpoint_, [this](std::string_view checkpoint) {
        if (!is_dead_) {
          kept_checkpoint_ = checkpoint;
          parts_.acknowledged.checkpoints.emplace_back(checkpoint);
        }
      });
  distributor_ = std::make_unique<kdo::Distributor>(kdo::Distributor::Parts{.store = *store_,
                                                                            .ca = parts_.ca,
                                                                            .clock = clock_,
                                                                            .rng = parts_.rng,
                                                                            .log = log_.get(),
                                                                            .observer = this});
  parts_.ground.trace.add(parts_.ground.time.now(), "distributor", "starts", parts_.number);
  quiet_ticks_ = 0;
  parts_.ground.time.after(kSecond, [this, life = life_] {
    if (life == life_ && is_up()) {
      tick();
    }
  });
}

void DistributorProcess::kill() {
  if (is_up() && !parts_.ground.is_over) {
    is_dead_ = true;
    parts_.ground.trace.add(parts_.ground.time.now(), "distributor", "is killed", parts_.number);
    go_down();
  }
}

// Everybody's connection ends, and it starts again after a while.
void DistributorProcess::go_down() {
  distributor_.reset();
  log_.reset();
  store_.reset();
  std::deque<Asked> asked = std::exchange(queue_, {});
  std::ranges::move(std::exchange(waiting_, {}), std::back_inserter(asked));
  for (const Asked& one : asked) {
    one.answer(std::nullopt);
  }
  constexpr std::uint64_t kLongest = 90;
  parts_.ground.time.after(
      static_cast<Moment>(1 + parts_.ground.faults.dice().below(kLongest)) * kSecond,
      [this] { start(); });
}

void DistributorProcess::arrive(HttpRequest request, Answer answer) {
  if (!is_up()) {
    answer(std::nullopt);
    return;
  }
  queue_.push_back({.request = std::move(request), .answer = std::move(answer)});
  if (!std::exchange(will_serve_, true)) {
    parts_.ground.time.after(static_cast<Moment>(parts_.ground.faults.dice().below(kServesWithin)),
                             [this] {
                               will_serve_ = false;
                               if (is_up()) {
                                 serve();
                               }
                             });
  }
}

void DistributorProcess::serve() {
  while (is_up() && !queue_.empty()) {
    std::vector<Asked> together;
    for (std::size_t i = 0; i < kTogether && !queue_.empty(); ++i) {
      together.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    handle(std::move(together));
  }
}

void DistributorProcess::handle(std::vector<Asked> asked) {
  quiet_ticks_ = 0;
  std::vector<HttpRequest> requests;
  requests.reserve(asked.size());
  for (Asked& one : asked) {
    requests.push_back(std::move(one.request));
  }
  std::vector<HttpResponse> answers = distributor_->handle_batch(requests);
  if (is_dead_) {
    for (const Asked& one : asked) {
      one.answer(std::nullopt);
    }
    go_down();
    return;
  }
  std::vector<std::string> wakes;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    HttpResponse& answer = answers.at(i);
    std::ranges::move(std::exchange(answer.wakes, {}), std::back_inserter(wakes));
    Asked& one = asked.at(i);
    if (answer.wait && answer.wait->seconds > 0 && !one.waits) {
      one.topic = answer.wait->topic;
      one.waits = true;
      one.number = ++waited_;
      one.request = std::move(requests[i]);
      parts_.ground.time.after(
          static_cast<Moment>(answer.wait->seconds) * kSecond,
          [this, life = life_, number = one.number] {
            if (life == life_ && is_up()) {
              wake([number](const Asked& each) { return each.number == number; });
            }
          });
      waiting_.push_back(std::move(one));
      continue;
    }
    if (parts_.tampers) {
      answer = parts_.tampers(requests[i], std::move(answer));
    }
    note(requests[i], answer);
    answer.date = clock_.now();
    one.answer(std::move(answer));
  }
  wake(wakes);
}

void DistributorProcess::wake(const std::vector<std::string>& topics) {
  if (!topics.empty()) {
    wake([&](const Asked& one) { return std::ranges::find(topics, one.topic) != topics.end(); });
  }
}

// They are asked again; they wait once only.
void DistributorProcess::wake(const std::function<bool(const Asked&)>& hears) {
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    if (hears(*one)) {
      arrive(std::move(one->request), std::move(one->answer));
      queue_.back().waits = true;
      one = waiting_.erase(one);
    } else {
      ++one;
    }
  }
}

void DistributorProcess::note(const HttpRequest& request, const HttpResponse& response) {
  Acknowledgements& book = parts_.acknowledged;
  const std::string_view target =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const std::string subject = request.subject.value_or("");
  if (response.status == kConflict && response.body.contains("\"conflict\"")) {
    book.conflicts.push_back(fmt::format("{} {}: {}", subject, target, response.body));
  }
  if (response.status >= kFirstRefusal) {
    return;
  }
  if (request.method == HttpMethod::kPut) {
    book.puts.insert_or_assign({subject, std::string(target)}, request);
    if (target.ends_with("/receipt")) {
      book.receipts.push_back(request);
    }
  } else if (target.ends_with("/self/work") && !response.body.empty()) {
    const delivery::Work work = must(delivery::work_from_json(response.body));
    if (work.kind == delivery::Work::Kind::kDeliver) {
      book.handed_over.emplace(
          subject, fmt::format("{}/{}", work.order.provider.hex(), work.order.id.text()),
          work.attempt);
    }
  }
}

void DistributorProcess::tick() {
  const std::vector<std::string> topics = distributor_->tick();
  if (is_dead_) {
    go_down();
    return;
  }
  wake(topics);
  const bool is_quiet = ++quiet_ticks_ > kTicksAfterNews;
  const Moment pause = !is_quiet ? kSecond : parts_.has_campaigns ? kNowAndThen : kSeldom;
  parts_.ground.time.after(pause, [this, life = life_] {
    if (life == life_ && is_up()) {
      tick();
    }
  });
}

}  // namespace kagibin::simulation
