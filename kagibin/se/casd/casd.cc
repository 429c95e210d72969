// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/casd/casd.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/ec/ecdsa.h"
#include "kagibin/envelope/enrolment/enrolment.h"
#include "kagibin/kda/authority_statement.h"
#include "kagibin/pki/chain.h"

namespace kagibin::se {

using envelope::kLabelAuthority;
using kda::AuthorityStatement;

namespace {

constexpr std::string_view kRecord = "open/casd";
constexpr std::uint8_t kRecordVersion = 0x01;
constexpr std::string_view kEpochRecord = "open/casd-epoch";

constexpr gp::KeyPolicy kAgreement{.usage = {0x00, gp::KeyPolicy::kKeyAgreement},
                                   .usage_size = 2,
                                   .says_access = true,
                                   .access = gp::KeyPolicy::kDomainOnly};
constexpr std::uint8_t kDigitalSignature = 0x02;
constexpr gp::KeyPolicy kSigning{.usage = {gp::KeyPolicy::kComputation | kDigitalSignature},
                                 .usage_size = 1,
                                 .says_access = true,
                                 .access = gp::KeyPolicy::kDomainOnly};

Result<void> put_pair(Platform& platform, std::uint8_t identifier, const gp::KeyPolicy& policy) {
  const auto pair = KB_TRY(crypto::CurvePrivateKey::generate(crypto::Curve::kP256, platform.rng));
  const gp::Key key = KB_TRY(gp::Key::ec_private(pair));
  std::vector<gp::KeyPart> parts;
  for (const gp::KeyPart& part : key.parts()) {
    parts.push_back({part.type, part.value.duplicate()});
  }
  return platform.keys.put_key(casd_aid(), {kCasdKeyVersion, identifier},
                               KB_TRY(gp::Key::from(std::move(parts), policy)));
}

gp::Privileges privileges_of(const InitialCasd& casd) {
  const std::uint32_t dap =
      gp::Privileges::kDapVerification | gp::Privileges::kMandatedDapVerification;
  return {gp::Privileges::kSecurityDomain | gp::Privileges::kGlobalService |
          (casd.mandated_dap ? dap : 0U)};
}

}  // namespace

Aid casd_aid() { return *Aid::from_hex("A00000015153504341534400"); }

Result<void> make_casd(Platform& platform, const InitialCasd& casd) {
  const Aid aid = casd_aid();
  if (platform.registry.find(aid) || platform.registry.find_load_file(aid)) {
    return fail(Errc::kConflict, "the CASD's AID is in use");
  }
  const auto point = crypto::EcPublicKey::from_point(casd.authority_key);
  const auto isd = platform.registry.find(platform.facts.isd_aid);
  if (!point || !isd) {
    return fail(Errc::kInvalidArgument,
                "a CASD has the controlling authority's public key: a point on P-256");
  }
  KB_TRY(platform.registry.put({.aid = aid,
                                .kind = EntryKind::kSecurityDomain,
                                .life_cycle = gp::kPersonalized,
                                .privileges = privileges_of(casd),
                                .security_domain = aid,
                                .load_file = security_domain_load_file_aid(),
                                .module = security_domain_module_aid(),
                                .protocols = isd->protocols}));
  KB_TRY(put_pair(platform, kCasdAgreementKey, kAgreement));
  KB_TRY(put_pair(platform, kCasdSignatureKey, kSigning));
  const gp::Key authority = KB_TRY(gp::Key::ec_public(crypto::CurvePublicKey::from(*point)));
  KB_TRY(platform.keys.put_key(aid, {kCasdKeyVersion, kCasdAuthorityKey}, authority));
  if (casd.mandated_dap) {
    KB_TRY(platform.keys.put_key(aid, {kDapKeyVersion, kFirstKeyIdentifier}, authority));
  }
  return platform.nvm.put(kRecord, Bytes{kRecordVersion});
}

bool has_casd(const Platform& platform) { return platform.nvm.get(kRecord) != nullptr; }

bool is_casd(const Platform& platform, const Aid& aid) {
  return has_casd(platform) && aid == casd_aid();
}

std::optional<crypto::CurvePrivateKey> casd_key(const Platform& platform, std::uint8_t identifier) {
  const auto entry = has_casd(platform) ? platform.registry.find(casd_aid()) : std::nullopt;
  const auto key = entry && entry->selectable()
                       ? platform.keys.key(casd_aid(), {kCasdKeyVersion, identifier})
                       : std::nullopt;
  if (!key) {
    return std::nullopt;
  }
  auto own = key->ec_private_key();
  return own && own->curve() == crypto::Curve::kP256 ? std::optional(std::move(*own))
                                                     : std::nullopt;
}

std::optional<crypto::EcPublicKey> authority_key(const Platform& platform) {
  const auto key = has_casd(platform)
                       ? platform.keys.key(casd_aid(), {kCasdKeyVersion, kCasdAuthorityKey})
                       : std::nullopt;
  if (!key) {
    return std::nullopt;
  }
  const auto curve_key = key->ec_public_key();
  const auto out = curve_key ? crypto::EcPublicKey::from_point(curve_key->point())
                             : Result<crypto::EcPublicKey>(std::unexpect, curve_key.error());
  return out ? std::optional(*out) : std::nullopt;
}

std::uint16_t min_epoch(const Platform& platform) {
  const SecretBytes* record = platform.nvm.get(kEpochRecord);
  return record == nullptr ? std::uint16_t{0}
                           : ByteReader(record->expose()).u16().value_or(std::uint16_t{0xFFFF});
}

Result<void> obey_statement(const Platform& platform, ByteView statement) {
  const auto said = KB_TRY(AuthorityStatement::decode(statement));
  const auto authority = authority_key(platform);
  if (!authority || !crypto::ecdsa_verify_der(
                        *authority, {ascii(kLabelAuthority), said.signed_part()}, said.signature)) {
    return fail(Errc::kAuthentication, "the controlling authority did not sign this statement");
  }
  if (said.kind != AuthorityStatement::Kind::kMinEpoch) {
    return fail(Errc::kNotSupported,
                "a CASD heeds minEpoch: it has the element's clock and no other root");
  }
  const std::uint16_t epoch = KB_TRY(ByteReader(said.value).u16());
  const std::uint16_t known = min_epoch(platform);
  if (epoch < known) {
    return fail(Errc::kPolicy, "a later minEpoch is in force: it only rises");
  }
  return epoch == known ? Result<void>{}
                        : platform.nvm.put(kEpochRecord, ByteWriter().u16(epoch).view());
}

bool is_certified(const Platform& platform,
                  const pki::Certificate& certificate,
                  pki::CertificateKind kind) {
  const auto authority = authority_key(platform);
  const bool is_old = kind == pki::CertificateKind::kServiceProvider &&
                      certificate.fields().epoch < min_epoch(platform);
  return authority && !is_old &&
         pki::verify_under_root({{*authority}}, certificate, kind,
                                pki::CertificateDate::from_unix(platform.clock.now()))
             .has_value();
}

}  // namespace kagibin::se
