// SPDX-License-Identifier: Apache-2.0
// Which fields each kind of certificate has (doc/wire_format.md, "Certificates").
#include <algorithm>
#include <array>

#include "kagibin/pki/certificate_body.h"

namespace kagibin::pki {

namespace {

constexpr std::size_t kNoLimit = 127;  // the limit of 53 comes first

struct KindRules {
  CertificateKind kind;
  std::size_t least_aids;
  std::size_t most_aids;
  bool code_hash;
  bool platform;
  bool attestation;
  bool owner;
  bool maker_key;
};

constexpr std::array kKindRules = {
    KindRules{CertificateKind::kMaker, 0, 0, false, true, false, false, false},
    KindRules{CertificateKind::kKda, 1, 1, true, false, true, false, false},
    KindRules{CertificateKind::kOce, 0, 0, false, false, false, false, false},
    KindRules{CertificateKind::kSecurityDomain, 1, 1, false, false, false, true, true},
    KindRules{CertificateKind::kServiceProvider, 1, kNoLimit, false, false, false, false, false},
    KindRules{CertificateKind::kCasdAgreement, 1, 1, false, true, false, false, false},
    KindRules{CertificateKind::kCasdSignature, 1, 1, false, true, false, false, false},
};

bool is_name(ByteView name) { return !name.empty() && name.size() <= 16; }

}  // namespace

Result<void> check_fields(const CertificateFields& fields) {
  const auto* const rules = std::ranges::find(kKindRules, fields.kind, &KindRules::kind);
  if (rules == kKindRules.end()) {
    return fail(Errc::kValue, "a certificate's kind is 01 to 07");
  }
  if (!is_name(fields.serial) || !is_name(fields.issuer)) {
    return fail(Errc::kLength, "serial number and issuer have 1 to 16 octets");
  }
  if (!fields.effective.is_calendar_day() || !fields.expiration.is_calendar_day()) {
    return fail(Errc::kValue, "a date is a day of the calendar, YYYYMMDD");
  }
  if (fields.expiration < fields.effective) {
    return fail(Errc::kValue, "a certificate does not expire before it takes effect");
  }
  if (fields.aids.size() < rules->least_aids || fields.aids.size() > rules->most_aids) {
    return fail(Errc::kValue, "this kind of certificate has another number of AIDs");
  }
  for (const Bytes& aid : fields.aids) {
    if (aid.size() < Aid::kMinLength || aid.size() > Aid::kMaxLength) {
      return fail(Errc::kLength, "an AID has 5 to 16 octets");
    }
  }
  if (fields.code_hash.has_value() != rules->code_hash ||
      fields.platform.has_value() != rules->platform ||
      fields.attestation.has_value() != rules->attestation ||
      fields.owner.has_value() != rules->owner ||
      fields.maker_key.has_value() != rules->maker_key) {
    return fail(Errc::kValue, "the fields do not fit the certificate's kind");
  }
  return {};
}

}  // namespace kagibin::pki
