// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/sealing/sealing_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "kagibin/crypto/cipher/padding.h"
#include "kagibin/crypto/token/token_derivation.h"

namespace kagibin::crypto::token {
namespace {

constexpr Detail kNoPair(
    "the token makes no key pair on P-256 for one session (CKM_EC_KEY_PAIR_GEN), so it seals no "
    "envelope inside");
constexpr Detail kNoAgreement(
    "the token does not agree by CKM_ECDH1_DERIVE with CKD_SHA256_KDF on a key of that length, so "
    "it seals no envelope inside");
constexpr Detail kNoXor(
    "the token does not join keys by CKM_XOR_BASE_AND_DATA, so it seals no envelope inside");
constexpr Detail kNoData(
    "the token does not join keys by CKM_CONCATENATE_BASE_AND_DATA, so it seals no envelope "
    "inside");
constexpr Detail kNoKeys(
    "the token does not join keys by CKM_CONCATENATE_BASE_AND_KEY, so it seals no envelope inside");
constexpr Detail kNoWrapping(
    "the token does not wrap what it joined (C_WrapKey with CKM_AES_CBC), so it seals no envelope "
    "inside");
constexpr Detail kNoMac(
    "the token does not sign under a key that it derived (CKM_AES_CMAC), so it seals no envelope "
    "inside");
constexpr Detail kNoCheckValue(
    "the token does not encrypt for a key check value (CKM_AES_CBC), so it seals no envelope "
    "inside");
constexpr Detail kNoDerivedKey(
    "the token derives no key that may be wrapped from this master key, which may not be itself "
    "(CKM_SP800_108_COUNTER_KDF with CKA_EXTRACTABLE); deliver a key of its own, made in the token "
    "by "
    "kagibin provider element-key, or derive from a master key that was made with --wrappable");

// prime256v1, 1.2.840.10045.3.1.7 (RFC 5480, 2.1.1.1).
constexpr std::array<std::uint8_t, 10> kP256 = {0x06, 0x08, 0x2A, 0x86, 0x48,
                                                0xCE, 0x3D, 0x03, 0x01, 0x07};
constexpr std::uint8_t kOctetString = 0x04;

// Of the plaintext on its way to the wrapping.
constexpr DerivedUse kJoined{.is_extractable = true, .derives = true};

CK_OBJECT_HANDLE make_pair(SessionSteps& steps, EcPoint& point) {
  const TokenSession& at = steps.session();
  CK_MECHANISM mechanism{
      .mechanism = CKM_EC_KEY_PAIR_GEN, .pParameter = nullptr, .ulParameterLen = 0};
  Attributes of_public;
  of_public.put_flag(CKA_TOKEN, false).put(CKA_EC_PARAMS, kP256);
  Attributes of_private;
  of_private.put_flag(CKA_TOKEN, false)
      .put_flag(CKA_PRIVATE, true)
      .put_flag(CKA_SENSITIVE, true)
      .put_flag(CKA_EXTRACTABLE, false)
      .put_flag(CKA_SIGN, false)
      .put_flag(CKA_DERIVE, true);
  CK_OBJECT_HANDLE public_key = 0;
  CK_OBJECT_HANDLE private_key = 0;
  const CK_RV rv = at.functions->C_GenerateKeyPair(at.handle, &mechanism, of_public.data(),
                                                   of_public.size(), of_private.data(),
                                                   of_private.size(), &public_key, &private_key);
  steps.note(rv, kNoPair);
  if (rv != CKR_OK) {
    return 0;
  }
  steps.keep(public_key);
  steps.keep(private_key);
  const Value value = read_value(at, public_key, CKA_EC_POINT);
  steps.note(value.rv, kNoPair);
  const auto made = point_of(value.octets.expose());
  if (value.rv == CKR_OK && !made) {
    steps.refuse("the token made a key pair whose public half is no point on P-256");
  } else if (made) {
    point = made->point();
  }
  return private_key;
}

// Kenc | Kmac | IV as one key.
CK_OBJECT_HANDLE agree(SessionSteps& steps,
                       CK_OBJECT_HANDLE own,
                       const EcPublicKey& recipient,
                       Digest256 shared_info,
                       std::size_t size) {
  if (!steps.is_good()) {
    return 0;
  }
  const EcPoint point = recipient.point();
  Bytes wrapped = {kOctetString, kEcPointSize};  // as some tokens want it
  append(wrapped, point);
  CK_OBJECT_HANDLE out = 0;
  CK_RV rv = CKR_OK;
  for (Bytes peer : {Bytes(point.begin(), point.end()), std::move(wrapped)}) {
    CK_ECDH1_DERIVE_PARAMS params{.kdf = CKD_SHA256_KDF,
                                  .shared_data_len = shared_info.size(),
                                  .shared_data = shared_info.data(),
                                  .public_data_len = peer.size(),
                                  .public_data = peer.data()};
    rv = steps.attempt(
        CK_MECHANISM{
            .mechanism = CKM_ECDH1_DERIVE, .pParameter = &params, .ulParameterLen = sizeof params},
        own, {.size = size, .is_extractable = true, .derives = true}, out);
    if (rv != CKR_MECHANISM_PARAM_INVALID && rv != CKR_ARGUMENTS_BAD) {
      break;
    }
  }
  steps.note(rv, kNoAgreement);
  return out;
}

CK_OBJECT_HANDLE join(SessionSteps& steps,
                      const JoinedPlaintext& plaintext,
                      std::span<const CK_OBJECT_HANDLE> keys,
                      CK_OBJECT_HANDLE iv) {
  const auto add = [&](CK_OBJECT_HANDLE so_far, ByteView octets) {
    return octets.empty()
               ? so_far
               : steps.derive_with(kNoData, CKM_CONCATENATE_BASE_AND_DATA, octets, so_far, kJoined);
  };
  const ByteView first = std::get<SecretBytes>(plaintext.parts.front()).expose();
  CK_OBJECT_HANDLE out = steps.derive_with(kNoXor, CKM_XOR_BASE_AND_DATA,
                                           first.first(JoinedPlaintext::kHeadSize), iv, kJoined);
  out = add(out, first.subspan(JoinedPlaintext::kHeadSize));
  for (std::size_t i = 1; i < plaintext.parts.size(); ++i) {
    if (const auto* octets = std::get_if<SecretBytes>(&plaintext.parts[i])) {
      out = add(out, octets->expose());
      continue;
    }
    CK_OBJECT_HANDLE key = keys.front();
    keys = keys.subspan(1);
    out = steps.derive(kNoKeys,
                       CK_MECHANISM{.mechanism = CKM_CONCATENATE_BASE_AND_KEY,
                                    .pParameter = &key,
                                    .ulParameterLen = sizeof key},
                       out, kJoined);
  }
  const std::size_t over = plaintext.size_bytes() % kAesBlockSize;
  Bytes padding(kAesBlockSize - over);
  padding.front() = 0x80;  // as pad80()
  return add(out, padding);
}

Bytes wrap(SessionSteps& steps,
           CK_OBJECT_HANDLE wrapping,
           CK_OBJECT_HANDLE wrapped,
           std::size_t size) {
  if (!steps.is_good()) {
    return {};
  }
  const TokenSession& at = steps.session();
  AesBlock iv{};
  CK_MECHANISM mechanism{
      .mechanism = CKM_AES_CBC, .pParameter = iv.data(), .ulParameterLen = iv.size()};
  Bytes out(size);
  CK_ULONG written = out.size();
  const CK_RV rv =
      at.functions->C_WrapKey(at.handle, &mechanism, wrapping, wrapped, out.data(), &written);
  steps.note(rv, kNoWrapping);
  if (rv == CKR_OK && written != size) {
    steps.refuse("the token wrapped something of another length than it was asked to");
  }
  return out;
}

AesBlock sign(SessionSteps& steps, CK_OBJECT_HANDLE key, Bytes message) {
  AesBlock out{};
  if (!steps.is_good()) {
    return out;
  }
  const TokenSession& at = steps.session();
  CK_MECHANISM mechanism{.mechanism = CKM_AES_CMAC, .pParameter = nullptr, .ulParameterLen = 0};
  steps.note(at.functions->C_SignInit(at.handle, &mechanism, key), kNoMac);
  if (!steps.is_good()) {
    return out;
  }
  CK_ULONG written = out.size();
  const CK_RV rv =
      at.functions->C_Sign(at.handle, message.data(), message.size(), out.data(), &written);
  steps.note(rv, kNoMac);
  if (rv == CKR_OK && written != out.size()) {
    steps.refuse("the token's CMAC is not 16 octets");
  }
  return out;
}

}  // namespace

Result<void> check_parts(const JoinedPlaintext& plaintext) {
  std::size_t keys = 0;
  for (const auto& part : plaintext.parts) {
    if (const auto* key = std::get_if<KeyInToken>(&part)) {
      ++keys;
      if (!is_aes_key_size(key->size_bytes)) {
        return fail(Errc::kInvalidArgument, "a key in a plaintext is an AES key");
      }
    }
  }
  const auto* head =
      plaintext.parts.empty() ? nullptr : std::get_if<SecretBytes>(&plaintext.parts.front());
  if (keys == 0 || head == nullptr || head->size() < JoinedPlaintext::kHeadSize) {
    return fail(Errc::kInvalidArgument,
                "a plaintext that a token seals has a key in it, and 16 octets before that are "
                "none");
  }
  return {};
}

CK_OBJECT_HANDLE derive_object(SessionSteps& steps,
                               CK_OBJECT_HANDLE master,
                               const KeyInToken& key) {
  CK_OBJECT_HANDLE out = 0;
  with_counter_kdf(ascii(key.label), key.context, [&](const CK_MECHANISM& mechanism) {
    out = steps.derive(
        kNoDerivedKey, mechanism, master,
        {.key_type = CKK_AES, .size = key.size_bytes, .is_extractable = true, .derives = true});
    return CKR_OK;
  });
  return out;
}

LongCheckValue check_value_of(SessionSteps& steps, CK_OBJECT_HANDLE key, std::size_t size) {
  LongCheckValue out{};
  const CK_OBJECT_HANDLE copy =
      steps.extract(0, key, {.key_type = CKK_AES, .size = size, .encrypts = true});
  if (!steps.is_good()) {
    return out;
  }
  const TokenSession& at = steps.session();
  AesBlock iv{};
  CK_MECHANISM mechanism{
      .mechanism = CKM_AES_CBC, .pParameter = iv.data(), .ulParameterLen = iv.size()};
  steps.note(at.functions->C_EncryptInit(at.handle, &mechanism, copy), kNoCheckValue);
  if (!steps.is_good()) {
    return out;
  }
  AesBlock block{};
  block.fill(0x01);
  AesBlock encrypted{};
  CK_ULONG written = encrypted.size();
  const CK_RV rv =
      at.functions->C_Encrypt(at.handle, block.data(), block.size(), encrypted.data(), &written);
  steps.note(rv, kNoCheckValue);
  if (rv == CKR_OK && written != encrypted.size()) {
    steps.refuse("the token encrypted one block to another length");
  }
  std::copy_n(encrypted.begin(), out.size(), out.begin());
  return out;
}

SealedInToken seal_in_session(SessionSteps& steps,
                              const JoinedPlaintext& plaintext,
                              std::span<const CK_OBJECT_HANDLE> keys,
                              const EcPublicKey& recipient,
                              std::size_t key_size,
                              const SealingContext& context) {
  SealedInToken out;
  const CK_OBJECT_HANDLE own = make_pair(steps, out.ephemeral);
  if (!steps.is_good()) {
    return out;
  }
  const CK_OBJECT_HANDLE all = agree(steps, own, recipient, context.shared_info(out.ephemeral),
                                     2 * key_size + kAesBlockSize);
  const CK_OBJECT_HANDLE k_enc =
      steps.extract(0, all, {.key_type = CKK_AES, .size = key_size, .wraps = true});
  const CK_OBJECT_HANDLE k_mac =
      steps.extract(key_size, all, {.key_type = CKK_AES, .size = key_size, .signs = true});
  const CK_OBJECT_HANDLE iv = steps.extract(
      2 * key_size, all, {.size = kAesBlockSize, .is_extractable = true, .derives = true});
  const CK_OBJECT_HANDLE joined = join(steps, plaintext, keys, iv);
  const std::size_t padded = (plaintext.size_bytes() / kAesBlockSize + 1) * kAesBlockSize;
  out.sealed = wrap(steps, k_enc, joined, padded);
  if (steps.is_good()) {
    out.mac = sign(steps, k_mac, context.authenticated(out.ephemeral, out.sealed));
  }
  return out;
}

}  // namespace kagibin::crypto::token
