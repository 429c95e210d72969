// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/pkcs11_tokens.h"

#include <algorithm>

#include "kagibin/crypto/token/sealing/token_sealing.h"
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

// Whatever is wrong with a token while an envelope is sealed says nothing about the envelope.
template <typename Value>
Result<Value> for_orders(Result<Value> result) {
  if (!result) {
    return fail(code_for_orders(result.error().code), result.error().detail);
  }
  return result;
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

// That it serves: one of its keys goes through a check value, which a key to be sealed needs.
Result<DerivationKey> Pkcs11Tokens::generate_wrappable_master_key(std::string_view uri,
                                                                  std::size_t size) {
  const Named key = KB_TRY(find(uri));
  KB_TRY(rehearse(key.token, kAesBlockSize));
  KB_TRY(generate_secret(*key.token, *key.uri, size, Kept::kWithDerivedKeys));
  const auto tried = check_value({.uri = std::string(uri), .label = "KB1-CHK"});
  if (!tried) {
    static_cast<void>(destroy(*key.token, *key.uri));
    return std::unexpected(tried.error());
  }
  return or_destroyed(open_derivation_key(key.token, key.uri), *key.token, *key.uri);
}

Result<DerivationKey> Pkcs11Tokens::put_derivation_key(std::string_view uri,
                                                       const SecretBytes& key) {
  const Named place = KB_TRY(find(uri));
  KB_TRY(put_secret(*place.token, *place.uri, key));
  return or_destroyed(open_derivation_key(place.token, place.uri), *place.token, *place.uri);
}

Result<void> Pkcs11Tokens::rehearse(const std::shared_ptr<Token>& token, std::size_t key_size) {
  const std::scoped_lock lock(rehearsal_mutex_);
  if (!rehearsed_.contains({token.get(), key_size})) {
    KB_TRY(rehearse_sealing(token, key_size));
    rehearsed_.emplace(token.get(), key_size);  // tokens_ keeps it
  }
  return {};
}

Result<LongCheckValue> Pkcs11Tokens::check_value(const KeyInToken& key) {
  const Named place = KB_TRY(find(key.uri));
  KB_TRY(rehearse(place.token, kAesBlockSize));
  return check_value_in_token(place.token, *place.uri, key);
}

Result<LongCheckValue> Pkcs11Tokens::generate_wrap_only_key(std::string_view uri,
                                                            std::size_t size) {
  const Named place = KB_TRY(find(uri));
  KB_TRY(rehearse(place.token, kAesBlockSize));
  KB_TRY(generate_secret(*place.token, *place.uri, size, Kept::kUnderAnotherKey));
  return or_destroyed(check_value({.uri = std::string(uri), .size_bytes = size}), *place.token,
                      *place.uri);
}

Result<LongCheckValue> Pkcs11Tokens::put_wrap_only_key(std::string_view uri,
                                                       const SecretBytes& key) {
  const Named place = KB_TRY(find(uri));
  KB_TRY(rehearse(place.token, kAesBlockSize));
  KB_TRY(put_secret(*place.token, *place.uri, key, Kept::kUnderAnotherKey));
  return or_destroyed(check_value({.uri = std::string(uri), .size_bytes = key.size()}),
                      *place.token, *place.uri);
}

Result<SealedInToken> Pkcs11Tokens::seal(const JoinedPlaintext& plaintext,
                                         const EcPublicKey& recipient,
                                         std::size_t key_size,
                                         const SealingContext& context) {
  std::shared_ptr<Token> one;
  for (const auto& part : plaintext.parts) {
    const auto* key = std::get_if<KeyInToken>(&part);
    if (key == nullptr) {
      continue;
    }
    const auto found = find(key->uri);
    if (!found) {
      return fail(Errc::kIo, found.error().detail);  // the token; no key was looked for
    }
    const Named& place = *found;
    if (one != nullptr && one != place.token) {
      return fail(Errc::kNotSupported,
                  "the keys of one envelope are in two tokens, and no token joins them: deliver "
                  "them by two orders");
    }
    one = place.token;
  }
  if (one == nullptr || (key_size != 16 && key_size != 32)) {
    return fail(Errc::kInvalidArgument,
                "a token seals a plaintext with a key of it, under keys of 16 or 32 octets");
  }
  KB_TRY(for_orders(rehearse(one, key_size)));
  return for_orders(seal_in_token(one, plaintext, recipient, key_size, context));
}

Result<void> Pkcs11Tokens::reach(std::string_view uri) {
  const std::shared_ptr<Token> there = KB_TRY(token(uri));
  return there->run(Repeat::kAllowed, [](const TokenSession& at) -> Result<CK_RV> {
    CK_SESSION_INFO now{};
    return at.functions->C_GetSessionInfo(at.handle, &now);
  });
}

Result<bool> Pkcs11Tokens::in_one_token(std::string_view uri, std::string_view other) {
  const CK_TOKEN_INFO one = KB_TRY(find(uri)).token->info();
  const CK_TOKEN_INFO two = KB_TRY(find(other)).token->info();
  return std::ranges::equal(one.label, two.label) &&
         std::ranges::equal(one.manufacturerID, two.manufacturerID) &&
         std::ranges::equal(one.model, two.model) &&
         std::ranges::equal(one.serialNumber, two.serialNumber);
}

Result<void> Pkcs11Tokens::erase(std::string_view uri) {
  const Named key = KB_TRY(find(uri));
  return destroy(*key.token, *key.uri);
}

}  // namespace kagibin::crypto::token
