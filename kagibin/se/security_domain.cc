// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/security_domain.h"

#include "kagibin/se/data_objects.h"
#include "kagibin/se/key_commands.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;

namespace {

bool is_known(std::uint8_t instruction) {
  switch (instruction) {
    case ins::kInitializeUpdate:
    case ins::kExternalAuthenticate:
    case ins::kGetData:
    case ins::kPutKey:
    case ins::kDelete:
    case ins::kInstall:
    case ins::kStoreData:
    case ins::kGetStatus:
      return true;
    default:
      return false;
  }
}

apdu::ResponseApdu run(std::uint8_t instruction, const DomainCommand& command) {
  switch (instruction) {
    case ins::kGetData:
      return get_data(command);
    case ins::kPutKey:
      return put_key(command);
    default:
      return answer(sw::kInstructionNotSupported);
  }
}

}  // namespace

Bytes SecurityDomain::select(const RegistryEntry& domain) {
  // Maximum length of the data field in command messages, 9F65 (GPCS 11.9.3.1).
  static_cast<void>(domain);
  return tlv::encode(0x9F65, Bytes{0xFF});
}

apdu::ResponseApdu SecurityDomain::card_data() const {
  const auto isd = platform_.registry.find(platform_.facts.isd_aid);
  KB_CHECK(isd.has_value());
  return answer(sw::kOk, se::card_data(isd->scp03_i));
}

apdu::ResponseApdu SecurityDomain::process(LogicalChannel& channel,
                                           const RegistryEntry& domain,
                                           const apdu::CommandApdu& command) {
  const auto octet = apdu::ClassOctet::decode(command.cla);
  KB_CHECK(octet.has_value());
  if (octet->chaining) {
    return answer(sw::kChainingNotSupported);
  }
  const bool known = is_known(command.ins);
  if (!octet->proprietary && command.ins != ins::kGetData) {
    return answer(known ? sw::kClassNotSupported : sw::kInstructionNotSupported);
  }
  if (SecureChannel::is_security_command(command)) {
    return secure_channel_.process(channel, domain.aid, domain, command);
  }
  if (!channel.session.open()) {
    if (!known) {
      return answer(sw::kInstructionNotSupported);
    }
    if (octet->secure_messaging) {
      channel.end_session();
      return answer(sw::kSecurityStatusNotSatisfied);
    }
    return run(command.ins, DomainCommand{.platform = platform_,
                                          .instances = instances_,
                                          .channel = channel,
                                          .domain = domain,
                                          .p1 = command.p1,
                                          .p2 = command.p2,
                                          .data = command.data});
  }
  auto plain = SecureChannel::unwrap(channel, command);
  if (!plain) {
    return answer(plain.error());
  }
  const apdu::ResponseApdu result = run(command.ins, DomainCommand{.platform = platform_,
                                                                   .instances = instances_,
                                                                   .channel = channel,
                                                                   .domain = domain,
                                                                   .p1 = command.p1,
                                                                   .p2 = command.p2,
                                                                   .data = plain->data.expose()});
  return SecureChannel::wrap(channel, result.data, result.sw);
}

}  // namespace kagibin::se
