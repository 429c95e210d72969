// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/store_data.h"

#include <utility>

#include "kagibin/gp/store_data.h"
#include "kagibin/se/casd/confidential_setup.h"
#include "kagibin/se/domain/content/sequences/personalization.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/scp11/domain_data_commands.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint16_t kTlvGrouping = 0x0070;
constexpr std::size_t kMaxValue = 255;
constexpr std::uint8_t kPadding = 0x80;
constexpr std::size_t kLargestBlock = 16;

apdu::ResponseApdu for_application(const DomainCommand& command,
                                   const gp::StoreData& head,
                                   const RegistryEntry& entry) {
  Application* application = command.instances.get(entry);
  if (application == nullptr) {
    return answer(sw::kReferencedDataNotFound.because(
        "this program has no code for the application's module"));
  }
  NvmTransaction transaction(command.platform.nvm);
  apdu::ResponseApdu own = application->process_data(command.data, command.p1, head.block);
  const Result<void> changed =
      sw::is_ok(own.sw) ? Result<void>{}
                        : fail(Errc::kCardStatus, "the application refused the data", own.sw);
  apdu::ResponseApdu out =
      conclude(transaction, changed, head.answer_wanted ? std::move(own.data) : Bytes{});
  if (!sw::is_ok(out.sw)) {
    command.instances.forget(
        entry.aid);  // what it holds outside its memory may be of the block given up
  }
  return out;
}

// What is encrypted under the session's Key-DEK, without its padding: 80 00 ... up to the end of a
// block, where there is one.
Result<SecretBytes> decrypt(const DomainCommand& command, ByteView value) {
  auto plain = SecureChannel::decrypt_sensitive(command.channel, value);
  if (!plain) {
    return fail(Errc::kValue,
                "what P1 says is encrypted is whole blocks under the session's Key-DEK (GPCS "
                "11.11.2.1)");
  }
  const ByteView octets = plain->expose();
  std::size_t size = octets.size();
  while (size > 0 && octets[size - 1] == 0) {
    --size;
  }
  const bool padded =
      size > 0 && octets[size - 1] == kPadding && octets.size() - size < kLargestBlock;
  return padded ? SecretBytes::copy_of(octets.first(size - 1)) : std::move(*plain);
}

Result<void> store_object(const DomainCommand& command, tlv::Tag number, ByteView value) {
  const auto tag = static_cast<std::uint16_t>(number & 0xFFFFU);
  if (number != tag || !is_storable(tag)) {
    return fail(Errc::kNotFound,
                "a security domain stores 42, 45, CF, 5F20 and 5F50, and no other object (GPCS "
                "11.11.2.3)");
  }
  if (value.size() > kMaxValue) {
    return fail(Errc::kLength, "a stored object has at most 255 octets");
  }
  return put_data_object(command.platform.nvm, command.domain.aid, tag, value);
}

Result<void> store_objects(const DomainCommand& command, ByteView objects, bool encrypted) {
  tlv::TlvReader in(objects);
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    if (encrypted && !object.value.empty()) {
      const SecretBytes plain = KB_TRY(decrypt(command, object.value));
      KB_TRY(store_object(command, object.tag, plain.expose()));
    } else {
      KB_TRY(store_object(command, object.tag, object.value));
    }
  }
  return {};
}

Result<void> store_grouping(const DomainCommand& command,
                            const gp::Grouping& grouping,
                            bool encrypted) {
  if (grouping.id != kTlvGrouping) {
    return fail(Errc::kNotFound,
                "a security domain takes grouping 0070, with objects in it, and no other (GPCS "
                "11.11.2.3)");
  }
  if (!encrypted) {
    return store_objects(command, grouping.value, false);
  }
  const SecretBytes plain = KB_TRY(decrypt(command, grouping.value));
  return store_objects(command, plain.expose(), false);
}

Result<void> store_own(const DomainCommand& command, const gp::StoreData& head) {
  if (command.data.empty()) {
    return fail(Errc::kValue, "STORE DATA carries data (GPCS 11.11.2.3)");
  }
  if (head.encryption == gp::StoreEncryption::kApplication) {
    return fail(Errc::kValue,
                "a security domain has no encryption of its own: P1 b7 b6 is 00, or 11 for the "
                "session's Key-DEK (GPCS 11.11.2.1)");
  }
  const bool encrypted = head.encryption == gp::StoreEncryption::kEncrypted;
  if (head.structure != gp::StoreStructure::kGroupings) {
    return store_objects(command, command.data, encrypted);
  }
  for (const gp::Grouping& grouping : KB_TRY(gp::decode_groupings(command.data))) {
    KB_TRY(store_grouping(command, grouping, encrypted));
  }
  return {};
}

// Its own, or those of a domain that INSTALL [for personalization] named.
apdu::ResponseApdu store_for_domain(const DomainCommand& command, const gp::StoreData& head) {
  const bool first = head.block == 0;
  if (head.encryption == gp::StoreEncryption::kNone && is_certificate_block(command, first)) {
    return store_certificate_block(command, first, head.last);
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, store_own(command, head), {});
}

apdu::ResponseApdu store_block(const DomainCommand& command, const gp::StoreData& head) {
  const bool forwarded = command.channel.personalizing.has_value();
  const std::expected<RegistryEntry, StatusWord> target =
      forwarded ? personalized(command) : command.domain;
  if (!target) {
    return answer(target.error());
  }
  if (!target->is_security_domain()) {
    return for_application(command, head, *target);
  }
  if (is_setup_block(command, head)) {
    return store_setup_block(command, head, target->aid);
  }
  if (!forwarded) {
    return store_for_domain(command, head);
  }
  return store_for_domain({.platform = command.platform,
                           .instances = command.instances,
                           .channels = command.channels,
                           .channel = command.channel,
                           .domain = *target,
                           .p1 = command.p1,
                           .p2 = command.p2,
                           .data = command.data},
                          head);
}

}  // namespace

apdu::ResponseApdu process_store_data(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "STORE DATA is taken in a session with C-MAC that the domain's provider opened (GPCS table "
        "11-2)"));
  }
  const auto head = gp::StoreData::decode(command.p1, command.p2);
  if (head && head->block == 0) {
    command.channel.next_block = 0;
  }
  if (!head) {
    return answer(sw::kIncorrectP1P2.because(head.error().detail));
  }
  if (head->block != command.channel.next_block) {
    return answer(sw::kIncorrectP1P2.because(
        "blocks of STORE DATA are numbered from 00 without a gap, and any other command in between "
        "ends them (GPCS 11.11.2.2)"));
  }
  apdu::ResponseApdu out = store_block(command, *head);
  if (!sw::is_ok(out.sw)) {
    return out;
  }
  ++command.channel.next_block;
  if (head->last) {
    command.channel.personalizing.reset();
    command.channel.next_block = 0;
  }
  return out;
}

}  // namespace kagibin::se
