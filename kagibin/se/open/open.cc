// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/open/open.h"

#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/instruction_name.h"
#include "kagibin/se/open/selection/card_life_cycle.h"
#include "kagibin/se/open/selection/waiting_answer.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;
using apdu::ResponseApdu;

namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::uint8_t kSelectByName = 0x04;
constexpr std::uint8_t kCardDataTag = 0x66;

ResponseApdu status(StatusWord word) { return {.data = {}, .sw = word}; }

constexpr StatusWord kNoSecureMessaging = sw::kSecureMessagingNotSupported.because(
    "SELECT and MANAGE CHANNEL come without secure messaging here (GPCS 11.7.3.2, 11.9.3.2)");

// Secure messaging of ISO/IEC 7816-4 (b4) in a class octet of the first range.
bool iso_secure_messaging(std::uint8_t cla) { return (cla & 0x68U) == 0x08; }

bool is_get_card_data(const apdu::CommandApdu& command) {
  return (command.cla == 0x00 || command.cla == 0x80) && command.ins == ins::kGetData &&
         command.p1 == 0 && command.p2 == kCardDataTag;
}

bool is_delivery_command(const apdu::ClassOctet& octet, const apdu::CommandApdu& command) {
  return octet.proprietary && !kda::instruction_name(command.ins).empty();
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
      security_domain_(platform, secure_channel_, instances_, channels_),
      selector_(platform, instances_, channels_),
      channel_manager_(platform, channels_, selector_) {
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
  is_fresh_ = true;
}

Bytes Open::process(ByteView c_apdu) {
  platform_.circumstances = {};
  const ResponseApdu answer = answer_to(c_apdu);
  reason_ = answer.sw.reason;
  return answer.encode();
}

ResponseApdu Open::answer_to(ByteView c_apdu) {
  if (c_apdu.size() < kHeaderSize) {
    return status(
        sw::kWrongLength.because("a command has four octets at least (ISO/IEC 7816-4, 5.1)"));
  }
  const auto octet = apdu::ClassOctet::decode(c_apdu.front());
  if (!octet) {
    return status(iso_secure_messaging(c_apdu.front())
                      ? sw::kSecureMessagingNotSupported.because(
                            "secure messaging of ISO/IEC 7816-4 (b4 of the class) is not in use "
                            "here (GPCS 11.1.4)")
                      : sw::kClassNotSupported.because(octet.error().detail));
  }
  platform_.circumstances.channel = octet->channel;
  if (octet->channel >= channels_.all.size() || !channels_.all[octet->channel].open) {
    return status(sw::kChannelNotSupported.because(
        "the class names a logical channel that is not open: MANAGE CHANNEL opens it (GPCS 6.3, "
        "11.7)"));
  }
  if (std::exchange(is_fresh_, false)) {
    channels_.current = &channels_.all.front();
    selector_.select_implicitly(channels_.all.front());
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
    return octet.secure_messaging ? status(kNoSecureMessaging)
                                  : channel_manager_.process(channel, command);
  }
  if (channel.number == 0 && platform_.facts.basic_channel_reserved) {
    return status(sw::kChannelNotSupported.because(
        "the device keeps the basic channel for itself: open another by MANAGE CHANNEL"));
  }
  // Some hosts repeat the class of the command whose answer goes on.
  const bool collects = command.ins == ins::kGetResponse && !octet.secure_messaging &&
                        (interindustry || !channel.waiting.empty());
  if (collects) {
    return get_response(channel, command);
  }
  channel.waiting.clear();
  if (interindustry && command.ins == ins::kSelect && command.p1 == kSelectByName) {
    return octet.secure_messaging
               ? status(kNoSecureMessaging)
               : limit_answer(channel, selector_.select(channel, command), command);
  }
  const auto entry = channel.selected ? platform_.registry.find(*channel.selected) : std::nullopt;
  if (!entry) {
    return status(sw::kConditionsNotSatisfied.because(
        "nothing is selected on this logical channel: what was is locked or gone, or refused its "
        "selection. SELECT first (GPCS 6.4)"));
  }
  if (!entry->is_security_domain()) {
    return limit_answer(channel, to_application(channel, *entry, command), command);
  }
  if (platform_.modules.makes_domains(entry->load_file) && is_delivery_command(octet, command)) {
    return limit_answer(channel, to_delivery(channel, *entry, command), command);
  }
  ResponseApdu answer = security_domain_.process(channel, *entry, command);
  if (command.ins == ins::kSetStatus && apdu::sw::is_ok(answer.sw)) {
    selector_.follow_life_cycles(channel);
  }
  return limit_answer(channel, std::move(answer), command);
}

ResponseApdu Open::to_delivery(LogicalChannel& channel,
                               const RegistryEntry& domain,
                               const apdu::CommandApdu& command) {
  const auto admitted = admit(platform_, domain, command.ins);
  return admitted ? to_application(channel, domain, command) : status(admitted.error());
}

ResponseApdu Open::to_application(LogicalChannel& channel,
                                  const RegistryEntry& entry,
                                  const apdu::CommandApdu& command) {
  Application* application = instances_.get(entry);
  if (application == nullptr) {
    return status(sw::kConditionsNotSatisfied.because(
        "this program has no code for the application's module"));
  }
  ResponseApdu answer = application->process(command);
  if (is_get_card_data(command) && !channel.in_session() && unknown_to_application(answer.sw)) {
    return security_domain_.card_data();
  }
  return answer;
}

}  // namespace kagibin::se
