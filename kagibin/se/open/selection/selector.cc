// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/selection/selector.h"

#include <algorithm>
#include <vector>

#include "kagibin/apdu/status_words.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/open/selection/card_life_cycle.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;
using apdu::ResponseApdu;

namespace {

constexpr std::uint8_t kFirstOccurrence = 0x00;
constexpr std::uint8_t kNextOccurrence = 0x02;
constexpr StatusWord kCardIsLocked{0x6283};  // GPCS 11.9.3.2, a warning

ResponseApdu refuse(StatusWord word) { return {.data = {}, .sw = word}; }

// 6F { 84 AID, A5 { ... } } (GPCS 11.9.3.1).
Bytes file_control_information(const Aid& aid, ByteView proprietary) {
  return tlv::encode(0x6F, tlv::TlvWriter().put(0x84, aid.view()).put(0xA5, proprietary).view());
}

bool is_out_of_use(gp::CardState state) {
  return state == gp::CardState::kCardLocked || state == gp::CardState::kTerminated;
}

// In order of preference (GPCS 6.4).
std::vector<RegistryEntry> implicit_candidates(const Platform& platform, std::uint8_t channel) {
  if (is_out_of_use(card_state(platform))) {
    return {holder_of(platform, gp::Privileges::kFinalApplication)};
  }
  const auto isd = platform.registry.find(platform.facts.isd_aid);
  KB_CHECK(isd.has_value());
  std::vector<RegistryEntry> out;
  if (const auto own = platform.registry.implicitly_selected(channel)) {
    out.push_back(*own);
  }
  out.push_back(holder_of(platform, gp::Privileges::kCardReset));
  out.push_back(*isd);
  return out;
}

}  // namespace

void Selector::deselect(LogicalChannel& channel) {
  const auto entry = channel.selected ? platform_.registry.find(*channel.selected) : std::nullopt;
  if (entry && !entry->is_security_domain()) {
    Application* application = instances_.get(*entry);
    if (application != nullptr) {
      application->deselect();
    }
  }
  channel.end_session();
  channel.selected.reset();
}

std::optional<RegistryEntry> Selector::find(const LogicalChannel& channel,
                                            const apdu::CommandApdu& command,
                                            bool card_locked) const {
  const bool next = command.p2 == kNextOccurrence;
  if (command.data.empty() && !next) {
    auto isd = platform_.registry.find(platform_.facts.isd_aid);
    const bool out = card_locked && isd &&
                     holder_of(platform_, gp::Privileges::kFinalApplication).aid != isd->aid;
    return out ? std::nullopt : isd;
  }
  if (!card_locked) {
    return platform_.registry.select(command.data, next ? channel.selected : std::nullopt);
  }
  const RegistryEntry last = holder_of(platform_, gp::Privileges::kFinalApplication);
  const ByteView name = last.aid.view();
  const bool named =
      name.size() >= command.data.size() && equal(name.first(command.data.size()), command.data);
  const bool passed = next && channel.selected && last.aid <= *channel.selected;
  return named && !passed && last.selectable() ? std::optional(last) : std::nullopt;
}

ResponseApdu Selector::select(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (command.p2 != kFirstOccurrence && command.p2 != kNextOccurrence) {
    return refuse(sw::kIncorrectP1P2.because(
        "SELECT by name is for the first or only occurrence (P2 = 00) or the next (02) and is "
        "answered with the FCI (GPCS 11.9.2.2)"));
  }
  const gp::CardState state = card_state(platform_);
  if (state == gp::CardState::kTerminated) {
    return refuse(sw::kFunctionNotSupported.because(
        "the card is TERMINATED: nothing is selected any more (GPCS 5.1.1.5)"));
  }
  const bool card_locked = state == gp::CardState::kCardLocked;
  const bool fits = command.data.size() <= Aid::kMaxLength;
  const auto entry = fits ? find(channel, command, card_locked) : std::nullopt;
  if (!entry && card_locked) {
    return refuse(sw::kFunctionNotSupported.because(
        "the card is CARD_LOCKED: only the application with the Final Application privilege can be "
        "selected (GPCS 5.1.1.4, 11.9.3.2)"));
  }
  if (!entry) {
    return refuse(sw::kNotFound.because(
        "no application that can be selected has an AID that begins so: it is not there, not made "
        "selectable yet, or locked (GPCS 6.4.1.2, 11.9.3.2)"));
  }
  if (!entry->is_security_domain() && channels_.is_selected_beside(channel, entry->aid)) {
    return refuse(sw::kConditionsNotSatisfied.because(
        "the application is selected on another logical channel and is not multiselectable (GPCS "
        "6.4.2.2)"));
  }
  ResponseApdu answer = select_entry(channel, *entry);
  if (card_locked && entry->is_security_domain()) {
    answer.sw = kCardIsLocked.because("the card is CARD_LOCKED (GPCS 11.9.3.2)");
  }
  return answer;
}

ResponseApdu Selector::select_entry(LogicalChannel& channel, const RegistryEntry& entry) {
  deselect(channel);
  if (entry.is_security_domain()) {
    channel.selected = entry.aid;
    return {.data = file_control_information(entry.aid, selection_data(entry.protocols)),
            .sw = sw::kOk};
  }
  Application* application = instances_.get(entry);
  if (application == nullptr) {
    return refuse(sw::kNotFound.because("this program has no code for the application's module"));
  }
  channel.selected = entry.aid;
  const Application::Selected answer = application->select();
  if (!sw::is_ok(answer.sw)) {
    channel.selected.reset();
    return refuse(answer.sw);
  }
  return {.data = file_control_information(entry.aid, answer.proprietary), .sw = sw::kOk};
}

bool Selector::take(LogicalChannel& channel, const RegistryEntry& entry) {
  const bool elsewhere =
      !entry.is_security_domain() && channels_.is_selected_beside(channel, entry.aid);
  return entry.selectable() && !elsewhere && sw::is_ok(select_entry(channel, entry).sw);
}

void Selector::select_implicitly(LogicalChannel& channel) {
  for (const RegistryEntry& entry : implicit_candidates(platform_, channel.number)) {
    if (take(channel, entry)) {
      return;
    }
  }
}

// Whether the domain whose keys opened the session is locked, or one between (GPCS 5.3.2.4).
bool Selector::is_cut_off(const LogicalChannel& channel) const {
  auto at = channel.selected && channel.session_keys ? platform_.registry.find(*channel.selected)
                                                     : std::nullopt;
  while (at && !at->locked() && at->aid != channel.session_keys->domain && !at->is_root()) {
    at = platform_.registry.find(at->security_domain);
  }
  return at && at->locked();
}

void Selector::follow_life_cycles(const LogicalChannel& asked) {
  const gp::CardState state = card_state(platform_);
  if (state == gp::CardState::kTerminated) {
    for (LogicalChannel& channel : channels_.all) {
      deselect(channel);
      channel.open = channel.number == 0;
    }
    select_implicitly(channels_.all.front());
    return;
  }
  const bool card_locked = state == gp::CardState::kCardLocked;
  const Aid last = holder_of(platform_, gp::Privileges::kFinalApplication).aid;
  for (LogicalChannel& channel : channels_.all) {
    const auto entry = channel.selected ? platform_.registry.find(*channel.selected) : std::nullopt;
    const bool stays = !card_locked || channel.number == asked.number || channel.selected == last;
    if (entry && (!stays || entry->locked())) {
      deselect(channel);
    } else if (is_cut_off(channel)) {
      channel.end_session();
    }
    if (card_locked) {
      channel.end_sequences();
    }
  }
}

}  // namespace kagibin::se
