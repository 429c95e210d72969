// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/store_data.h"

#include "kagibin/gp/store_data.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/scp11/domain_data_commands.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::uint16_t kTlvGrouping = 0x0070;
constexpr std::size_t kMaxValue = 255;

apdu::ResponseApdu for_application(const DomainCommand& command,
                                   const gp::StoreData& head,
                                   const Aid& aid) {
  const auto entry = command.platform.registry.find(aid);
  Application* application = entry ? command.instances.get(*entry) : nullptr;
  if (application == nullptr) {
    return answer(sw::kReferencedDataNotFound);
  }
  NvmTransaction transaction(command.platform.nvm);
  const StatusWord status = application->store_data(command.data, command.p1, head.block);
  const Result<void> changed =
      sw::is_ok(status) ? Result<void>{}
                        : fail(Errc::kCardStatus, "the application refused the data", status);
  apdu::ResponseApdu out = conclude(transaction, changed, {});
  if (!sw::is_ok(out.sw)) {
    command.instances.forget(aid);  // what it holds outside its memory may be of the block given up
  }
  return out;
}

Result<void> store_objects(Nvm& nvm, const Aid& domain, ByteView objects) {
  tlv::TlvReader in(objects);
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    const auto tag = static_cast<std::uint16_t>(object.tag & 0xFFFFU);
    if (object.tag != tag || !is_storable(tag)) {
      return fail(Errc::kNotFound, "a security domain has no such object to store");
    }
    if (object.value.size() > kMaxValue) {
      return fail(Errc::kLength, "a stored object has at most 255 octets");
    }
    KB_TRY(put_data_object(nvm, domain, tag, object.value));
  }
  return {};
}

Result<void> store_own(const DomainCommand& command, const gp::StoreData& head) {
  Nvm& nvm = command.platform.nvm;
  const Aid& domain = command.domain.aid;
  if (head.encryption != gp::StoreEncryption::kNone || command.data.empty()) {
    return fail(Errc::kValue, "a security domain takes its own objects in the clear");
  }
  if (head.structure != gp::StoreStructure::kGroupings) {
    return store_objects(nvm, domain, command.data);
  }
  for (const gp::Grouping& grouping : KB_TRY(gp::decode_groupings(command.data))) {
    if (grouping.id != kTlvGrouping) {
      return fail(Errc::kNotFound, "a security domain takes grouping 0070 alone");
    }
    KB_TRY(store_objects(nvm, domain, grouping.value));
  }
  return {};
}

apdu::ResponseApdu store_block(const DomainCommand& command, const gp::StoreData& head) {
  const auto& target = command.channel.personalizing;
  if (target) {
    return for_application(command, head, Aid(*target));
  }
  const bool first = head.block == 0;
  if (head.encryption == gp::StoreEncryption::kNone && is_certificate_block(command, first)) {
    return store_certificate_block(command, first, head.last);
  }
  NvmTransaction transaction(command.platform.nvm);
  return conclude(transaction, store_own(command, head), {});
}

}  // namespace

apdu::ResponseApdu process_store_data(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied);
  }
  const auto head = gp::StoreData::decode(command.p1, command.p2);
  if (head && head->block == 0) {
    command.channel.next_block = 0;
  }
  if (!head || head->block != command.channel.next_block) {
    return answer(sw::kIncorrectP1P2);
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
