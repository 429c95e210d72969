// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/pkcs11_tokens.h"

#include "kagibin/crypto/token/token_keys.h"
#include "kagibin/crypto/token/token_making.h"

namespace kagibin::crypto::token {
namespace {

// A key that was made just now and does not open is nobody's: it goes again.
template <typename Key>
Result<Key> or_destroyed(Result<Key> opened, Token& token, const TokenUri& uri) {
  if (!opened) {
    static_cast<void>(destroy(token, uri));
  }
  return opened;
}

}  // namespace

Result<std::shared_ptr<Token>> Pkcs11Tokens::token(std::string_view text) {
  TokenUri uri = KB_TRY(TokenUri::parse(text));
  const std::string name = uri.token_text();
  const std::scoped_lock lock(mutex_);
  const auto known = tokens_.find(name);
  if (known != tokens_.end()) {
    return known->second;
  }
  if (const auto refused = refused_.find(name); refused != refused_.end()) {
    return std::unexpected(refused->second);
  }
  Result<std::shared_ptr<Token>> opened = Token::open(std::move(uri), pin_, sessions_);
  if (opened) {
    tokens_.emplace(name, *opened);
  } else if (opened.error().code == Errc::kAuthentication) {
    refused_.emplace(name, opened.error());
  }
  return opened;
}

Result<Pkcs11Tokens::Named> Pkcs11Tokens::find(std::string_view text) {
  TokenUri uri = KB_TRY(TokenUri::parse(text));
  if (!uri.names_key()) {
    return fail(Errc::kValue, "the pkcs11: URI names a token but no key in it: add object=NAME");
  }
  return Named{.token = KB_TRY(token(text)),
               .uri = std::make_shared<const TokenUri>(std::move(uri))};
}

Result<SigningKey> Pkcs11Tokens::signing_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  return open_signing_key(key.token, key.uri);
}

Result<SigningKey> Pkcs11Tokens::generate_signing_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  KB_TRY(generate_pair(*key.token, *key.uri, PairUse::kSign));
  return or_destroyed(open_signing_key(key.token, key.uri), *key.token, *key.uri);
}

Result<AgreementKey> Pkcs11Tokens::agreement_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  return open_agreement_key(key.token, key.uri);
}

Result<AgreementKey> Pkcs11Tokens::generate_agreement_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  KB_TRY(generate_pair(*key.token, *key.uri, PairUse::kAgree));
  return or_destroyed(open_agreement_key(key.token, key.uri), *key.token, *key.uri);
}

Result<AgreementKey> Pkcs11Tokens::generate_exchange_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  KB_TRY(generate_pair(*key.token, *key.uri, PairUse::kBoth));
  return or_destroyed(open_agreement_key(key.token, key.uri), *key.token, *key.uri);
}

Result<DerivationKey> Pkcs11Tokens::derivation_key(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  return open_derivation_key(key.token, key.uri);
}

Result<DerivationKey> Pkcs11Tokens::generate_derivation_key(std::string_view uri,
                                                            std::size_t size) {
  const Named key = KB_TRY(find(uri));
  KB_TRY(generate_secret(*key.token, *key.uri, size));
  return or_destroyed(open_derivation_key(key.token, key.uri), *key.token, *key.uri);
}

Result<DerivationKey> Pkcs11Tokens::put_derivation_key(std::string_view uri,
                                                       const SecretBytes& key) {
  const Named place = KB_TRY(find(uri));
  KB_TRY(put_secret(*place.token, *place.uri, key));
  return or_destroyed(open_derivation_key(place.token, place.uri), *place.token, *place.uri);
}

Result<void> Pkcs11Tokens::erase(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  return destroy(*key.token, *key.uri);
}

}  // namespace kagibin::crypto::token
