// SPDX-License-Identifier: Apache-2.0
// The thread that calls a delivery::HttpHandler: it takes all requests that wait, hands them over
// together, and ticks once a second. For http_server.cc.
//
// Thread-safety: submit() and stop() from any thread; `done` and `news` are called in the queue's
// own thread, `done` for all requests of a batch before `news` of it.
#pragma once

#include <condition_variable>
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
  void handle(std::vector<Job> jobs);

  delivery::HttpHandler& handler_;
  const std::size_t max_batch_;
  const News news_;
  ServerObserver* observer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kagibin::net
