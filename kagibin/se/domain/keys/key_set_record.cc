// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/keys/key_set_record.h"

#include <algorithm>
#include <utility>

#include "kagibin/base/byte_io.h"

namespace kagibin::se {

namespace {

constexpr std::uint8_t kVersion = 0x02;
constexpr std::size_t kHead = 3;

Result<StoredKey> read_key_of_version_1(ByteReader& in) {
  const std::uint8_t identifier = KB_TRY(in.u8());
  if (KB_TRY(in.u8()) != gp::key_type::kAes) {
    return fail(Errc::kEncoding, "a key of an older record is no AES key");
  }
  const std::size_t length = KB_TRY(in.u8());
  const ByteView value = KB_TRY(in.bytes(length));
  return StoredKey{identifier, KB_TRY(gp::Key::aes(value))};
}

Result<StoredKey> read_key(ByteReader& in) {
  const std::uint8_t identifier = KB_TRY(in.u8());
  const std::uint8_t has_policy = KB_TRY(in.u8());
  std::optional<gp::KeyPolicy> policy;
  if (has_policy > 1) {
    return fail(Errc::kEncoding, "a key record says with 00 or 01 whether a policy follows");
  }
  if (has_policy == 1) {
    policy = KB_TRY(gp::KeyPolicy::read(in));
  }
  const std::size_t count = KB_TRY(in.u8());
  std::vector<gp::KeyPart> parts;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t type = KB_TRY(in.u8());
    const std::size_t length = KB_TRY(in.u16());
    const ByteView value = KB_TRY(in.bytes(length));
    parts.push_back({type, SecretBytes::copy_of(value)});
  }
  return StoredKey{identifier, KB_TRY(gp::Key::trusted(std::move(parts), policy))};
}

Bytes policy_octets(const gp::Key& key) {
  ByteWriter out;
  out.u8(key.policy() ? 1 : 0);
  if (key.policy()) {
    key.policy()->write(out);
  }
  return out.take();
}

std::size_t encoded_size(const StoredKey& stored) {
  std::size_t size = 2 + policy_octets(stored.key).size();
  for (const gp::KeyPart& part : stored.key.parts()) {
    size += 3 + part.value.size();
  }
  return size;
}

// Writes into memory that is wiped; nothing of it grows or moves.
class Filler {
 public:
  explicit Filler(MutableByteView out) : out_(out) {}
  Filler& u8(std::size_t value) {
    out_[at_++] = static_cast<std::uint8_t>(value & 0xFFU);
    return *this;
  }
  Filler& u16(std::size_t value) { return u8(value >> 8U).u8(value); }
  Filler& bytes(ByteView octets) {
    std::ranges::copy(octets, out_.subspan(at_).begin());
    at_ += octets.size();
    return *this;
  }

 private:
  MutableByteView out_;
  std::size_t at_ = 0;
};

}  // namespace

Result<KeySetRecord> KeySetRecord::decode(ByteView octets) {
  ByteReader in(octets);
  const bool current = !octets.empty() && octets.front() == kVersion;
  if (current) {
    KB_TRY(in.u8());
  } else if (octets.empty() || octets.front() > 1) {
    return fail(Errc::kEncoding, "a key set record is of version 01 or 02");
  }
  KeySetRecord out{.order = KB_TRY(in.u16())};
  while (!in.empty()) {
    if (current) {
      out.keys.push_back(KB_TRY(read_key(in)));
    } else {
      out.keys.push_back(KB_TRY(read_key_of_version_1(in)));
    }
  }
  return out;
}

SecretBytes KeySetRecord::encode() const {
  std::size_t size = kHead;
  for (const StoredKey& stored : keys) {
    size += encoded_size(stored);
  }
  SecretBytes record(size);
  Filler out(record.expose_mutable());
  out.u8(kVersion).u16(order);
  for (const StoredKey& stored : keys) {
    out.u8(stored.identifier).bytes(policy_octets(stored.key)).u8(stored.key.parts().size());
    for (const gp::KeyPart& part : stored.key.parts()) {
      out.u8(part.type).u16(part.value.size()).bytes(part.value.expose());
    }
  }
  return record;
}

}  // namespace kagibin::se
