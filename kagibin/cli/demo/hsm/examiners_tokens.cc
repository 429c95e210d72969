// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/examiners_tokens.h"

#include <algorithm>
#include <string>

#include "kagibin/cli/demo/hsm/token_file.h"

namespace kagibin::cli::demo {

namespace {

// The demo's URIs have plain names.
std::string_view part(std::string_view uri, std::string_view name) {
  const std::size_t at = uri.find(name);
  if (at == std::string_view::npos) {
    return {};
  }
  uri.remove_prefix(at + name.size());
  return uri.substr(0, uri.find_first_of(";?"));
}

std::unexpected<Error> only_looks() {
  return fail(Errc::kNotSupported, "the examiner looks, and changes nothing");
}

}  // namespace

Result<SecretBytes> ExaminersTokens::value(std::string_view uri) const {
  if (!site_.hsm()) {
    return fail(Errc::kNotSupported, "this site has no tokens");
  }
  const std::string_view token = part(uri, "token=");
  const std::string_view key = part(uri, "object=");
  for (const Role role : kRolesWithKeys) {
    if (site_.token_of(role) == token) {
      const SecretBytes pin = KB_TRY(site_.pin(role));
      auto objects = KB_TRY(read_token(site_.hsm()->tokens(), token, pin));
      const auto found = std::ranges::find(objects, key, &TokenObject::label);
      if (found != objects.end()) {
        return std::move(found->value);
      }
    }
  }
  return fail(Errc::kNotFound, "no token of the site has this key");
}

Result<crypto::SigningKey> ExaminersTokens::signing_key(std::string_view uri) {
  const SecretBytes scalar = KB_TRY(value(uri));
  return crypto::SigningKey(KB_TRY(crypto::EcPrivateKey::from_scalar(scalar.expose())));
}

Result<crypto::AgreementKey> ExaminersTokens::agreement_key(std::string_view uri) {
  const SecretBytes scalar = KB_TRY(value(uri));
  return crypto::AgreementKey(KB_TRY(crypto::EcPrivateKey::from_scalar(scalar.expose())));
}

Result<crypto::DerivationKey> ExaminersTokens::derivation_key(std::string_view uri) {
  return crypto::DerivationKey::in_memory(KB_TRY(value(uri)));
}

Result<crypto::SigningKey> ExaminersTokens::generate_signing_key(std::string_view /*uri*/) {
  return only_looks();
}

Result<crypto::AgreementKey> ExaminersTokens::generate_agreement_key(std::string_view /*uri*/) {
  return only_looks();
}

Result<crypto::AgreementKey> ExaminersTokens::generate_exchange_key(std::string_view /*uri*/) {
  return only_looks();
}

Result<crypto::DerivationKey> ExaminersTokens::generate_derivation_key(std::string_view /*uri*/,
                                                                       std::size_t /*size*/) {
  return only_looks();
}

Result<crypto::DerivationKey> ExaminersTokens::put_derivation_key(std::string_view /*uri*/,
                                                                  const SecretBytes& /*key*/) {
  return only_looks();
}

Result<crypto::DerivationKey> ExaminersTokens::generate_wrappable_master_key(
    std::string_view /*uri*/, std::size_t /*size*/) {
  return only_looks();
}

Result<crypto::LongCheckValue> ExaminersTokens::generate_wrap_only_key(std::string_view /*uri*/,
                                                                       std::size_t /*size*/) {
  return only_looks();
}

Result<crypto::LongCheckValue> ExaminersTokens::put_wrap_only_key(std::string_view /*uri*/,
                                                                  const SecretBytes& /*key*/) {
  return only_looks();
}

Result<crypto::LongCheckValue> ExaminersTokens::check_value(const crypto::KeyInToken& /*key*/) {
  return only_looks();
}

Result<crypto::SealedInToken> ExaminersTokens::seal(const crypto::JoinedPlaintext& /*plaintext*/,
                                                    const crypto::EcPublicKey& /*recipient*/,
                                                    std::size_t /*key_size*/,
                                                    const crypto::SealingContext& /*context*/) {
  return only_looks();
}

Result<void> ExaminersTokens::reach(std::string_view /*uri*/) { return only_looks(); }

Result<bool> ExaminersTokens::in_one_token(std::string_view /*uri*/, std::string_view /*other*/) {
  return only_looks();
}

Result<void> ExaminersTokens::erase(std::string_view /*uri*/) { return only_looks(); }

}  // namespace kagibin::cli::demo
