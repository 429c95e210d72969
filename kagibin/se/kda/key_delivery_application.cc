// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/key_delivery_application.h"

#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/attestation/casd_attestation.h"
#include "kagibin/se/kda/authority/authority_orders.h"
#include "kagibin/se/kda/enrolment/kda_enrolment.h"
#include "kagibin/se/kda/enrolment/offered_suites.h"
#include "kagibin/se/kda/key_delivery_sources.h"
#include "kagibin/se/kda/maker_commands.h"
#include "kagibin/se/kda/own/own_delivery.h"
#include "kagibin/se/kda/records/kda_receipts.h"

namespace kagibin::se {

namespace {

namespace ins = kda::ins;

constexpr std::uint8_t kCMac = 0x01;  // of a security level

bool is_makers(std::uint8_t instruction) {
  return instruction == ins::kGenerate || instruction == ins::kStoreCertificates;
}

bool is_chained(std::uint8_t instruction) {
  return instruction == ins::kEnrol || instruction == ins::kLoad || instruction == ins::kNext ||
         instruction == ins::kCancel;
}

// A handler without an answer answers nothing.
KdaResult<Bytes> nothing(KdaResult<void> done) {
  if (!done) {
    return refuse(done.error());
  }
  return Bytes();
}

constexpr std::uint8_t kByKeySets = 0x05;  // RL1, RL3
constexpr std::uint8_t kRl2 = 0x02;
constexpr std::uint8_t kRl4 = 0x08;
constexpr std::uint8_t kOs = 0x10;

// RL2 and RL4 want CERT.OCE, which the maker gives or not, and RL4 a suite with ML-KEM. A domain's
// own delivery has one level.
std::uint8_t able_levels(const KdaEnvironment& kda) {
  if (kda.own_domain() != nullptr) {
    return kOs;
  }
  const KdaStore& store = kda.store;
  const auto stored = store.is_certified() ? store.certificates() : Result<KdaCertificates>{};
  const bool by_certificates = stored && stored->oce;
  if (!by_certificates) {
    return kByKeySets;
  }
  const bool is_hybrid = kem_of_suite(0x20).has_value();
  return static_cast<std::uint8_t>(kByKeySets | kRl2 | (is_hybrid ? kRl4 : 0U));
}

kda::Capabilities capabilities(const KdaEnvironment& kda) {
  return {.versions = {envelope::kVersion},
          .suites = offered_suites(),
          .level_bitmap = able_levels(kda),
          .buffer_bytes = static_cast<std::uint16_t>(reassembly_size_bytes())};
}

apdu::ResponseApdu to_response(KdaResult<Bytes> answer) {
  if (!answer) {
    return {{}, answer.error()};
  }
  return {std::move(*answer), sw::kOk};
}

}  // namespace

StatusWord KeyDeliveryApplication::install(ByteView parameters) {
  if (environment_.own_domain() != nullptr) {
    const auto owned = take_owner(environment_, parameters);
    return owned ? sw::kOk : owned.error();
  }
  if (parameters.empty()) {
    return sw::kOk;
  }
  if (!equal(parameters, Bytes{kAttestedByCasd})) {
    return sw::kWrongData;
  }
  const auto taken = take_identity_from_casd(environment_);
  return taken ? sw::kOk : taken.error();
}

apdu::ResponseApdu KeyDeliveryApplication::process(const apdu::CommandApdu& command) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (context_.secure_channel.is_security_command(command)) {
    return store_.is_certified() ? apdu::ResponseApdu{{}, sw::kConditionsNotSatisfied}
                                 : context_.secure_channel.process_security(command);
  }
  if (!cla || !cla->proprietary) {
    return {{}, sw::kClassNotSupported};
  }
  if (is_makers(command.ins)) {
    return makers_command(command);
  }
  if (cla->secure_messaging) {
    return {{}, sw::kSecureMessagingNotSupported};
  }
  return to_response(answer(command));
}

apdu::ResponseApdu KeyDeliveryApplication::makers_command(const apdu::CommandApdu& command) {
  SecureChannelService& channel = context_.secure_channel;
  if (store_.is_certified()) {
    return {{}, sw::kConditionsNotSatisfied};
  }
  if (!channel.authenticated() || (channel.security_level() & kCMac) == 0) {
    return {{}, sw::kSecurityStatusNotSatisfied};
  }
  const auto plain = channel.unwrap(command);
  if (!plain) {
    return {{}, plain.error()};
  }
  const auto answer = makers_answer(command, plain->data.expose());
  return answer ? channel.wrap(*answer, sw::kOk) : channel.wrap({}, answer.error());
}

KdaResult<Bytes> KeyDeliveryApplication::makers_answer(const apdu::CommandApdu& command,
                                                       ByteView data) {
  const auto message = KB_TRY(assemble(command, data));
  if (!message) {
    return Bytes();
  }
  if (command.ins == ins::kStoreCertificates) {
    return nothing(store_certificates(environment_, *message));
  }
  if (!message->empty()) {
    return refuse(sw::kWrongLength);
  }
  return generate_keys(environment_);
}

KdaResult<std::optional<Bytes>> KeyDeliveryApplication::assemble(const apdu::CommandApdu& command,
                                                                 ByteView data) {
  const auto cla = apdu::ClassOctet::decode(command.cla);
  return assembler_.accept({.instruction = command.ins,
                            .p1 = command.p1,
                            .p2 = command.p2,
                            .more = cla && cla->chaining},
                           data);
}

KdaResult<Bytes> KeyDeliveryApplication::answer(const apdu::CommandApdu& command) {
  if (is_chained(command.ins)) {
    const auto message = KB_TRY(assemble(command, command.data));
    return message ? chained(command.ins, *message) : Bytes();
  }
  const auto cla = apdu::ClassOctet::decode(command.cla);
  if (cla && cla->chaining) {
    return refuse(sw::kChainingNotSupported);
  }
  if (command.p1 != 0 || command.p2 != 0) {
    return refuse(sw::kIncorrectP1P2);
  }
  return single(command.ins, command.data);
}

KdaResult<Bytes> KeyDeliveryApplication::chained(std::uint8_t instruction, ByteView message) {
  if (instruction == ins::kNext) {
    return delivery_.next(message);
  }
  delivery_.drop();
  switch (instruction) {
    case ins::kEnrol:
      return enrol(environment_, message);
    case ins::kLoad:
      return nothing(load_envelope(environment_, message));
    default:
      return nothing(cancel(environment_, message));
  }
}

KdaResult<Bytes> KeyDeliveryApplication::statement(ByteView message) {
  KB_TRY(obey_statement(environment_, message));
  delivery_.drop();
  return Bytes();
}

KdaResult<Bytes> KeyDeliveryApplication::single(std::uint8_t instruction, ByteView message) {
  switch (instruction) {
    case ins::kGetReceipt:
      return get_receipt(environment_, KB_TRY(or_malformed(kda::decode_handle(message))));
    case ins::kStatus:
      return delivery_.status(KB_TRY(or_malformed(kda::decode_handle(message))));
    case ins::kStatement:
      return statement(message);
    case ins::kCapabilities:
      return message.empty() ? KdaResult<Bytes>(capabilities(environment_).encode())
                             : refuse(sw::kWrongLength);
    default:
      return refuse(sw::kInstructionNotSupported);
  }
}

LoadFile key_delivery_load_file() {
  constexpr std::array<std::uint8_t, 8> kLoadFileAid = {0xF0, 0x4B, 0x41, 0x47,
                                                        0x49, 0x42, 0x49, 0x4E};
  return {.aid = Aid::from(kLoadFileAid).value(),
          .version = {1, 0},
          .sources = kKeyDeliverySources,
          .modules = {kda::aid()}};
}

BuiltIn key_delivery_built_in() {
  return {.file = key_delivery_load_file(),
          .factories = {[](const ApplicationContext& context) {
            return std::make_unique<KeyDeliveryApplication>(context);
          }}};
}

}  // namespace kagibin::se
