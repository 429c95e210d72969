// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/open.h"

#include <algorithm>
#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;
using apdu::ResponseApdu;

namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kShortAnswer = 256;
constexpr StatusWord kChannelAlreadyClosed{0x6200};  // GPCS 11.8.3
constexpr std::uint8_t kSelectByName = 0x04;
constexpr std::uint8_t kFirstOccurrence = 0x00;
constexpr std::uint8_t kNextOccurrence = 0x02;
constexpr std::uint8_t kOpenChannel = 0x00;
constexpr std::uint8_t kCloseChannel = 0x80;
constexpr std::uint8_t kCardDataTag = 0x66;

ResponseApdu status(StatusWord word) { return {.data = {}, .sw = word}; }

// Secure messaging of ISO/IEC 7816-4 (b4) in a class octet of the first range.
bool iso_secure_messaging(std::uint8_t cla) { return (cla & 0x68U) == 0x08; }

// 6F { 84 AID, A5 { ... } } (GPCS 11.9.3.1).
Bytes file_control_information(const Aid& aid, ByteView proprietary) {
  return tlv::encode(0x6F, tlv::TlvWriter().put(0x84, aid.view()).put(0xA5, proprietary).view());
}

bool is_get_card_data(const apdu::CommandApdu& command) {
  return (command.cla == 0x00 || command.cla == 0x80) && command.ins == ins::kGetData &&
         command.p1 == 0 && command.p2 == kCardDataTag;
}

bool unknown_to_application(StatusWord word) {
  return word == sw::kInstructionNotSupported || word == sw::kClassNotSupported ||
         word == sw::kIncorrectP1P2 || word == sw::kReferencedDataNotFound;
}

}  // namespace

Open::Open(Platform& platform)
    : platform_(platform),
      secure_channel_(platform, channels_),
      instances_(platform, secure_channel_, channels_),
      security_domain_(platform, secure_channel_, instances_, channels_) {
  reset();
}

void Open::reset() {
  instances_.reset();
  secure_channel_.reset();
  channels_.current = nullptr;
  channels_.all.clear();
  channels_.all.resize(platform_.facts.channel_count);
  std::uint8_t number = 0;
  for (LogicalChannel& channel : channels_.all) {
    channel.number = number++;
  }
  channels_.all.front().open = true;
  channels_.all.front().selected = platform_.facts.isd_aid;
}

Bytes Open::process(ByteView c_apdu) {
  platform_.circumstances = {};
  const ResponseApdu answer = answer_to(c_apdu);
  reason_ = answer.sw.reason;
  return answer.encode();
}

ResponseApdu Open::answer_to(ByteView c_apdu) {
  if (c_apdu.size() < kHeaderSize) {
    return status(sw::kWrongLength);
  }
  const auto octet = apdu::ClassOctet::decode(c_apdu.front());
  if (!octet) {
    return status(iso_secure_messaging(c_apdu.front()) ? sw::kSecureMessagingNotSupported
                                                       : sw::kClassNotSupported);
  }
  platform_.circumstances.channel = octet->channel;
  if (octet->channel >= channels_.all.size() || !channels_.all[octet->channel].open) {
    return status(sw::kChannelNotSupported);
  }
  LogicalChannel& channel = channels_.all[octet->channel];
  platform_.circumstances.selected = channel.selected;
  platform_.circumstances.in_session = channel.in_session();
  auto command = apdu::CommandApdu::decode(c_apdu);
  if (!command) {
    return status(sw::kWrongLength.because(command.error().detail));
  }
  command->cla = *apdu::on_channel(command->cla, 0);
  channels_.current = &channel;
  ResponseApdu answer = dispatch(channel, *octet, *command);
  channels_.current = nullptr;
  wipe(command->data);
  return answer;
}

ResponseApdu Open::dispatch(LogicalChannel& channel,
                            const apdu::ClassOctet& octet,
                            const apdu::CommandApdu& command) {
  const bool interindustry = !octet.proprietary;
  if (interindustry && command.ins == ins::kManageChannel) {
    channel.waiting.clear();
    return octet.secure_messaging ? status(sw::kSecureMessagingNotSupported)
                                  : manage_channel(channel, command);
  }
  if (channel.number == 0 && platform_.facts.basic_channel_reserved) {
    return status(sw::kChannelNotSupported);
  }
  // Some hosts repeat the class of the command whose answer goes on.
  const bool collects = command.ins == ins::kGetResponse && !octet.secure_messaging &&
                        (interindustry || !channel.waiting.empty());
  if (collects) {
    return get_response(channel, command);
  }
  channel.waiting.clear();
  if (interindustry && command.ins == ins::kSelect && command.p1 == kSelectByName) {
    return octet.secure_messaging ? status(sw::kSecureMessagingNotSupported)
                                  : limit_answer(channel, select(channel, command), command);
  }
  const auto entry = channel.selected ? platform_.registry.find(*channel.selected) : std::nullopt;
  if (!entry) {
    return status(sw::kConditionsNotSatisfied);
  }
  ResponseApdu answer = entry->is_security_domain()
                            ? security_domain_.process(channel, *entry, command)
                            : to_application(channel, *entry, command);
  return limit_answer(channel, std::move(answer), command);
}

ResponseApdu Open::manage_channel(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (command.p1 == kOpenChannel) {
    if (command.p2 >= channels_.all.size()) {
      return status(command.p2 < ElementProfile::kMaxChannels ? sw::kFunctionNotSupported
                                                              : sw::kIncorrectP1P2);
    }
    return command.data.empty() ? open_channel(command.p2) : status(sw::kWrongLength);
  }
  if (command.p1 != kCloseChannel) {
    return status(sw::kIncorrectP1P2);
  }
  if (!command.data.empty()) {
    return status(sw::kWrongLength);
  }
  const std::uint8_t number = command.p2 == 0 ? channel.number : command.p2;
  if (number == 0) {
    return status(sw::kFunctionNotSupported);  // the basic channel is always open
  }
  return number < channels_.all.size() ? close_channel(channels_.all[number])
                                       : status(sw::kIncorrectP1P2);
}

// Number 0: the next free one.
ResponseApdu Open::open_channel(std::uint8_t number) {
  const auto free = std::ranges::find_if(channels_.all, [number](const LogicalChannel& channel) {
    return !channel.open && (number == 0 || channel.number == number);
  });
  if (free == channels_.all.end()) {
    return status(sw::kFunctionNotSupported);
  }
  free->open = true;
  free->selected = platform_.facts.isd_aid;
  return {.data = number == 0 ? Bytes{free->number} : Bytes{}, .sw = sw::kOk};
}

ResponseApdu Open::close_channel(LogicalChannel& channel) {
  if (!channel.open) {
    return status(kChannelAlreadyClosed);
  }
  deselect(channel);
  channel.open = false;
  channel.waiting.clear();
  return status(sw::kOk);
}

void Open::deselect(LogicalChannel& channel) {
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

ResponseApdu Open::select(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (command.p2 != kFirstOccurrence && command.p2 != kNextOccurrence) {
    return status(sw::kIncorrectP1P2);
  }
  if (command.data.size() > Aid::kMaxLength) {
    return status(sw::kNotFound);
  }
  const bool next = command.p2 == kNextOccurrence;
  const auto entry =
      command.data.empty() && !next
          ? platform_.registry.find(platform_.facts.isd_aid)
          : platform_.registry.select(command.data, next ? channel.selected : std::nullopt);
  if (!entry) {
    return status(sw::kNotFound);
  }
  if (!entry->is_security_domain() && channels_.is_selected_beside(channel, entry->aid)) {
    return status(sw::kConditionsNotSatisfied);
  }
  return select_entry(channel, *entry);
}

ResponseApdu Open::select_entry(LogicalChannel& channel, const RegistryEntry& entry) {
  deselect(channel);
  if (entry.is_security_domain()) {
    channel.selected = entry.aid;
    return {.data = file_control_information(entry.aid, SecurityDomain::select()), .sw = sw::kOk};
  }
  Application* application = instances_.get(entry);
  if (application == nullptr) {
    return status(sw::kNotFound);
  }
  channel.selected = entry.aid;
  const Application::Selected answer = application->select();
  if (!sw::is_ok(answer.sw)) {
    channel.selected.reset();
    return status(answer.sw);
  }
  return {.data = file_control_information(entry.aid, answer.proprietary), .sw = sw::kOk};
}

ResponseApdu Open::to_application(LogicalChannel& channel,
                                  const RegistryEntry& entry,
                                  const apdu::CommandApdu& command) {
  Application* application = instances_.get(entry);
  if (application == nullptr) {
    return status(sw::kConditionsNotSatisfied);
  }
  ResponseApdu answer = application->process(command);
  if (is_get_card_data(command) && !channel.in_session() && unknown_to_application(answer.sw)) {
    return security_domain_.card_data();
  }
  return answer;
}

// Keeps what does not fit and answers 61xx (ISO/IEC 7816-4, 5.3.4 and 5.6).
ResponseApdu Open::limit_answer(LogicalChannel& channel,
                                ResponseApdu answer,
                                const apdu::CommandApdu& command) {
  const std::size_t limit =
      command.le.value_or(command.extended ? 0x10000U : static_cast<std::uint32_t>(kShortAnswer));
  if (answer.data.size() <= limit) {
    return answer;
  }
  channel.waiting = std::move(answer.data);
  channel.waiting_sw = answer.sw;
  return get_response(channel, command);
}

ResponseApdu Open::get_response(LogicalChannel& channel, const apdu::CommandApdu& command) {
  if (channel.waiting.empty()) {
    return status(sw::kConditionsNotSatisfied);
  }
  const bool repeated = command.ins == ins::kGetResponse;
  if (repeated && (command.p1 != 0 || command.p2 != 0)) {
    return status(sw::kIncorrectP1P2);
  }
  if (repeated && !command.data.empty()) {
    return status(sw::kWrongLength);
  }
  const std::size_t limit = command.le.value_or(static_cast<std::uint32_t>(kShortAnswer));
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, channel.waiting.size()));
  const auto end = channel.waiting.begin() + count;
  ResponseApdu answer{.data = Bytes(channel.waiting.begin(), end), .sw = channel.waiting_sw};
  channel.waiting.erase(channel.waiting.begin(), end);
  if (!channel.waiting.empty()) {
    const std::size_t left = std::min<std::size_t>(channel.waiting.size(), kShortAnswer);
    answer.sw = StatusWord{static_cast<std::uint16_t>(0x6100U | (left & 0xFFU))};
  }
  return answer;
}

}  // namespace kagibin::se
