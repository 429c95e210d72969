// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/casd/authority_signature.h"

#include "kagibin/se/casd/casd.h"
#include "kagibin/se/scp11/certificate_records.h"

namespace kagibin::se {

Result<gp::ApplicationStatement> statement_about(const Platform& platform, const Aid& application) {
  const auto entry = platform.registry.find(application);
  const auto file = entry ? platform.registry.find_load_file(entry->load_file) : std::nullopt;
  if (!entry || !file) {
    return fail(Errc::kNotFound, "there is no such application on this element");
  }
  return gp::ApplicationStatement{.application = application,
                                  .load_file = entry->load_file,
                                  .code_hash = file->code_hash,
                                  .security_domain = entry->security_domain};
}

Result<Bytes> CasdSignatureService::sign(ByteView data) const {
  const auto key = casd_key(platform_, kCasdSignatureKey);
  if (!key) {
    return fail(Errc::kNotFound, "this element has no CASD that can sign");
  }
  const gp::ApplicationStatement statement = KB_TRY(statement_about(platform_, application_));
  return gp::sign_data(statement, data, *key, platform_.rng);
}

Result<Bytes> CasdSignatureService::certificate() const {
  Bytes octets = CertificateRecords(platform_.nvm)
                     .certificates(casd_aid(), {kCasdSignatureKey, kCasdKeyVersion});
  if (octets.empty()) {
    return fail(Errc::kNotFound, "this CASD was given no certificate yet");
  }
  return octets;
}

Result<AuthoritySignatureService::Trust> CasdSignatureService::trust() const {
  const auto authority = authority_key(platform_);
  if (!authority) {
    return fail(Errc::kNotFound, "this element has no CASD that knows the controlling authority");
  }
  return Trust{.authority = *authority, .min_epoch = min_epoch(platform_)};
}

Result<void> CasdSignatureService::hear_statement(ByteView statement) const {
  const auto heard = obey_statement(platform_, statement);
  const bool is_of_memory =
      !heard && (heard.error().code == Errc::kIo || heard.error().code == Errc::kNoSpace);
  return is_of_memory ? heard : Result<void>{};
}

}  // namespace kagibin::se
