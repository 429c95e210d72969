// SPDX-License-Identifier: Apache-2.0
// The agent's jobs of one simulated device, in memory that outlives the agent; and the agent's end
// at one of its writes, as by kill -9: before the write or after it.
//
// Once it was killed every call fails with kIo until revive(), so that nothing more comes of this
// agent: its successor finds what was stored. Thread-safety: one thread.
//
//   JobStore jobs;
//   jobs.kill_at(2, true);
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "kagibin/delivery/agent_store.h"

namespace kagibin::cli::fleet {

class JobStore final : public delivery::AgentStore {
 public:
  // At the write of this number from now, from 1.
  void kill_at(std::uint32_t write, bool after_it) {
    writes_left_ = write;
    after_it_ = after_it;
  }
  void revive() {
    killed_ = false;
    writes_left_ = 0;
  }
  bool was_killed() const { return killed_; }

  Result<void> put_job(const delivery::AgentJob& job) override {
    const bool last = writes_left_ == 1;
    writes_left_ -= writes_left_ > 0 ? 1 : 0;
    killed_ = killed_ || last;
    if (killed_ && !(last && after_it_)) {
      return dead();
    }
    const auto at = find(job.order, job.attempt, job.kind);
    if (at == jobs_.end()) {
      jobs_.push_back(job);
    } else {
      *at = job;
    }
    return killed_ ? Result<void>(dead()) : Result<void>();
  }
  Result<std::optional<delivery::AgentJob>> find_job(const delivery::OrderKey& order,
                                                     delivery::AttemptNumber attempt,
                                                     delivery::Work::Kind kind) override {
    if (killed_) {
      return dead();
    }
    const auto at = find(order, attempt, kind);
    return at == jobs_.end() ? std::nullopt : std::optional(*at);
  }
  Result<std::vector<delivery::AgentJob>> jobs() override {
    return killed_ ? Result<std::vector<delivery::AgentJob>>(dead()) : jobs_;
  }
  Result<void> remove_job(const delivery::OrderKey& order,
                          delivery::AttemptNumber attempt,
                          delivery::Work::Kind kind) override {
    if (killed_) {
      return dead();
    }
    const auto at = find(order, attempt, kind);
    if (at != jobs_.end()) {
      jobs_.erase(at);
    }
    return {};
  }
  Result<std::optional<std::int64_t>> server_time() override { return server_time_; }
  Result<void> set_server_time(std::int64_t seconds) override {
    server_time_ = std::max(server_time_.value_or(seconds), seconds);
    return {};
  }

  std::uint64_t octets() const {
    std::uint64_t out = 0;
    for (const delivery::AgentJob& job : jobs_) {
      out += sizeof(job) + job.message.capacity() + job.answer.capacity();
    }
    return out;
  }

 private:
  static std::unexpected<Error> dead() { return fail(Errc::kIo, "the agent was killed"); }
  std::vector<delivery::AgentJob>::iterator find(const delivery::OrderKey& order,
                                                 delivery::AttemptNumber attempt,
                                                 delivery::Work::Kind kind) {
    return std::ranges::find_if(jobs_, [&](const delivery::AgentJob& job) {
      return job.order == order && job.attempt == attempt && job.kind == kind;
    });
  }

  std::vector<delivery::AgentJob> jobs_;
  std::optional<std::int64_t> server_time_;
  std::uint32_t writes_left_ = 0;
  bool after_it_ = false;
  bool killed_ = false;
};

}  // namespace kagibin::cli::fleet
