// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/handler_queue.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace kagibin::net {
namespace {

constexpr std::chrono::seconds kTick{1};

}  // namespace

HandlerQueue::HandlerQueue(delivery::HttpHandler& handler,
                           std::size_t max_batch,
                           News news,
                           ServerObserver* observer)
    : handler_(handler),
      max_batch_(max_batch),
      news_(std::move(news)),
      observer_(observer),
      thread_([this] { work(); }) {}

HandlerQueue::~HandlerQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void HandlerQueue::submit(Job job) {
  job.weight = handler_.weight(job.request);
  {
    const std::lock_guard lock(mutex_);
    (job.weight > 1 ? heavy_ : light_).push_back(std::move(job));
    tell_queued();
  }
  changed_.notify_one();
}

std::vector<HandlerQueue::Job> HandlerQueue::take(bool& tick) {
  std::unique_lock lock(mutex_);
  tick = !changed_.wait_for(lock, kTick,
                            [this] { return stopping_ || !light_.empty() || !heavy_.empty(); });
  if (stopping_) {
    return {};
  }
  std::vector<Job> taken;
  const auto move_first = [&taken](std::deque<Job>& from) {
    taken.push_back(std::move(from.front()));
    from.pop_front();
  };
  while (!light_.empty() && taken.size() < max_batch_) {
    move_first(light_);
  }
  for (std::size_t weight = 0;
       !heavy_.empty() && (weight == 0 || weight + heavy_.front().weight <= max_batch_);) {
    weight += heavy_.front().weight;
    move_first(heavy_);
  }
  tell_queued();
  return taken;
}

void HandlerQueue::tell_queued() {
  if (observer_ != nullptr) {
    observer_->queued(light_.size() + heavy_.size());
  }
}

void HandlerQueue::handle(std::vector<Job> jobs) {
  std::vector<delivery::HttpRequest> requests;
  requests.reserve(jobs.size());
  for (Job& job : jobs) {
    requests.push_back(std::move(job.request));
  }
  std::vector<delivery::HttpResponse> responses = handler_.handle_batch(requests);
  KB_CHECK(responses.size() == jobs.size());
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    std::ranges::move(responses[i].wakes, std::back_inserter(topics));
    jobs[i].done(std::move(responses[i]));
  }
  if (!topics.empty()) {
    news_(std::move(topics));
  }
}

void HandlerQueue::work() {
  auto last_tick = std::chrono::steady_clock::now();
  for (;;) {
    bool tick = false;
    std::vector<Job> jobs = take(tick);
    if (!jobs.empty()) {
      handle(std::move(jobs));
    } else if (!tick) {
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now - last_tick >= kTick) {
      last_tick = now;
      std::vector<std::string> topics = handler_.tick();
      if (!topics.empty()) {
        news_(std::move(topics));
      }
    }
  }
}

}  // namespace kagibin::net
