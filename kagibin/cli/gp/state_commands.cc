// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/state_commands.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/gp/card_output.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/gp/registry/set_status.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

// The states that the command line names; of the card, or of an application or domain.
struct NamedState {
  std::string_view name;
  bool of_card;
  std::uint8_t octet;
};

constexpr auto kStates = std::to_array<NamedState>({
    {"initialized", true, std::to_underlying(gp::CardState::kInitialized)},
    {"secured", true, std::to_underlying(gp::CardState::kSecured)},
    {"card-locked", true, std::to_underlying(gp::CardState::kCardLocked)},
    {"terminated", true, std::to_underlying(gp::CardState::kTerminated)},
    {"locked", false, gp::kLockedBit},
    {"unlocked", false, 0},
    {"personalized", false, gp::kPersonalized},
});

// What the ISD says of the card. Empty: the card does not tell.
std::optional<gp::CardState> card_state(card::CommandPort& port) {
  const gp::GetStatus query{.scope = gp::StatusScope::kIssuerSecurityDomain};
  const auto answer = port.transmit(scp::plain_command(query.encode()));
  if (!answer || answer->sw.value != 0x9000) {
    return std::nullopt;
  }
  const auto entries = gp::decode_entries(answer->data, query);
  if (!entries || entries->empty()) {
    return std::nullopt;
  }
  const auto state = gp::card_state_from(entries->front().state);
  return state ? std::optional(*state) : std::nullopt;
}

class StateChange {
 public:
  StateChange(const GpOptions& options, Console& console, const NamedState& state)
      : options_(options), console_(console), state_(state), access_(options, console) {}

  int run() {
    if (state_.of_card == options_.aid.empty() && state_.of_card == options_.card) {
      return send();
    }
    return console_.failed_usage(
        state_.of_card
            ? fmt::format("{} is a state of the card: name it with --card, and no AID", state_.name)
            : fmt::format("{} is a state of an application or domain: name its AID", state_.name));
  }

 private:
  static constexpr std::string_view kWhat = "no state was changed";

  int send() {
    gp::SetStatus change{.scope = gp::SetStatusScope::kCard, .state = state_.octet};
    if (!state_.of_card) {
      const auto aid = Aid::from_hex(options_.aid);
      if (!aid) {
        return console_.failed_usage("an AID is 5 to 16 octets in hexadecimal digits");
      }
      change.aid = *aid;
      change.scope = options_.with_applications ? gp::SetStatusScope::kDomainAndItsApplications
                                                : gp::SetStatusScope::kApplication;
    }
    if (const int code = permission(); code != kExitOk) {
      return code;
    }
    int stopped = kExitOk;
    const int managed = access_.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
      std::optional<gp::CardState> before;
      if (state_.of_card && !access_.is_dry()) {
        before = card_state(port);
        stopped = before ? possible(*before) : blind();
        if (stopped != kExitOk) {
          return {};
        }
      }
      KB_TRY(port.send(change.encode(), "the card refuses SET STATUS"));
      if (!access_.is_dry()) {
        say(change, before);
      }
      return {};
    });
    return stopped != kExitOk ? stopped : managed;
  }

  // Before a card is touched.
  int permission() {
    if (state_.name == "terminated" && !options_.terminates && !options_.dry_run) {
      return console_.failed_text(
          Errc::kPolicy, kWhat,
          "this sets the card to TERMINATED: no command is possible afterwards, ever.",
          "The card was not touched; --yes-terminate-this-card does it");
    }
    return kExitOk;
  }

  // The card does not tell what it is now.
  int blind() {
    const auto to = static_cast<gp::CardState>(state_.octet);
    if ((to == gp::CardState::kInitialized || to == gp::CardState::kSecured) &&
        !options_.no_way_back) {
      return console_.failed_text(
          Errc::kPolicy, kWhat,
          fmt::format("the card does not tell its life cycle state, and {} may be for good.",
                      gp::name(to)),
          "SET STATUS was not sent; kagibin gp set-status with --no-way-back does it");
    }
    return kExitOk;
  }

  int possible(gp::CardState from) {
    const auto to = static_cast<gp::CardState>(state_.octet);
    if (!gp::may_move(from, to)) {
      return console_.failed_text(
          Errc::kState, kWhat,
          fmt::format("the card is {}, and from there no way leads to {}.", gp::name(from),
                      gp::name(to)),
          "The ways are OP_READY, INITIALIZED, SECURED, one after the other and never back, and "
          "between SECURED and CARD_LOCKED (GPCS 5.1)");
    }
    const bool for_good = to == gp::CardState::kInitialized ||
                          (to == gp::CardState::kSecured && from == gp::CardState::kInitialized);
    if (for_good && !options_.no_way_back) {
      return console_.failed_text(
          Errc::kPolicy, kWhat,
          fmt::format("the card is {}, and does not come back to it from {}.", gp::name(from),
                      gp::name(to)),
          "SET STATUS was not sent; kagibin gp set-status with --no-way-back does it");
    }
    return kExitOk;
  }

  void say(const gp::SetStatus& change, std::optional<gp::CardState> before) {
    const std::string object = change.aid ? change.aid->hex() : "the card";
    boost::json::object out{{"object", object}, {"state", state_.name}};
    if (before) {
      out["before"] = gp::name(*before);
    }
    const std::string was = before ? fmt::format(" It was {}.", gp::name(*before)) : "";
    console_.result(out, "{} is {}.{}", object, state_.name, was);
  }

  const GpOptions& options_;
  Console& console_;
  const NamedState& state_;
  CardAccess access_;
};

}  // namespace

int set_status(const GpOptions& options, Console& console) {
  for (const NamedState& state : kStates) {
    if (state.name == options.state) {
      return StateChange(options, console, state).run();
    }
  }
  return console.failed_usage(
      "a state is initialized, secured, card-locked or terminated (of the card), or locked, "
      "unlocked or personalized (of an application or domain)");
}

int set_locked(const GpOptions& options, Console& console, bool locked) {
  if (options.card != options.aid.empty()) {
    return console.failed_usage("name an AID, or --card");
  }
  GpOptions same = options;
  same.state =
      options.card ? (locked ? "card-locked" : "secured") : (locked ? "locked" : "unlocked");
  return set_status(same, console);
}

}  // namespace kagibin::cli
