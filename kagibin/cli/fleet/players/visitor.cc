// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/fleet/players/visitor.h"

#include <chrono>
#include <thread>

namespace kagibin::cli::fleet {
namespace {

// Where in a visit a failure may lie: about as many writes as a whole delivery has.
constexpr std::uint64_t kElementWrites = 14;
constexpr std::uint64_t kAgentWrites = 8;
constexpr std::uint32_t kWaitSeconds = 30;
constexpr int kTries = 8;
constexpr std::chrono::milliseconds kFirstPause{5};

}  // namespace

void Visitor::plan_failures(VirtualDevice& device) {
  const NetworkConditions& conditions = parts_.conditions;
  if (device.dice.hits(conditions.mix.of(Failure::kPowerCut))) {
    constexpr std::uint64_t kPlaces = 3;
    device.memory->cut_at(1 + device.dice.below(kElementWrites),
                          static_cast<se::Cut>(device.dice.below(kPlaces)));
  }
  if (device.dice.hits(conditions.mix.of(Failure::kAgentKilled))) {
    device.jobs.kill_at(1 + static_cast<std::uint32_t>(device.dice.below(kAgentWrites)),
                        device.dice.hits(0.5));
  }
}

bool Visitor::visit(VirtualDevice& device,
                    delivery::HttpClient& client,
                    std::uint32_t wait_seconds,
                    const std::stop_token& stop) {
  ++parts_.visits;
  FaultyHttp http(parts_.conditions, Dice(device.dice.next()));
  http.use(client);
  delivery::DeviceApi api(http);
  plan_failures(device);
  std::chrono::milliseconds pause = kFirstPause;
  for (int tried = 0; tried < kTries && !stop.stop_requested(); ++tried) {
    std::unique_ptr<ElementInUse> element;
    device::Agent agent(
        api, device.jobs,
        [&]() -> Result<device::Channels> {
          element = KB_TRY(ElementInUse::wake(device, parts_.silicon));
          return device::Channels::open_logical(*element);
        },
        parts_.silicon.clock, stop);
    const auto report = agent.run_once(wait_seconds);
    element.reset();
    if (device.jobs.was_killed()) {
      parts_.conditions.failures.add(Failure::kAgentKilled);
      device.jobs.revive();
    }
    if (!device.memory->on) {
      parts_.conditions.failures.add(Failure::kPowerCut);
      device.memory->restore();
    }
    if (report) {
      parts_.apdus += report->traffic.apdus;
      if (report->delivered > 0) {
        return true;
      }
      if (report->enrolled == 0 && report->troubles.empty() && report->unknown == 0) {
        return false;  // there was nothing to do for as long as it waited
      }
    }
    if (!report || !report->troubles.empty() || report->unknown > 0) {
      std::this_thread::sleep_for(pause);
      pause *= 2;
    }
  }
  return false;
}

void Visitor::play(const std::vector<std::unique_ptr<VirtualDevice>>& devices,
                   VisitQueue& queue,
                   const std::stop_token& stop) {
  const CpuScope scope(parts_.silicon.meter, Player::kDevice);
  while (const auto number = queue.next()) {
    VirtualDevice& device = *devices.at(*number);
    auto client = parts_.site.connect(delivery::device_subject(device.name), device.certificate_pem,
                                      device.key_pem, stop);
    if (client) {
      visit(device, **client, kWaitSeconds, stop);
    }
    client = fail(Errc::kState, "the visit is over");
    // What was planned and did not come does not wait for the next visit.
    device.jobs.revive();
    device.memory->restore();
    queue.done(*number);
  }
}

}  // namespace kagibin::cli::fleet
