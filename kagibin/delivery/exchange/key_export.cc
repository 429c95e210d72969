// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/exchange/key_export.h"

#include <algorithm>
#include <utility>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::delivery {
namespace {

using tlv::encoded_size;
using tlv::Tlv;
using tlv::TlvReader;

constexpr tlv::Tag kRecord = 0xEA;
constexpr std::size_t kMaxCardNumber = 16;

bool is_key_size(std::size_t size) { return size == 16 || size == 24 || size == 32; }

bool is_card_number(ByteView number) { return !number.empty() && number.size() <= kMaxCardNumber; }

Result<void> check(const KeyExport& record) {
  if (!is_card_number(record.iin) || !is_card_number(record.cin)) {
    return fail(Errc::kInvalidArgument, "IIN and CIN have 1 to 16 octets");
  }
  const std::size_t size = record.key_enc.size();
  if (!is_key_size(size) || record.key_mac.size() != size || record.key_dek.size() != size) {
    return fail(Errc::kInvalidArgument, "a key set has three keys of 16, 24 or 32 octets");
  }
  return {};
}

std::size_t body_size(const KeyExport& record) {
  return 3 * encoded_size(0x80, 1) + encoded_size(0x81, record.iin.size()) +
         encoded_size(0x82, record.cin.size()) + encoded_size(0x83, record.security_domain.size()) +
         3 * encoded_size(0x86, record.key_enc.size());
}

// Writes into memory of its final size, so that no copy of a key is left behind by growth. Every
// length here is below 128 but for the record's own.
class FixedWriter {
 public:
  explicit FixedWriter(MutableByteView out) : rest_(out) {}

  void u8(std::uint8_t value) {
    rest_.front() = value;
    rest_ = rest_.subspan(1);
  }
  void head(tlv::Tag tag, std::size_t length) {
    u8(static_cast<std::uint8_t>(tag));
    if (length > 0x7F) {
      u8(0x81);
    }
    u8(static_cast<std::uint8_t>(length));
  }
  void put(tlv::Tag tag, ByteView value) {
    head(tag, value.size());
    std::ranges::copy(value, rest_.begin());
    rest_ = rest_.subspan(value.size());
  }
  void put_u8(tlv::Tag tag, std::uint8_t value) { put(tag, ByteView(&value, 1)); }

 private:
  MutableByteView rest_;
};

Result<KeyExport> read_record(ByteView value) {
  TlvReader in(value);
  const Tlv format = KB_TRY(in.expect(0x80, 1));
  if (tlv::to_u8(format) != 0x01) {
    return fail(Errc::kNotSupported, "a key export of another version");
  }
  const Tlv iin = KB_TRY(in.expect(0x81, 1, kMaxCardNumber));
  const Tlv cin = KB_TRY(in.expect(0x82, 1, kMaxCardNumber));
  const Tlv aid = KB_TRY(in.expect(0x83, Aid::kMinLength, Aid::kMaxLength));
  const Tlv version = KB_TRY(in.expect(0x84, 1));
  const Tlv i = KB_TRY(in.expect(0x85, 1));
  const Tlv enc = KB_TRY(in.expect(0x86, 16, 32));
  if (!is_key_size(enc.value.size())) {
    return fail(Errc::kLength, "a key has 16, 24 or 32 octets");
  }
  const Tlv mac = KB_TRY(in.expect(0x87, enc.value.size()));
  const Tlv dek = KB_TRY(in.expect(0x88, enc.value.size()));
  KB_TRY(in.finish());
  const Aid security_domain = KB_TRY(Aid::from(aid.value));
  return KeyExport{.iin = Bytes(iin.value.begin(), iin.value.end()),
                   .cin = Bytes(cin.value.begin(), cin.value.end()),
                   .security_domain = security_domain,
                   .key_version_number = tlv::to_u8(version),
                   .i = tlv::to_u8(i),
                   .key_enc = SecretBytes::copy_of(enc.value),
                   .key_mac = SecretBytes::copy_of(mac.value),
                   .key_dek = SecretBytes::copy_of(dek.value)};
}

}  // namespace

Result<SecretBytes> encode_key_exports(std::span<const KeyExport> exports) {
  if (exports.empty() || exports.size() > kMaxKeyExports) {
    return fail(Errc::kInvalidArgument, "a key export holds 1 to 10,000 key sets");
  }
  std::size_t size = 0;
  for (const KeyExport& record : exports) {
    KB_TRY(check(record));
    size += encoded_size(kRecord, body_size(record));
  }
  SecretBytes octets(size);
  FixedWriter out(octets.expose_mutable());
  for (const KeyExport& record : exports) {
    out.head(kRecord, body_size(record));
    out.put_u8(0x80, 0x01);
    out.put(0x81, record.iin);
    out.put(0x82, record.cin);
    out.put(0x83, record.security_domain.view());
    out.put_u8(0x84, record.key_version_number);
    out.put_u8(0x85, record.i);
    out.put(0x86, record.key_enc.expose());
    out.put(0x87, record.key_mac.expose());
    out.put(0x88, record.key_dek.expose());
  }
  return octets;
}

Result<std::vector<KeyExport>> decode_key_exports(ByteView octets) {
  TlvReader in(octets);
  std::vector<KeyExport> exports;
  do {
    if (exports.size() == kMaxKeyExports) {
      return fail(Errc::kLimit, "a key export holds at most 10,000 key sets");
    }
    const Tlv record = KB_TRY(in.expect(kRecord, 1, 255));
    KeyExport read = KB_TRY(read_record(record.value));
    exports.push_back(std::move(read));
  } while (!in.empty());
  return exports;
}

}  // namespace kagibin::delivery
