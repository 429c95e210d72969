// SPDX-License-Identifier: Apache-2.0
// The thread that calls a delivery::HttpHandler: it takes all requests that wait, hands them over
// together, and ticks once a second. For http_server.cc.
//
// Together go at most `max_batch` light requests (HttpHandler::weight() 1), and heavy ones up to
// the same weight in all, but one at least. They wait in two lines, so that a light one waits for
// what is under way and for its own company, however many heavy ones wait, and the first heavy one
// always goes.
//
// Thread-safety: submit() and stop() from any thread; `done` and `news` are called in the queue's
// own thread, `done` for all requests of a batch before `news` of it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "kagibin/delivery/http_port.h"
#include "kagibin/net/server_observer.h"

namespace kagibin::net {

class HandlerQueue {
 public:
  struct Job {
    delivery::HttpRequest request;
    std::function<void(delivery::HttpResponse)> done;
    std::size_t weight = 1;  // set by submit()
  };
  using News = std::function<void(std::vector<std::string> topics)>;

  HandlerQueue(delivery::HttpHandler& handler,
               std::size_t max_batch,
               News news,
               ServerObserver* observer);
  HandlerQueue(const HandlerQueue&) = delete;
  HandlerQueue& operator=(const HandlerQueue&) = delete;
  // Ends the thread; jobs that were not taken are dropped.
  ~HandlerQueue();

  void submit(Job job);

 private:
  void work();
  std::vector<Job> take(bool& tick);
  void tell_queued();
  void handle(std::vector<Job> jobs);

  delivery::HttpHandler& handler_;
  const std::size_t max_batch_;
  const News news_;
  ServerObserver* observer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> light_;
  std::deque<Job> heavy_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kagibin::net
