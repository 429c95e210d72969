// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_derivation.h"

#include <algorithm>
#include <array>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/token/token_objects.h"

namespace kagibin::crypto::token {
namespace {

constexpr std::size_t kBlock = 16;

// PKCS#11 v3.0, 2.42.2: the structures of the mechanism's parameters.
using PrfDataType = CK_ULONG;
constexpr PrfDataType kIterationVariable = 1;
constexpr PrfDataType kDkmLength = 3;
constexpr PrfDataType kByteArray = 4;
constexpr CK_ULONG kSumOfKeys = 1;

struct CounterFormat {
  CK_BBOOL little_endian;
  CK_ULONG width_in_bits;
};
struct DkmLengthFormat {
  CK_ULONG method;
  CK_BBOOL little_endian;
  CK_ULONG width_in_bits;
};
struct PrfDataParam {
  PrfDataType type;
  void* value;
  CK_ULONG value_len;
};
struct KdfParams {
  CK_MECHANISM_TYPE prf;
  CK_ULONG data_params_count;
  PrfDataParam* data_params;
  CK_ULONG additional_keys_count;
  void* additional_keys;
};

Bytes label_and_context(ByteView label, ByteView context) {
  return ByteWriter().bytes(label).u8(0x00).bytes(context).take();
}

CK_RV by_counter_kdf(const TokenSession& session,
                     CK_OBJECT_HANDLE key,
                     ByteView label,
                     ByteView context,
                     SecretBytes& out) {
  Attributes wanted;
  wanted.put_number(CKA_CLASS, CKO_SECRET_KEY)
      .put_number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .put_number(CKA_VALUE_LEN, out.size())
      .put_flag(CKA_TOKEN, false)
      .put_flag(CKA_SENSITIVE, false)
      .put_flag(CKA_EXTRACTABLE, true);
  CK_OBJECT_HANDLE derived = 0;
  const CK_FUNCTION_LIST& p11 = *session.functions;
  const CK_RV rv = with_counter_kdf(label, context, [&](const CK_MECHANISM& kdf) {
    CK_MECHANISM mechanism = kdf;
    return p11.C_DeriveKey(session.handle, &mechanism, key, wanted.data(), wanted.size(), &derived);
  });
  if (rv != CKR_OK) {
    return rv;
  }
  Value value = read_value(session, derived, CKA_VALUE);
  p11.C_DestroyObject(session.handle, derived);
  if (value.rv == CKR_OK && value.octets.size() != out.size()) {
    return CKR_GENERAL_ERROR;
  }
  if (value.rv == CKR_OK) {
    out = std::move(value.octets);
  }
  return value.rv;
}

CK_RV cmac_in_token(const TokenSession& session,
                    CK_OBJECT_HANDLE key,
                    Bytes message,
                    MutableByteView tag) {
  CK_MECHANISM mechanism{.mechanism = CKM_AES_CMAC, .pParameter = nullptr, .ulParameterLen = 0};
  const CK_FUNCTION_LIST& p11 = *session.functions;
  const CK_RV rv = p11.C_SignInit(session.handle, &mechanism, key);
  if (rv != CKR_OK) {
    return rv;
  }
  CK_ULONG size = tag.size();
  const CK_RV signed_rv =
      p11.C_Sign(session.handle, message.data(), message.size(), tag.data(), &size);
  return signed_rv == CKR_OK && size != tag.size() ? CKR_GENERAL_ERROR : signed_rv;
}

// AES-CBC with a zero IV, in place.
CK_RV cbc_in_token(const TokenSession& session, CK_OBJECT_HANDLE key, SecretBytes& blocks) {
  std::array<std::uint8_t, kBlock> iv{};
  CK_MECHANISM mechanism{
      .mechanism = CKM_AES_CBC, .pParameter = iv.data(), .ulParameterLen = iv.size()};
  const CK_FUNCTION_LIST& p11 = *session.functions;
  const CK_RV rv = p11.C_EncryptInit(session.handle, &mechanism, key);
  if (rv != CKR_OK) {
    return rv;
  }
  SecretBytes out(blocks.size());
  CK_ULONG size = out.size();
  const MutableByteView in = blocks.expose_mutable();
  const CK_RV encrypted =
      p11.C_Encrypt(session.handle, in.data(), in.size(), out.expose_mutable().data(), &size);
  if (encrypted == CKR_OK && size != out.size()) {
    return CKR_GENERAL_ERROR;
  }
  blocks = std::move(out);
  return encrypted;
}

// Multiplication by x in GF(2^128) (SP 800-38B, 6.1).
void double_subkey(MutableByteView subkey) {
  constexpr std::uint8_t kReduction = 0x87;
  const std::uint8_t carried = subkey[0] >> 7U;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const std::uint8_t next = i + 1 < kBlock ? subkey[i + 1] >> 7U : 0;
    subkey[i] = static_cast<std::uint8_t>((subkey[i] << 1U) | next);
  }
  subkey[kBlock - 1] ^= static_cast<std::uint8_t>(carried * kReduction);
}

CK_RV cmac_by_cbc(const TokenSession& session,
                  CK_OBJECT_HANDLE key,
                  const Bytes& message,
                  MutableByteView tag) {
  SecretBytes subkey(kBlock);  // E(0), then K1 or K2
  const CK_RV rv = cbc_in_token(session, key, subkey);
  if (rv != CKR_OK) {
    return rv;
  }
  const bool is_whole = message.size() % kBlock == 0;  // never empty here
  SecretBytes blocks((message.size() / kBlock + (is_whole ? 0 : 1)) * kBlock);
  const MutableByteView padded = blocks.expose_mutable();
  std::ranges::copy(message, padded.begin());
  double_subkey(subkey.expose_mutable());
  if (!is_whole) {
    padded[message.size()] = 0x80;
    double_subkey(subkey.expose_mutable());
  }
  const MutableByteView last = padded.last(kBlock);
  for (std::size_t i = 0; i < kBlock; ++i) {
    last[i] ^= subkey.expose()[i];
  }
  const CK_RV encrypted = cbc_in_token(session, key, blocks);
  std::ranges::copy(blocks.expose().last(kBlock), tag.begin());
  return encrypted;
}

}  // namespace

CK_RV with_counter_kdf(ByteView label,
                       ByteView context,
                       const std::function<CK_RV(const CK_MECHANISM&)>& use) {
  CounterFormat counter{.little_endian = CK_FALSE, .width_in_bits = 32};
  DkmLengthFormat length{.method = kSumOfKeys, .little_endian = CK_FALSE, .width_in_bits = 32};
  Bytes fixed = label_and_context(label, context);
  std::array<PrfDataParam, 3> data = {
      PrfDataParam{.type = kIterationVariable, .value = &counter, .value_len = sizeof counter},
      PrfDataParam{.type = kByteArray, .value = fixed.data(), .value_len = fixed.size()},
      PrfDataParam{.type = kDkmLength, .value = &length, .value_len = sizeof length}};
  KdfParams params{.prf = CKM_AES_CMAC,
                   .data_params_count = data.size(),
                   .data_params = data.data(),
                   .additional_keys_count = 0,
                   .additional_keys = nullptr};
  const CK_MECHANISM mechanism{
      .mechanism = kSp800108CounterKdf, .pParameter = &params, .ulParameterLen = sizeof params};
  return use(mechanism);
}

CK_RV derive_in_token(const TokenSession& session,
                      CK_OBJECT_HANDLE key,
                      DerivationWay way,
                      ByteView label,
                      ByteView context,
                      SecretBytes& out) {
  if (way == DerivationWay::kCounterKdf) {
    return by_counter_kdf(session, key, label, context, out);
  }
  MutableByteView rest = out.expose_mutable();
  const auto bits = static_cast<std::uint32_t>(out.size() * 8);
  for (std::uint32_t counter = 1; !rest.empty(); ++counter) {
    const Bytes message =
        ByteWriter().u32(counter).bytes(label_and_context(label, context)).u32(bits).take();
    SecretArray<kBlock> tag;
    const CK_RV rv = way == DerivationWay::kCmac
                         ? cmac_in_token(session, key, message, tag.expose_mutable())
                         : cmac_by_cbc(session, key, message, tag.expose_mutable());
    if (rv != CKR_OK) {
      return rv;
    }
    const std::size_t count = std::min(rest.size(), kBlock);
    std::ranges::copy(tag.expose().first(count), rest.begin());
    rest = rest.subspan(count);
  }
  return CKR_OK;
}

}  // namespace kagibin::crypto::token
