// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/simulated_server.h"

#include <algorithm>
#include <chrono>
#include <span>

namespace kagibin::cli::fleet {

void SimulatedServer::wake(const std::vector<std::string>& topics) {
  for (Waiter& waiter : waiters_) {
    if (!waiter.woken && std::ranges::find(topics, waiter.topic) != topics.end()) {
      waiter.woken = true;
      waiter.news.notify_one();
    }
  }
}

delivery::HttpResponse SimulatedServer::handle(const delivery::HttpRequest& request) {
  std::vector<delivery::HttpResponse> answers = handler_.handle_batch(std::span(&request, 1));
  wake(answers.front().wakes);
  return std::move(answers.front());
}

Result<delivery::HttpResponse> SimulatedServer::serve(const delivery::HttpRequest& request,
                                                      const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  delivery::HttpResponse answer = handle(request);
  const auto until = std::chrono::steady_clock::now() +
                     std::chrono::seconds(answer.wait ? answer.wait->seconds : 0);
  while (answer.wait && answer.wait->seconds > 0 && !stopped_) {
    Waiter& waiter = waiters_.emplace_back();
    waiter.topic = answer.wait->topic;
    const bool news =
        waiter.news.wait_until(lock, stop, until, [&] { return waiter.woken || stopped_; });
    std::erase_if(waiters_, [&](const Waiter& one) { return &one == &waiter; });
    if (stop.stop_requested()) {
      return fail(Errc::kInterrupted, "the program was asked to end");
    }
    if (!news || stopped_) {
      break;
    }
    answer = handle(request);
  }
  return answer;
}

void SimulatedServer::tick() {
  const std::lock_guard lock(mutex_);
  wake(handler_.tick());
}

void SimulatedServer::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  for (Waiter& waiter : waiters_) {
    waiter.news.notify_one();
  }
}

}  // namespace kagibin::cli::fleet
