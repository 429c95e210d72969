// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/sealing/token_sealing.h"

#include <cstring>
#include <vector>

#include "kagibin/crypto/token/sealing/sealing_session.h"

namespace kagibin::crypto::token {
namespace {

constexpr Search kSecretKey{.object_class = CKO_SECRET_KEY, .key_type = CKK_AES};

constexpr Detail kNotFound("the token does not look for keys any more");

// That the token keeps it, and lets it out under another key.
Result<CK_RV> check_wrap_only(const TokenSession& at, CK_OBJECT_HANDLE key, std::size_t size) {
  Flags flags(at, key);
  const bool is_sensitive = flags.has(CKA_SENSITIVE);
  const bool is_extractable = flags.has(CKA_EXTRACTABLE);
  const bool derives = flags.has(CKA_DERIVE);
  if (flags.rv() != CKR_OK) {
    return flags.rv();
  }
  if (!is_sensitive) {
    return fail(
        Errc::kPolicy,
        "the token would hand this key out in the clear (CKA_SENSITIVE is false): it is not "
        "kept by the token; make one with --generate");
  }
  if (!is_extractable || !derives) {
    return fail(Errc::kPolicy,
                "the token's key cannot go into an envelope: that takes one that may be wrapped "
                "and joined with other octets (CKA_EXTRACTABLE and CKA_DERIVE); make one with "
                "--generate");
  }
  const Value length = read_value(at, key, CKA_VALUE_LEN);
  CK_ULONG octets = 0;
  if (length.rv == CKR_OK && length.octets.size() == sizeof octets) {
    std::memcpy(&octets, length.octets.expose().data(), sizeof octets);  // in the machine's order
    if (octets != size) {
      return fail(Errc::kLength, "the token's key has another length than was said (--size)");
    }
  }
  return length.rv;
}

// The object in this session that a key of a plaintext is, derived where it has to be; looked at
// here, for since the order was made the token may have got another key of this name.
Result<CK_OBJECT_HANDLE> object_of(Token& token, SessionSteps& steps, const KeyInToken& key) {
  const TokenUri uri = KB_TRY(TokenUri::parse(key.uri));
  CK_OBJECT_HANDLE out = 0;
  const CK_RV rv = KB_TRY(with_object(
      token, steps.session(), uri, kSecretKey, [&](CK_OBJECT_HANDLE object) -> Result<CK_RV> {
        out = object;
        return key.is_derived() ? CKR_OK : check_wrap_only(steps.session(), object, key.size_bytes);
      }));
  steps.note(rv, kNotFound);
  if (key.is_derived()) {
    out = derive_object(steps, out, key);
  }
  if (key.check_value && steps.is_good()) {
    const LongCheckValue now = check_value_of(steps, out, key.size_bytes);
    if (steps.is_good() && now != *key.check_value) {
      steps.refuse(
          "the token has another key under this name than when the order was made; nothing was "
          "sealed. Make a new order, of the key that is there or of another one");
    }
  }
  return out;
}

}  // namespace

Result<LongCheckValue> check_value_in_token(const SharedToken& token,
                                            const TokenUri& uri,
                                            const KeyInToken& key) {
  LongCheckValue out{};
  const auto read = [&](const TokenSession& at, CK_OBJECT_HANDLE object) -> Result<CK_RV> {
    if (!key.is_derived()) {
      const CK_RV rv = KB_TRY(check_wrap_only(at, object, key.size_bytes));
      if (rv != CKR_OK) {
        return rv;
      }
    }
    SessionSteps steps(at, true);
    const CK_OBJECT_HANDLE value = key.is_derived() ? derive_object(steps, object, key) : object;
    out = check_value_of(steps, value, key.size_bytes);
    return steps.outcome();
  };
  KB_TRY(token->run(Repeat::kAllowed, [&](const TokenSession& at) {
    return with_object(*token, at, uri, kSecretKey,
                       [&](CK_OBJECT_HANDLE object) { return read(at, object); });
  }));
  return out;
}

Result<SealedInToken> seal_in_token(const SharedToken& token,
                                    const JoinedPlaintext& plaintext,
                                    const EcPublicKey& recipient,
                                    std::size_t key_size,
                                    const SealingContext& context) {
  KB_TRY(check_parts(plaintext));
  SealedInToken out;
  const Token::Call seal = [&](const TokenSession& at) -> Result<CK_RV> {
    SessionSteps steps(at, false);
    std::vector<CK_OBJECT_HANDLE> keys;
    for (const auto& part : plaintext.parts) {
      if (const auto* key = std::get_if<KeyInToken>(&part)) {
        keys.push_back(KB_TRY(object_of(*token, steps, *key)));
      }
    }
    out = seal_in_session(steps, plaintext, keys, recipient, key_size, context);
    return steps.outcome();
  };
  KB_TRY(token->run(Repeat::kAllowed, seal));
  return out;
}

}  // namespace kagibin::crypto::token
