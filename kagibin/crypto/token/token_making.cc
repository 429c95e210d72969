// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_making.h"

#include <array>
#include <initializer_list>
#include <vector>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/token/token_objects.h"

namespace kagibin::crypto::token {
namespace {

constexpr Search kPrivateKey{.object_class = CKO_PRIVATE_KEY, .key_type = CKK_EC};
constexpr Search kPublicKey{.object_class = CKO_PUBLIC_KEY, .key_type = CKK_EC};
constexpr Search kSecretKey{.object_class = CKO_SECRET_KEY, .key_type = CKK_AES};

// prime256v1, 1.2.840.10045.3.1.7 (RFC 5480, 2.1.1.1).
constexpr std::array<std::uint8_t, 10> kP256 = {0x06, 0x08, 0x2A, 0x86, 0x48,
                                                0xCE, 0x3D, 0x03, 0x01, 0x07};

Result<void> refuse_taken_name(Token& token, const TokenUri& uri) {
  return token.run(Repeat::kAllowed, [&](const TokenSession& at) -> Result<CK_RV> {
    for (const Search& what : {kPrivateKey, kPublicKey, kSecretKey}) {
      const Found found = KB_TRY(find_object(token, at, uri, what));
      if (found.rv != CKR_OK) {
        return found.rv;
      }
      if (found.object) {
        return fail(Errc::kConflict,
                    "the token has a key of this name already, and it is left as it is: name it "
                    "without --generate, or choose another name");
      }
    }
    return CKR_OK;
  });
}

Attributes secret_attributes(const TokenUri& uri, Kept kept = Kept::kInside) {
  Attributes out;
  out.put_new_name(uri)
      .put_flag(CKA_TOKEN, true)
      .put_flag(CKA_PRIVATE, true)
      .put_flag(CKA_SENSITIVE, true)
      .put_flag(CKA_EXTRACTABLE, kept != Kept::kInside);
  return out;
}

// That the token did what was asked. A session that was lost meanwhile is the caller's failure: the
// key is there, and is looked at when it is opened.
Result<CK_RV> check_made(const TokenSession& at,
                         std::initializer_list<CK_OBJECT_HANDLE> keys,
                         Kept kept = Kept::kInside) {
  Flags flags(at, *keys.begin());
  const bool stays_inside =
      flags.has(CKA_SENSITIVE) && (kept != Kept::kInside || !flags.has(CKA_EXTRACTABLE));
  if (flags.rv() != CKR_OK || stays_inside) {
    return flags.rv();
  }
  for (const CK_OBJECT_HANDLE key : keys) {
    at.functions->C_DestroyObject(at.handle, key);
  }
  return fail(Errc::kPolicy,
              "the token made a key that it would let out, against what was asked; the key was "
              "destroyed again");
}

// Of a key that element keys are derived from, by the best way that the token has.
Attributes derivation_attributes(const TokenUri& uri, const TokenAbilities& able, Kept kept) {
  Attributes out = secret_attributes(uri, kept);
  out.put_flag(CKA_DERIVE, able.derives)
      .put_flag(CKA_SIGN, able.authenticates)
      // Only where there is no better way.
      .put_flag(CKA_ENCRYPT, !able.derives && !able.authenticates)
      .put_flag(CKA_DECRYPT, false)
      .put_flag(CKA_WRAP, false)
      .put_flag(CKA_UNWRAP, false);
  return out;
}

// Of a key that goes into envelopes: it is joined with other octets, and wrapped.
Attributes wrap_only_attributes(const TokenUri& uri) {
  Attributes out = secret_attributes(uri, Kept::kUnderAnotherKey);
  out.put_flag(CKA_DERIVE, true)
      .put_flag(CKA_SIGN, false)
      .put_flag(CKA_ENCRYPT, false)
      .put_flag(CKA_DECRYPT, false)
      .put_flag(CKA_WRAP, false)
      .put_flag(CKA_UNWRAP, false);
  return out;
}

Attributes secret_key_attributes(const TokenUri& uri, const TokenAbilities& able, Kept kept) {
  return kept == Kept::kUnderAnotherKey ? wrap_only_attributes(uri)
                                        : derivation_attributes(uri, able, kept);
}

Result<void> check_secret_size(std::size_t size) {
  return is_aes_key_size(size)
             ? Result<void>()
             : fail(Errc::kInvalidArgument, "such a key is an AES key: 16, 24 or 32 octets");
}

}  // namespace

Result<void> generate_pair(Token& token, const TokenUri& uri, PairUse use) {
  KB_TRY(token.abilities().require_key_pairs());
  if (use != PairUse::kAgree) {
    KB_TRY(token.abilities().require_signing());
  }
  if (use != PairUse::kSign) {
    KB_TRY(token.abilities().require_agreement());
  }
  KB_TRY(refuse_taken_name(token, uri));
  return token.run(Repeat::kHarmful, [&](const TokenSession& at) -> Result<CK_RV> {
    CK_MECHANISM mechanism{
        .mechanism = CKM_EC_KEY_PAIR_GEN, .pParameter = nullptr, .ulParameterLen = 0};
    Attributes of_public;
    of_public.put_new_name(uri).put_flag(CKA_TOKEN, true).put(CKA_EC_PARAMS, kP256);
    Attributes of_private = secret_attributes(uri);
    of_private.put_flag(CKA_SIGN, use != PairUse::kAgree)
        .put_flag(CKA_DERIVE, use != PairUse::kSign);
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
    const CK_FUNCTION_LIST& p11 = *at.functions;
    const CK_RV rv =
        p11.C_GenerateKeyPair(at.handle, &mechanism, of_public.data(), of_public.size(),
                              of_private.data(), of_private.size(), &public_key, &private_key);
    return rv == CKR_OK ? check_made(at, {private_key, public_key}) : rv;
  });
}

Result<void> generate_secret(Token& token, const TokenUri& uri, std::size_t size, Kept kept) {
  KB_TRY(check_secret_size(size));
  const TokenAbilities& able = token.abilities();
  KB_TRY(able.require_secret_keys());
  if (kept != Kept::kUnderAnotherKey) {
    KB_TRY(able.require_derivation());
  }
  KB_TRY(refuse_taken_name(token, uri));
  return token.run(Repeat::kHarmful, [&](const TokenSession& at) -> Result<CK_RV> {
    CK_MECHANISM mechanism{
        .mechanism = CKM_AES_KEY_GEN, .pParameter = nullptr, .ulParameterLen = 0};
    Attributes wanted = secret_key_attributes(uri, able, kept);
    wanted.put_number(CKA_VALUE_LEN, size);
    CK_OBJECT_HANDLE key = 0;
    const CK_FUNCTION_LIST& p11 = *at.functions;
    const CK_RV rv = p11.C_GenerateKey(at.handle, &mechanism, wanted.data(), wanted.size(), &key);
    return rv == CKR_OK ? check_made(at, {key}, kept) : rv;
  });
}

Result<void> put_secret(Token& token, const TokenUri& uri, const SecretBytes& key, Kept kept) {
  KB_TRY(check_secret_size(key.size()));
  if (kept != Kept::kUnderAnotherKey) {
    KB_TRY(token.abilities().require_derivation());
  }
  KB_TRY(refuse_taken_name(token, uri));
  return token.run(Repeat::kHarmful, [&](const TokenSession& at) -> Result<CK_RV> {
    Attributes wanted = secret_key_attributes(uri, token.abilities(), kept);
    SecretBytes value = key.duplicate();
    wanted.put_number(CKA_CLASS, CKO_SECRET_KEY).put_number(CKA_KEY_TYPE, CKK_AES);
    // Not among the attributes that are copied: they are not wiped.
    std::vector<CK_ATTRIBUTE> all(wanted.data(), wanted.data() + wanted.size());
    all.push_back(
        {.type = CKA_VALUE, .pValue = value.expose_mutable().data(), .ulValueLen = value.size()});
    CK_OBJECT_HANDLE object = 0;
    const CK_RV rv = at.functions->C_CreateObject(at.handle, all.data(), all.size(), &object);
    return rv == CKR_OK ? check_made(at, {object}, kept) : rv;
  });
}

Result<void> destroy(Token& token, const TokenUri& uri) {
  bool was_there = false;
  const Token::Call erase = [&](const TokenSession& at) -> Result<CK_RV> {
    for (const Search& what : {kPrivateKey, kPublicKey, kSecretKey}) {
      const Found found = KB_TRY(find_object(token, at, uri, what));
      const CK_RV rv =
          found.object ? at.functions->C_DestroyObject(at.handle, *found.object) : found.rv;
      if (rv != CKR_OK) {
        return rv;
      }
      was_there = was_there || found.object.has_value();
    }
    return CKR_OK;
  };
  KB_TRY(token.run(Repeat::kAllowed, erase));
  token.forget_objects();
  if (!was_there) {
    return fail(Errc::kNotFound, "the token has no key of this name");
  }
  return {};
}

}  // namespace kagibin::crypto::token
