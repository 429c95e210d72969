// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/put_key.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"

namespace kagibin::gp {

namespace {

constexpr std::uint8_t kTopBit = 0x80;
constexpr std::uint8_t kOneOctetLength = 0x81;
constexpr std::uint8_t kTwoOctetLength = 0x82;
constexpr std::uint8_t kHighestIdentifier = 0x7F;
constexpr std::size_t kSmallestBlock = crypto::kDesBlockSize;
constexpr std::size_t kLargestBlock = crypto::kAesBlockSize;
constexpr std::size_t kKcvSize = 3;

// A BER length in its shortest form, or 80 for 128 (GPCS 11.1.5).
Result<std::size_t> read_length(ByteReader& in) {
  const std::size_t first = KB_TRY(in.u8());
  if (first <= kTopBit) {
    return first;
  }
  if (first == kOneOctetLength) {
    const std::size_t length = KB_TRY(in.u8());
    if (length >= 0x80) {
      return length;
    }
  } else if (first == kTwoOctetLength) {
    const std::size_t length = KB_TRY(in.u16());
    if (length >= 0x100) {
      return length;
    }
  }
  return fail(Errc::kEncoding, "a length of PUT KEY is in its shortest form (GPCS 11.1.5)");
}

void write_length(ByteWriter& out, std::size_t length) {
  if (length >= 0x100) {
    out.u8(kTwoOctetLength).u16(static_cast<std::uint16_t>(length));
  } else if (length >= 0x80) {
    out.u8(kOneOctetLength).u8(static_cast<std::uint8_t>(length));
  } else {
    out.u8(static_cast<std::uint8_t>(length));
  }
}

// Lengths that a secret component of this type can have in the clear.
bool can_be_long(std::uint8_t type, std::size_t clear_length) {
  switch (type) {
    case key_type::kAes:
      return crypto::is_aes_key_size(clear_length);
    case key_type::kDes:
    case key_type::kDesCbc:
      return crypto::is_des3_key_size(clear_length);
    case key_type::kEcPrivate:
      return clear_length == crypto::coordinate_size(crypto::Curve::kP256) ||
             clear_length == crypto::coordinate_size(crypto::Curve::kP384);
    default:
      return clear_length > 0 && clear_length <= crypto::kRsaMaxSize;
  }
}

Result<void> check(const KeyComponentData& component) {
  if (!is_secret(component.type)) {
    if (component.value.empty() || component.value.size() > crypto::kRsaMaxSize) {
      return fail(Errc::kLength, "a public component has 1 to 512 octets");
    }
    return {};
  }
  const std::size_t size = component.value.size();
  if (!can_be_long(component.type, component.clear_length)) {
    return fail(Errc::kLength, "a key of this type has another length (GPCS 11.1.8)");
  }
  if (size % kSmallestBlock != 0 || size < component.clear_length ||
      size - component.clear_length >= kLargestBlock) {
    return fail(Errc::kLength, "an encrypted key is its clear length in whole blocks");
  }
  return {};
}

Result<void> check(const KeyData& key) {
  std::vector<std::uint8_t> types;
  for (const KeyComponentData& component : key.components) {
    types.push_back(component.type);
  }
  KB_TRY(key_kind(types));
  for (const KeyComponentData& component : key.components) {
    KB_TRY(check(component));
  }
  return {};
}

Result<void> check(const PutKey& put) {
  if (put.old_version > kHighestKeyVersion) {
    return fail(Errc::kNotSupported, "this is part of a PUT KEY in several commands (b8 of P1)");
  }
  if (put.new_version == 0 || put.new_version > kHighestKeyVersion) {
    return fail(Errc::kValue, "a new key version is 01 to 7F (GPCS 11.8.2.3)");
  }
  if (put.first_identifier > kHighestIdentifier || put.keys.empty() ||
      put.first_identifier + put.keys.size() - 1 > kHighestIdentifier) {
    return fail(Errc::kValue, "PUT KEY carries one key or more, identifiers up to 7F");
  }
  for (const KeyData& key : put.keys) {
    KB_TRY(check(key));
  }
  return {};
}

Result<KeyComponentData> read_component(std::uint8_t type, ByteReader& in) {
  if (!is_known_key_type(type)) {
    return fail(Errc::kNotSupported, "keys of this type are not taken (GPCS 11.1.8)");
  }
  const std::size_t length = KB_TRY(read_length(in));
  ByteReader block(KB_TRY(in.bytes(length)));
  KeyComponentData out{.type = type};
  if (is_secret(type)) {
    const std::size_t before = length % kSmallestBlock;
    if (before > 3) {
      return fail(Errc::kLength, "an encrypted key is its clear length in whole blocks");
    }
    out.clear_length = length;
    if (before != 0) {
      out.clear_length = KB_TRY(read_length(block));
    }
  }
  const ByteView value = block.take_rest();
  out.value.assign(value.begin(), value.end());
  return out;
}

Result<std::optional<KeyCheckValue>> read_kcv(ByteReader& in) {
  const std::size_t length = KB_TRY(in.u8());
  if (length == 0) {
    return std::nullopt;
  }
  const auto kcv = to_array<kKcvSize>(KB_TRY(in.bytes(length)));
  if (!kcv) {
    return fail(Errc::kLength, "a key check value has three octets");
  }
  return *kcv;
}

// Components until an octet that is no type: the length of the check value.
Result<KeyData> read_key(ByteReader& in) {
  KeyData out;
  const bool extended = !in.empty() && in.peek_rest().front() == key_type::kExtended;
  do {
    std::uint8_t type = KB_TRY(in.u8());
    if (extended) {
      if (type != key_type::kExtended) {
        return fail(Errc::kValue, "a key is in one format throughout (GPCS 11.8.2.3)");
      }
      type = KB_TRY(in.u8());
    }
    out.components.push_back(KB_TRY(read_component(type, in)));
  } while (!in.empty() && in.peek_rest().front() >= kTopBit);
  out.kcv = KB_TRY(read_kcv(in));
  if (extended) {
    out.policy = KB_TRY(KeyPolicy::read(in));
  }
  return out;
}

void write_component(ByteWriter& out, const KeyComponentData& component) {
  const bool padded = component.value.size() != component.clear_length;
  ByteWriter block;
  if (is_secret(component.type) && (padded || component.type == key_type::kAes)) {
    write_length(block, component.clear_length);
  }
  block.bytes(component.value);
  out.u8(component.type);
  write_length(out, block.view().size());
  out.bytes(block.view());
}

void write_key(ByteWriter& out, const KeyData& key) {
  for (const KeyComponentData& component : key.components) {
    if (key.policy) {
      out.u8(key_type::kExtended);
    }
    write_component(out, component);
  }
  out.u8(key.kcv ? kKcvSize : 0);
  if (key.kcv) {
    out.bytes(*key.kcv);
  }
  if (key.policy) {
    key.policy->write(out);
  }
}

}  // namespace

KeyData encrypted_key(std::uint8_t type,
                      Bytes encrypted,
                      std::size_t clear_length,
                      std::optional<KeyCheckValue> kcv) {
  return {
      .components = {{.type = type, .value = std::move(encrypted), .clear_length = clear_length}},
      .kcv = kcv};
}

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
    return fail(Errc::kValue, "several keys need b8 of P2 (GPCS 11.8.2.2)");
  }
  return out;
}

Result<apdu::CommandApdu> PutKey::encode() const {
  KB_TRY(check(*this));
  ByteWriter out;
  out.u8(new_version);
  for (const KeyData& key : keys) {
    write_key(out, key);
  }
  const unsigned several = keys.size() > 1 ? kTopBit : 0U;
  return apdu::CommandApdu{.cla = 0x80,
                           .ins = apdu::ins::kPutKey,
                           .p1 = old_version,
                           .p2 = static_cast<std::uint8_t>(first_identifier | several),
                           .data = out.take(),
                           .le = 256};
}

SecretBytes pad_key_value(ByteView value, std::size_t block_bytes) {
  SecretBytes out((value.size() + block_bytes - 1) / block_bytes * block_bytes);
  const MutableByteView octets = out.expose_mutable();
  std::ranges::copy(value, octets.begin());
  if (out.size() > value.size()) {
    octets[value.size()] = kTopBit;
  }
  return out;
}

Result<SecretBytes> pad_key_value(const SecretBytes& key) {
  if (!crypto::is_aes_key_size(key.size())) {
    return fail(Errc::kInvalidArgument, "an AES key has 16, 24 or 32 octets");
  }
  return pad_key_value(key.expose(), crypto::kAesBlockSize);
}

Result<KeyData> seal_key(const Key& key, const SensitiveCipher& cipher) {
  KeyData out{.kcv = KB_TRY(key_check_value(key)), .policy = key.policy()};
  for (const KeyPart& part : key.parts()) {
    KeyComponentData component{.type = part.type};
    if (is_secret(part.type)) {
      const SecretBytes padded = pad_key_value(part.value.expose(), cipher.block_bytes);
      component.value = KB_TRY(cipher.encrypt(padded.expose()));
      component.clear_length = part.value.size();
    } else {
      component.value.assign(part.value.expose().begin(), part.value.expose().end());
    }
    out.components.push_back(std::move(component));
  }
  return out;
}

Result<PutKeyAnswer> PutKeyAnswer::decode(ByteView data) {
  ByteReader in(data);
  PutKeyAnswer out;
  out.version = KB_TRY(in.u8());
  while (!in.empty()) {
    const ByteView kcv = KB_TRY(in.bytes(kKcvSize));
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
