// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/security_domain.h"

#include "kagibin/scp/scp11/key_generation.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/casd/casd_commands.h"
#include "kagibin/se/domain/content/sequences/load_commands.h"
#include "kagibin/se/domain/content_commands.h"
#include "kagibin/se/domain/data_objects.h"
#include "kagibin/se/domain/keys/key_commands.h"
#include "kagibin/se/domain/set_status.h"
#include "kagibin/se/domain/status_query.h"
#include "kagibin/se/domain/store_data.h"
#include "kagibin/se/open/selection/card_life_cycle.h"
#include "kagibin/se/scp11/domain_data_commands.h"
#include "kagibin/se/scp11/generate_key.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;

namespace {

constexpr StatusWord kUnknown =
    sw::kInstructionNotSupported.because("a security domain has no such command (GPCS table 11-1)");

bool is_known(std::uint8_t instruction) {
  switch (instruction) {
    case ins::kInitializeUpdate:
    case ins::kExternalAuthenticate:
    case ins::kGetData:
    case ins::kPutKey:
    case ins::kDelete:
    case ins::kInstall:
    case ins::kLoad:
    case ins::kStoreData:
    case ins::kSetStatus:
    case ins::kGetStatus:
    case scp::ins::kGenerateKey:
      return true;
    default:
      return false;
  }
}

apdu::ResponseApdu dispatch(std::uint8_t instruction, const DomainCommand& command) {
  switch (instruction) {
    case ins::kGetData:
      return is_certificate_data(command.tag()) ? get_certificate_data(command) : get_data(command);
    case ins::kPutKey:
      return put_key(command);
    case ins::kDelete:
      return process_delete(command);
    case ins::kInstall:
      return process_install(command);
    case ins::kLoad:
      return process_load(command);
    case ins::kStoreData:
      return process_store_data(command);
    case ins::kSetStatus:
      return process_set_status(command);
    case ins::kGetStatus:
      return process_get_status(command);
    case scp::ins::kGenerateKey:
      return generate_key(command);
    default:
      return answer(kUnknown);
  }
}

}  // namespace

apdu::ResponseApdu SecurityDomain::card_data() const {
  const auto isd = platform_.registry.find(platform_.facts.isd_aid);
  KB_CHECK(isd.has_value());
  return answer(sw::kOk, se::card_data(isd->protocols));
}

apdu::ResponseApdu SecurityDomain::run(LogicalChannel& channel,
                                       const RegistryEntry& domain,
                                       const apdu::CommandApdu& header,
                                       ByteView data) {
  if (header.ins != ins::kStoreData) {
    channel.personalizing.reset();
    channel.next_block = 0;
    channel.certificate_data.clear();
    channel.setup.reset();
  }
  if (header.ins != ins::kGetStatus) {
    channel.status.reset();
  }
  if (header.ins != ins::kLoad && !ends_combined_load(header.ins, header.p1, header.p2)) {
    channel.load.reset();
  }
  if (const auto admitted = admit(platform_, domain, header.ins); !admitted) {
    return answer(admitted.error());
  }
  if (!CertificateSessions::takes(channel, header.ins, data)) {
    return answer(sw::kConditionsNotSatisfied.because(
        "keys and life cycles are not changed in SCP11c, where commands can be sent again "
        "(Amendment F)"));
  }
  return dispatch(header.ins, {.platform = platform_,
                               .instances = instances_,
                               .channels = channels_,
                               .channel = channel,
                               .domain = domain,
                               .p1 = header.p1,
                               .p2 = header.p2,
                               .data = data});
}

apdu::ResponseApdu SecurityDomain::process(LogicalChannel& channel,
                                           const RegistryEntry& domain,
                                           const apdu::CommandApdu& command) {
  if (CommandPieces::is_piece(command) && channel.in_session()) {
    return answer(channel.pieces.add(command));
  }
  apdu::CommandApdu whole = channel.pieces.join(command);
  apdu::ResponseApdu out = process_whole(channel, domain, whole);
  wipe(whole.data);
  return out;
}

apdu::ResponseApdu SecurityDomain::process_whole(LogicalChannel& channel,
                                                 const RegistryEntry& domain,
                                                 const apdu::CommandApdu& command) {
  const auto octet = apdu::ClassOctet::decode(command.cla);
  KB_CHECK(octet.has_value());
  if (octet->chaining && !CertificateSessions::is_command(command)) {
    if (CommandPieces::is_piece(command)) {
      return answer(sw::kSecurityStatusNotSatisfied.because(
          "a command in pieces is taken in a secure channel session (GPCS 11.1.5.1)"));
    }
    return answer(sw::kChainingNotSupported.because(
        "PUT KEY, INSTALL, LOAD, STORE DATA and DELETE come in pieces, and no other command (GPCS "
        "11.1.5.1)"));
  }
  if (!channel.in_session() && is_casd(platform_, domain.aid)) {
    const auto admitted = admit(platform_, domain, command.ins);
    if (!admitted) {
      return answer(admitted.error());
    }
    const auto own = casd_command(platform_, command);
    if (own) {
      return *own;
    }
  }
  const bool known = is_known(command.ins);
  if (!octet->proprietary && command.ins != ins::kGetData) {
    return answer(known ? sw::kClassNotSupported.because(
                              "this command has a class of GlobalPlatform, 80 or 84 (GPCS 11.1.4)")
                        : kUnknown);
  }
  if (channel.aborted && !SecureChannel::is_opening_command(command)) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "the session was aborted by wrong secure messaging: open another, or select (Amendment D, "
        "5.6; GPCS E.1.6)"));
  }
  if (SecureChannel::is_security_command(command)) {
    if (card_state(platform_) == gp::CardState::kTerminated) {
      return answer(admit(platform_, domain, command.ins).error());
    }
    return secure_channel_.process(channel, domain.aid, domain, command);
  }
  if (!channel.in_session()) {
    if (!known) {
      return answer(kUnknown);
    }
    if (octet->secure_messaging) {
      channel.end_session();
      return answer(sw::kSecurityStatusNotSatisfied.because(
          "the class says secure messaging, and no session is open on this channel (GPCS 10.2)"));
    }
    return run(channel, domain, command, command.data);
  }
  const auto plain = SecureChannel::unwrap(channel, command);
  if (!plain) {
    return answer(plain.error());
  }
  const apdu::ResponseApdu result = run(channel, domain, command, plain->data.expose());
  apdu::ResponseApdu wrapped = SecureChannel::wrap(channel, result.data, result.sw);
  if (channel.ends_with_answer) {
    channel.end_session();
  }
  return wrapped;
}

}  // namespace kagibin::se
