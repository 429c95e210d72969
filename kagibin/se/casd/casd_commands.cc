// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/casd/casd_commands.h"

#include <array>
#include <utility>

#include "kagibin/kda/instructions.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/se/casd/authority_signature.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/scp11/certificate_records.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

namespace sw = apdu::sw;
namespace ins = apdu::ins;
using pki::CertificateKind;

namespace {

constexpr std::uint16_t kCertificates = 0x7F21;
constexpr std::uint16_t kRequest = 0x00E5;
constexpr std::uint8_t kSignatureOut = 0x9E;
constexpr std::uint8_t kDataIn = 0x9A;
constexpr std::uint8_t kOneBlockOfTlvs = 0x90;

struct OwnKey {
  CertificateKind kind;
  std::uint8_t identifier;
};
constexpr std::array kOwnKeys = {OwnKey{CertificateKind::kCasdAgreement, kCasdAgreementKey},
                                 OwnKey{CertificateKind::kCasdSignature, kCasdSignatureKey}};

scp::KeyReference reference_of(const OwnKey& own) { return {own.identifier, kCasdKeyVersion}; }

Result<Bytes> certificates(const Platform& platform) {
  Bytes out;
  for (const OwnKey& own : kOwnKeys) {
    append(out, CertificateRecords(platform.nvm).certificates(casd_aid(), reference_of(own)));
  }
  if (out.empty()) {
    return fail(Errc::kNotFound, "this CASD was given no certificate yet");
  }
  return out;
}

Result<Bytes> request(const Platform& platform, ByteView data) {
  tlv::TlvReader in(data);
  const auto kind = static_cast<CertificateKind>(tlv::to_u8(KB_TRY(in.expect(0x81, 1))));
  const auto name = to_array<16>(KB_TRY(in.expect(0x82, 16)).value);
  KB_CHECK(name.has_value());
  KB_TRY(in.finish());
  for (const OwnKey& own : kOwnKeys) {
    const auto key = own.kind == kind ? casd_key(platform, own.identifier) : std::nullopt;
    if (key) {
      const auto pair = KB_TRY(crypto::EcPrivateKey::from_scalar(key->expose_scalar()));
      return pki::sign_certification_request(kind, *name, pair, platform.rng);
    }
  }
  return fail(Errc::kNotFound, "a CASD asks for certificates of kind 06 and 07 alone");
}

// Of which of its keys this is a certificate of the authority.
std::optional<OwnKey> own_key_of(const Platform& platform, const pki::Certificate& certificate) {
  for (const OwnKey& own : kOwnKeys) {
    const auto key = casd_key(platform, own.identifier);
    if (key && is_certified(platform, certificate, own.kind) &&
        equal(key->public_key().point(), certificate.key().point()) &&
        equal(certificate.fields().aids.front(), casd_aid().view())) {
      return own;
    }
  }
  return std::nullopt;
}

Result<void> store(const Platform& platform, ByteView octets) {
  const auto certificate = pki::Certificate::decode(octets);
  const auto own = certificate ? own_key_of(platform, *certificate) : std::nullopt;
  if (!own) {
    return fail(Errc::kAuthentication,
                "this is no certificate of the controlling authority of a key of this CASD, good "
                "today");
  }
  CertificateRecords records(platform.nvm);
  const auto held = pki::Certificate::decode(records.certificates(casd_aid(), reference_of(*own)));
  if (held && certificate->fields().effective < held->fields().effective) {
    return fail(Errc::kPolicy, "this CASD has a later certificate of that key");
  }
  return records.put(casd_aid(),
                     {.key = reference_of(*own), .certificates = certificate->encoded()});
}

Result<Bytes> sign(const Platform& platform, ByteView data) {
  const auto query = KB_TRY(gp::StatementQuery::decode(data));
  const auto key = casd_key(platform, kCasdSignatureKey);
  if (!key) {
    return fail(Errc::kNotFound, "this CASD has no key that signs");
  }
  const auto statement = KB_TRY(statement_about(platform, query.application));
  return gp::sign_statement(statement, query.challenge, *key, platform.rng);
}

apdu::ResponseApdu told(Result<Bytes> made) {
  return made ? answer(sw::kOk, std::move(*made)) : answer(status_of(made.error()));
}

}  // namespace

std::optional<apdu::ResponseApdu> casd_command(Platform& platform,
                                               const apdu::CommandApdu& command) {
  const bool plain = command.cla == 0x00 || command.cla == 0x80;
  const auto tag = static_cast<std::uint16_t>((command.p1 << 8U) | command.p2);
  if (plain && command.ins == ins::kGetData && tag == kCertificates) {
    return command.data.empty() ? told(certificates(platform)) : answer(sw::kWrongLength);
  }
  if (command.cla == 0x80 && command.ins == ins::kGetData && tag == kRequest) {
    return told(request(platform, command.data));
  }
  if (command.cla == kda::kClass && command.ins == kda::ins::kStatement) {
    NvmTransaction transaction(platform.nvm);
    return conclude(transaction, obey_statement(platform, command.data), {});
  }
  if (gp::StatementQuery::is_command(command)) {
    return command.p1 == kSignatureOut && command.p2 == kDataIn ? told(sign(platform, command.data))
                                                                : answer(sw::kIncorrectP1P2);
  }
  if (command.cla == 0x80 && command.ins == ins::kStoreData && command.p1 == kOneBlockOfTlvs &&
      command.p2 == 0) {
    NvmTransaction transaction(platform.nvm);
    return conclude(transaction, store(platform, command.data), {});
  }
  return std::nullopt;
}

}  // namespace kagibin::se
