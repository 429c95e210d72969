// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/roles/device_process.h"

#include <algorithm>
#include <utility>

#include "kagibin/delivery/distributor_client.h"
#include "kagibin/device/agent.h"

#include "tests/simulation/core/role_stores.h"

namespace kagibin::simulation {

using delivery::AgentJob;

namespace {

constexpr std::uint32_t kWaitSeconds = 55;  // a distributor lets nobody wait longer than a minute
constexpr Moment kShortestPause = 2 * kSecond;
constexpr Moment kLongestPause = 8 * kMinute;

bool names_the_same(const AgentJob& a, const AgentJob& b) {
  return a.order == b.order && a.attempt == b.attempt && a.kind == b.kind;
}

}  // namespace

// The reader: an APDU or its answer may get lost on it, and the agent may die between two.
class DeviceProcess::Link final : public apdu::CardLink {
 public:
  Link(std::unique_ptr<apdu::CardLink> element, Role& role)
      : element_(std::move(element)), role_(role) {}

  Result<Bytes> transmit(ByteView command) override {
    if (role_.is_dead()) {
      return gone();
    }
    const bool is_lost = role_.ground().faults.hits(Fault::kApduLost);
    if (is_lost && role_.ground().faults.dice().hits(0.5)) {
      return gone();
    }
    auto answer = element_->transmit(command);
    return is_lost || role_.may_die() ? gone() : std::move(answer);
  }
  Result<void> reset() override { return role_.is_dead() ? gone() : element_->reset(); }

 private:
  static std::unexpected<Error> gone() { return fail(Errc::kCardLink, "the reader is gone"); }
  std::unique_ptr<apdu::CardLink> element_;
  Role& role_;
};

// Writes down what the store has acknowledged. It is the store's own word, so that it is looked at
// beneath whatever may fail above it.
class DeviceProcess::Remembering final : public delivery::AgentStore {
 public:
  Remembering(delivery::AgentStore& real, std::vector<AgentJob>& jobs) : real_(real), jobs_(jobs) {}
  Result<void> put_job(const AgentJob& job) override {
    KB_TRY(real_.put_job(job));
    std::erase_if(jobs_, [&](const AgentJob& one) { return names_the_same(one, job); });
    jobs_.push_back(job);
    return {};
  }
  Result<std::optional<AgentJob>> find_job(const delivery::OrderKey& order,
                                           delivery::AttemptNumber attempt,
                                           delivery::Work::Kind kind) override {
    return real_.find_job(order, attempt, kind);
  }
  Result<std::vector<AgentJob>> jobs() override { return real_.jobs(); }
  Result<void> remove_job(const delivery::OrderKey& order,
                          delivery::AttemptNumber attempt,
                          delivery::Work::Kind kind) override {
    KB_TRY(real_.remove_job(order, attempt, kind));
    std::erase_if(jobs_, [&](const AgentJob& one) {
      return one.order == order && one.attempt == attempt && one.kind == kind;
    });
    return {};
  }
  Result<std::optional<std::int64_t>> server_time() override { return real_.server_time(); }
  Result<void> set_server_time(std::int64_t seconds) override {
    return real_.set_server_time(seconds);
  }

 private:
  delivery::AgentStore& real_;
  std::vector<AgentJob>& jobs_;
};

DeviceProcess::DeviceProcess(Ground& ground, const Parts& parts)
    : Role(ground, std::string(parts.name.text()), Fault::kAgentKilled),
      parts_(parts),
      clock_(ground.time) {}

void DeviceProcess::live() {
  Faults& faults = ground().faults;
  auto opened = parts_.stores.open_jobs(parts_.store);
  if (!opened) {
    return;  // and starts again a little later
  }
  std::shared_ptr<delivery::AgentStore> file = std::move(*opened);
  if (parts_.between) {
    file = parts_.between(std::move(file));
  }
  const auto read = file->jobs();
  if (!read) {
    return;
  }
  const std::vector<AgentJob>& there = *read;
  for (const AgentJob& job : acknowledged_) {
    lost_jobs_ += std::ranges::find(there, job) == there.end() ? 1U : 0U;
  }
  acknowledged_ = there;
  Remembering remembering(*file, acknowledged_);
  RoleAgentStore jobs(remembering, *this);
  RoleHttp http(parts_.network, *this, delivery::device_subject(parts_.name).common_name());
  delivery::DeviceApi api(http);
  Moment pause = kShortestPause;
  while (goes_on()) {
    if (!faults.are_on()) {
      parts_.element.forget_plan();
    } else if (!parts_.element.is_cut_planned() && faults.plans(Fault::kPowerCut)) {
      parts_.element.plan_cut(faults.dice());
    }
    std::unique_ptr<apdu::CardLink> link;
    device::Agent agent(
        api, jobs,
        [&]() -> Result<device::Channels> {
          link = std::make_unique<Link>(KB_TRY(parts_.element.wake()), *this);
          return device::Channels::open_logical(*link);
        },
        clock_);
    const auto report = agent.run_once(kWaitSeconds);
    link.reset();
    if (parts_.element.restore()) {
      faults.count(Fault::kPowerCut);
    }
    if (!goes_on()) {
      return;
    }
    if (report) {
      apdus_ += report->traffic.apdus;
    }
    const bool did_something =
        report && report->enrolled + report->delivered + report->cancelled > 0;
    pause = did_something ? kShortestPause : std::min(3 * pause, kLongestPause);
    sleep(pause + static_cast<Moment>(faults.dice().below(kSecond)));
  }
}

}  // namespace kagibin::simulation
