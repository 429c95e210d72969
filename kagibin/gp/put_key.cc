// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/put_key.h"

#include <algorithm>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/aes.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kTopBit = 0x80;
constexpr std::uint8_t kHighestIdentifier = 0x7F;

constexpr std::size_t padded_length(std::size_t clear) {
  return (clear + crypto::kAesBlockSize - 1) / crypto::kAesBlockSize * crypto::kAesBlockSize;
}

Result<void> check(const EncryptedKey& key) {
  if (key.type != kKeyTypeAes) {
    return fail(Errc::kNotSupported, "PUT KEY takes AES keys (type 88) and no other type");
  }
  if (!crypto::is_aes_key_size(key.clear_length)) {
    return fail(Errc::kLength, "an AES key has 16, 24 or 32 octets");
  }
  if (key.encrypted_value.size() != padded_length(key.clear_length)) {
    return fail(Errc::kLength, "an encrypted AES key is its clear length in whole blocks");
  }
  return {};
}

Result<void> check(const PutKey& put) {
  if (put.old_version > kHighestKeyVersion) {
    return fail(Errc::kNotSupported, "PUT KEY in several commands (b8 of P1) is not taken");
  }
  if (put.new_version == 0 || put.new_version > kHighestKeyVersion) {
    return fail(Errc::kValue, "a new key version is 01 to 7F");
  }
  if (put.first_identifier > kHighestIdentifier || put.keys.empty() ||
      put.first_identifier + put.keys.size() - 1 > kHighestIdentifier) {
    return fail(Errc::kValue, "PUT KEY carries one key or more, identifiers up to 7F");
  }
  for (const EncryptedKey& key : put.keys) {
    KB_TRY(check(key));
  }
  return {};
}

Result<EncryptedKey> read_key(ByteReader& in) {
  EncryptedKey out;
  out.type = KB_TRY(in.u8());
  if (out.type != kKeyTypeAes) {
    return fail(Errc::kNotSupported, "PUT KEY takes AES keys (type 88) and no other type");
  }
  std::size_t length = KB_TRY(in.u8());
  if (length % crypto::kAesBlockSize == 1) {
    out.clear_length = KB_TRY(in.u8());
    --length;
  } else {
    out.clear_length = length;
  }
  const ByteView value = KB_TRY(in.bytes(length));
  out.encrypted_value.assign(value.begin(), value.end());
  const std::size_t kcv_length = KB_TRY(in.u8());
  if (kcv_length == 0) {
    return out;
  }
  const auto kcv = to_array<3>(KB_TRY(in.bytes(kcv_length)));
  if (!kcv) {
    return fail(Errc::kLength, "a key check value has three octets");
  }
  out.kcv = *kcv;
  return out;
}

}  // namespace

Result<PutKey> PutKey::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  PutKey out;
  out.old_version = p1;
  out.first_identifier = p2 & kHighestIdentifier;
  ByteReader in(data);
  out.new_version = KB_TRY(in.u8());
  while (!in.empty()) {
    out.keys.push_back(KB_TRY(read_key(in)));
  }
  KB_TRY(check(out));
  if (out.keys.size() > 1 && (p2 & kTopBit) == 0) {
    return fail(Errc::kValue, "several keys need b8 of P2");
  }
  return out;
}

Result<apdu::CommandApdu> PutKey::encode() const {
  KB_TRY(check(*this));
  ByteWriter out;
  out.u8(new_version);
  for (const EncryptedKey& key : keys) {
    out.u8(key.type).u8(static_cast<std::uint8_t>(key.encrypted_value.size() + 1));
    out.u8(static_cast<std::uint8_t>(key.clear_length)).bytes(key.encrypted_value);
    out.u8(key.kcv ? 3 : 0);
    if (key.kcv) {
      out.bytes(*key.kcv);
    }
  }
  const unsigned several = keys.size() > 1 ? kTopBit : 0U;
  return apdu::CommandApdu{.cla = 0x80,
                           .ins = apdu::ins::kPutKey,
                           .p1 = old_version,
                           .p2 = static_cast<std::uint8_t>(first_identifier | several),
                           .data = out.take(),
                           .le = 256};
}

Result<SecretBytes> pad_key_value(const SecretBytes& key) {
  if (!crypto::is_aes_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "an AES key has 16, 24 or 32 octets");
  }
  SecretBytes out(padded_length(key.size()));
  const MutableByteView octets = out.expose_mutable();
  std::copy(key.expose().begin(), key.expose().end(), octets.begin());
  if (out.size() > key.size()) {
    octets[key.size()] = kTopBit;
  }
  return out;
}

Result<PutKeyAnswer> PutKeyAnswer::decode(ByteView data) {
  ByteReader in(data);
  PutKeyAnswer out;
  out.version = KB_TRY(in.u8());
  while (!in.empty()) {
    const ByteView kcv = KB_TRY(in.bytes(3));
    out.kcvs.push_back({kcv[0], kcv[1], kcv[2]});
  }
  return out;
}

Bytes PutKeyAnswer::encode() const {
  ByteWriter out;
  out.u8(version);
  for (const KeyCheckValue& kcv : kcvs) {
    out.bytes(kcv);
  }
  return out.take();
}

}  // namespace kagibin::gp
