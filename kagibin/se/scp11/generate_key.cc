// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/scp11/generate_key.h"

#include <utility>

#include "kagibin/scp/scp11/key_generation.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/scp11/certificate_records.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

Result<void> check_names(Platform& platform, const Aid& domain, const scp::GenerateKey& request) {
  const KeyStore& keys = platform.keys;
  const KeyName made{request.key.version, request.key.identifier};
  const bool replaces = request.replaced_version != 0;
  if (replaces && !keys.has_key(domain, {request.replaced_version, made.identifier})) {
    platform.circumstances.about_key(domain, request.replaced_version, made.identifier);
    return fail(Errc::kNotFound,
                "the key to replace is not there: see GET DATA 00E0 (GPCS 11.8.2.1)");
  }
  if (request.replaced_version != made.version && keys.has_key(domain, made)) {
    platform.circumstances.about_key(domain, made.version, made.identifier);
    return fail(Errc::kValue,
                "the key to add is there already: P1 names the version to replace (GPCS 11.8.2.1)");
  }
  return {};
}

Result<Bytes> make(const DomainCommand& command, const scp::GenerateKey& request) {
  KeyStore& keys = command.platform.keys;
  const Aid& domain = command.domain.aid;
  KB_TRY(check_names(command.platform, domain, request));
  const auto made = KB_TRY(crypto::CurvePrivateKey::generate(request.curve, command.platform.rng));
  Bytes answer = KB_TRY(request.answer(made, command.platform.rng));
  const gp::Key key = KB_TRY(gp::Key::ec_private(made));
  KB_TRY(keys.put_key(domain, {request.key.version, request.key.identifier}, key));
  if (request.replaced_version != 0) {
    CertificateRecords records(command.platform.nvm);
    KB_TRY(records.erase_key(domain, {request.key.identifier, request.replaced_version}));
  }
  if (request.replaced_version != 0 && request.replaced_version != request.key.version) {
    KB_TRY(keys.inherit_order(domain, request.replaced_version, request.key.version));
    KB_TRY(keys.erase_key(domain, {request.replaced_version, request.key.identifier}));
  }
  return answer;
}

}  // namespace

apdu::ResponseApdu generate_key(const DomainCommand& command) {
  if (!command.authenticated_with_mac()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "GENERATE KEY wants a session with C-MAC of the domain's own provider"));
  }
  const auto request = scp::GenerateKey::decode(command.p1, command.p2, command.data);
  if (!request) {
    return answer(status_of(request.error()));
  }
  NvmTransaction transaction(command.platform.nvm);
  auto made = make(command, *request);
  return made ? conclude(transaction, {}, std::move(*made)) : answer(status_of(made.error()));
}

}  // namespace kagibin::se
