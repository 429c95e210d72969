// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_abilities.h"

namespace kagibin::crypto::token {
namespace {

bool offers(const TokenPlace& place, CK_MECHANISM_TYPE mechanism, CK_FLAGS use) {
  CK_MECHANISM_INFO info{};
  return place.functions->C_GetMechanismInfo(place.slot, mechanism, &info) == CKR_OK &&
         (info.flags & use) == use;
}

}  // namespace

TokenAbilities TokenAbilities::of(const TokenPlace& place) {
  return {.signs = offers(place, CKM_ECDSA, CKF_SIGN),
          .agrees = offers(place, CKM_ECDH1_DERIVE, CKF_DERIVE),
          .derives = offers(place, kSp800108CounterKdf, CKF_DERIVE),
          .authenticates = offers(place, CKM_AES_CMAC, CKF_SIGN),
          .encrypts = offers(place, CKM_AES_CBC, CKF_ENCRYPT),
          .makes_key_pairs = offers(place, CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR),
          .makes_secret_keys = offers(place, CKM_AES_KEY_GEN, CKF_GENERATE)};
}

Result<void> TokenAbilities::require_signing() const {
  if (signs) {
    return {};
  }
  return diversifies() ? fail(Errc::kNotSupported,
                              "the token has no CKM_ECDSA, so no key in it can sign; master keys "
                              "still work in "
                              "it: keep the signing key in another token or in encrypted records")
                       : fail(Errc::kNotSupported,
                              "the token has no CKM_ECDSA, so no key in it can sign, and nothing "
                              "to derive keys "
                              "with either: use another token or encrypted records");
}

Result<void> TokenAbilities::require_agreement() const {
  if (agrees) {
    return {};
  }
  return signs
             ? fail(Errc::kNotSupported,
                    "the token has no CKM_ECDH1_DERIVE, so no key in it can open answers; signing "
                    "keys still work in it: keep the KEM keys in encrypted records")
             : fail(Errc::kNotSupported,
                    "the token has no CKM_ECDH1_DERIVE, so no key in it can open answers: keep the "
                    "KEM keys in another token or in encrypted records");
}

Result<void> TokenAbilities::require_derivation() const {
  if (diversifies()) {
    return {};
  }
  return signs
             ? fail(Errc::kNotSupported,
                    "the token has neither CKM_SP800_108_COUNTER_KDF nor CKM_AES_CMAC nor "
                    "CKM_AES_CBC, so nothing can be derived in it; signing keys still work in it: "
                    "keep master keys in another token or in encrypted records")
             : fail(Errc::kNotSupported,
                    "the token has neither CKM_SP800_108_COUNTER_KDF nor CKM_AES_CMAC nor "
                    "CKM_AES_CBC, so nothing can be derived in it: keep master keys in another "
                    "token or in encrypted records");
}

Result<void> TokenAbilities::require_key_pairs() const {
  if (makes_key_pairs) {
    return {};
  }
  return fail(Errc::kNotSupported,
              "the token has no CKM_EC_KEY_PAIR_GEN: it makes no key pairs; one that was put there "
              "by its own tools still works, without --generate");
}

Result<void> TokenAbilities::require_secret_keys() const {
  if (makes_secret_keys) {
    return {};
  }
  return fail(
      Errc::kNotSupported,
      "the token has no CKM_AES_KEY_GEN: it makes no master keys; one that was put there by "
      "its own tools still works, without --generate");
}

}  // namespace kagibin::crypto::token
