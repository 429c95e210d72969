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
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (observer_ != nullptr) {
      observer_->queued(jobs_.size());
    }
  }
  changed_.notify_one();
}

std::vector<HandlerQueue::Job> HandlerQueue::take(bool& tick) {
  std::unique_lock lock(mutex_);
  tick = !changed_.wait_for(lock, kTick, [this] { return stopping_ || !jobs_.empty(); });
  if (stopping_) {
    return {};
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min(jobs_.size(), max_batch_));
  std::vector<Job> taken(std::make_move_iterator(jobs_.begin()),
                         std::make_move_iterator(jobs_.begin() + count));
  jobs_.erase(jobs_.begin(), jobs_.begin() + count);
  if (observer_ != nullptr) {
    observer_->queued(jobs_.size());
  }
  return taken;
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
