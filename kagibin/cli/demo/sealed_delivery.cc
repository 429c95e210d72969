// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/sealed_delivery.h"

#include <thread>

#include <signal.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/demo/apdu_log.h"
#include "kagibin/cli/demo/scratch_folder.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/scp/scp03_link.h"

namespace kagibin::cli::demo {

namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;
using roles::service_provider::ChannelKeySet;

constexpr auto kStepLimit = 30s;

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
  std::optional<SteadyClock::time_point> opened;     // 4: it could name a session's first command
  std::optional<SteadyClock::time_point> installed;  // 5: PUT KEY was answered

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
      } else if (exchange.instruction() == apdu::ins::kInitializeUpdate) {
        note(opened);
      } else if (exchange.instruction() == apdu::ins::kPutKey && exchange.is_answered_ok()) {
        note(installed);
      }
    }
  }
};

double ms_between(SteadyClock::time_point from, SteadyClock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

Result<scp::Scp03KeySet> key_set(const ChannelKeySet& keys) {
  return scp::Scp03KeySet::create(keys.enc.duplicate(), keys.mac.duplicate(), keys.dek.duplicate());
}

Result<scp::Scp03Link> open_session(apdu::CardLink& card,
                                    const ChannelKeySet& keys,
                                    std::uint8_t key_version,
                                    crypto::Rng& rng) {
  const Aid target = KB_TRY(Aid::from_hex(kTarget));
  const gp::Select select{.name = Bytes(target.view().begin(), target.view().end())};
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(card, select.encode()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the target cannot be selected", selected.sw);
  }
  return scp::Scp03Link::open(card, KB_TRY(key_set(keys)),
                              {.key_version_number = key_version, .aid = target},
                              scp::SecurityLevel{0x33}, rng);
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
      "1", "the KDA made a key pair in the element; its public key, certified, is sealed to A");
  return {};
}

Outcome<void> SealedDelivery::seal() {
  // The device is held still, so that each step has its own time and can be looked at.
  kill(cast_.agent->process(), SIGSTOP);
  narrator_.restart();
  provider_ = KB_TRY(site_.start(Role::kProvider, {"run", "--until-done", "--timeout", "60"}));
  KB_TRY(provider_->wait_for(
      [](const boost::json::object& result) { return says_state(result, "sealed"); }, kStepLimit));
  narrator_.step("2", "A checked it and sealed the key and the target's channel keys to that key");
  return {};
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
  if (!seen.loaded || !seen.opened || !seen.installed) {
    return failure("the agent says delivered, but its APDUs do not show it", cast_.agent->log());
  }
  narrator_.step("3", "B handed the envelope to the device, which put it into the element",
                 ms_between(begin, *seen.loaded));
  narrator_.step("4", "the KDA opened it, inside the element",
                 ms_between(*seen.loaded, *seen.opened));
  narrator_.step("5", "the KDA set the key in the target; the device carried commands and answers",
                 ms_between(*seen.opened, *seen.installed));
  narrator_.step("", "the KDA proved it and signed a receipt; the device handed it in at B",
                 ms_between(*seen.installed, handed_in));
  KB_TRY(provider_->wait_for(
      [](const boost::json::object& result) { return says_state(result, "confirmed"); },
      kStepLimit));
  KB_TRY(provider_->wait_until_done(kStepLimit));
  narrator_.step("A", "verified the receipt: confirmed");
  return {};
}

Outcome<void> SealedDelivery::use(const ChannelKeySet& first, const ChannelKeySet& delivered) {
  crypto::SystemRng rng;
  const auto card = KB_TRY(open_card(cast_.element.reader));
  narrator_.restart();
  const auto session = open_session(*card, delivered, kNewKeyVersion, rng);
  if (!session) {
    return failure(fmt::format("the element does not authenticate under the new key: {}",
                               session.error().detail.text()));
  }
  narrator_.step("A", "its server authenticated the user's element under the new key");
  const auto named = open_session(*card, first, kFirstKeyVersion, rng);
  const auto unnamed = open_session(*card, first, 0x00, rng);
  if (named || unnamed) {
    return failure("the element still takes the old key set");
  }
  if (named.error().code != Errc::kCardStatus || unnamed.error().code != Errc::kAuthentication) {
    return failure(fmt::format("the old key set was not refused as it should be: {}; {}",
                               named.error().detail.text(), unnamed.error().detail.text()));
  }
  narrator_.step(
      "A",
      fmt::format("the old key set is refused: version {:02X} {:04X}, and its keys open nothing",
                  kFirstKeyVersion, named.error().sw.value));
  return {};
}

}  // namespace kagibin::cli::demo
