// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/sealed_delivery.h"

#include <chrono>

#include <signal.h>

#include "kagibin/apdu/apdu.h"
#include "kagibin/cli/solver/apdu_log.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/scp/scp11/scp11.h"

namespace kagibin::cli::demo {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kStepLimit = std::chrono::seconds(30);

bool counts(const boost::json::object& result, std::string_view name) {
  const boost::json::value* value = result.if_contains(name);
  return value != nullptr && value->is_int64() && value->as_int64() > 0;
}

bool says_state(const boost::json::object& result, std::string_view state) {
  const boost::json::value* value = result.if_contains("state");
  return value != nullptr && value->is_string() && value->as_string() == state;
}

// When the APDUs of the steps were first seen in the device's log.
struct Milestones {
  std::optional<SteadyClock::time_point> loaded;     // 3: the envelope is in the element
  std::optional<SteadyClock::time_point> opened;     // 4: it could name a session's first command,
                                                     // which at RL2 shows CERT.OCE
  std::optional<SteadyClock::time_point> installed;  // 5: PUT KEY was answered
  std::optional<SteadyClock::time_point> decided;    // at OS 4 and 5: NEXT was answered

  void look(const std::filesystem::path& log, std::size_t from) {
    const auto now = SteadyClock::now();
    const std::vector<Exchange> exchanges = read_apdu_log(log);
    for (std::size_t at = from; at < exchanges.size(); ++at) {
      const Exchange& exchange = exchanges[at];
      const auto note = [&](std::optional<SteadyClock::time_point>& when) {
        when = when ? when : now;
      };
      if (exchange.instruction() == kda::ins::kLoad && exchange.is_answered_ok()) {
        note(loaded);
      } else if (exchange.instruction() == apdu::ins::kInitializeUpdate ||
                 exchange.instruction() == scp::ins::kPerformSecurityOperation) {
        note(opened);
      } else if (exchange.instruction() == apdu::ins::kPutKey && exchange.is_answered_ok()) {
        note(installed);
      } else if (exchange.instruction() == kda::ins::kNext && exchange.is_answered_ok()) {
        note(decided);
      }
    }
  }
};

double ms_between(SteadyClock::time_point from, SteadyClock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

Outcome<void> SealedDelivery::order() {
  const std::filesystem::path payload = site_.file(Role::kProvider, "payload.json");
  narrator_.restart();
  KB_TRY(site_.run(Role::kProvider, {"order", payload, "--device", kDevice, "--id", kOrder}));
  narrator_.step("0", "A orders; its request waits at B");
  KB_TRY(cast_.agent->wait_for(
      [](const boost::json::object& result) { return counts(result, "enrolled"); }, kStepLimit));
  narrator_.step(
      "1", fmt::format(
               "the {} made a key pair in the element; its public key, certified, is sealed to A",
               by_own_os() ? "domain's OS" : "KDA"));
  return {};
}

Outcome<void> SealedDelivery::seal() {
  // The device is held still, so that each step has its own time and can be looked at.
  kill(cast_.agent->process(), SIGSTOP);
  narrator_.restart();
  provider_ = KB_TRY(site_.start(Role::kProvider, {"run", "--until-done", "--timeout", "60"}));
  KB_TRY(provider_->wait_for(
      [](const boost::json::object& result) { return says_state(result, "sealed"); }, kStepLimit));
  narrator_.step("2", by_certificates()
                          ? "A checked it, with CERT.SD, and sealed the key to that key"
                      : by_own_os() ? "A checked it and sealed the key to that key"
                                    : "A checked it and sealed the key and the target's channel "
                                      "keys to that key");
  return {};
}

void SealedDelivery::tell_relayed_steps(double opened_ms, double installed_ms) {
  narrator_.step("4", "the KDA opened it, inside the element", opened_ms);
  narrator_.step("5",
                 by_certificates()
                     ? "by certificates it opened an SCP11a channel to the target and set the key, "
                       "over the device"
                     : "the KDA set the key in the target; the device carried commands and answers",
                 installed_ms);
}

Outcome<void> SealedDelivery::install() {
  const std::filesystem::path log = apdu_log(site_);
  const std::size_t from = read_apdu_log(log).size();
  Milestones seen;
  narrator_.restart();
  const auto begin = SteadyClock::now();
  kill(cast_.agent->process(), SIGCONT);
  KB_TRY(cast_.agent->wait_for(
      [&](const boost::json::object& result) {
        seen.look(log, from);
        return counts(result, "delivered");
      },
      kStepLimit));
  const auto handed_in = SteadyClock::now();
  const bool is_relayed = seen.opened && seen.installed;
  if (!seen.loaded || !seen.decided || is_relayed == by_own_os()) {
    return failure("the agent says delivered, but its APDUs do not show it", cast_.agent->log());
  }
  narrator_.step("3", "B handed the envelope to the device, which put it into the element",
                 ms_between(begin, *seen.loaded));
  if (by_own_os()) {
    narrator_.step("4, 5", "the domain's OS opened it and set the key; the device carried nothing",
                   ms_between(*seen.loaded, *seen.decided));
    narrator_.step("", "it signed a receipt; the device handed it in at B",
                   ms_between(*seen.decided, handed_in));
  } else {
    tell_relayed_steps(ms_between(*seen.loaded, *seen.opened),
                       ms_between(*seen.opened, *seen.installed));
    narrator_.step("", "the KDA proved it and signed a receipt; the device handed it in at B",
                   ms_between(*seen.installed, handed_in));
  }
  KB_TRY(provider_->wait_for(
      [](const boost::json::object& result) { return says_state(result, "confirmed"); },
      kStepLimit));
  KB_TRY(provider_->wait_until_done(kStepLimit));
  narrator_.step("A", "verified the receipt: confirmed");
  return {};
}

}  // namespace kagibin::cli::demo
