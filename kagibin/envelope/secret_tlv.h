// SPDX-License-Identifier: Apache-2.0
// BER-TLV whose values are secret: written once, into wiped memory of the right size, so that no
// buffer that grew leaves a copy behind. Inside envelope_format only.
//
// A body is written twice by the same code: first into a TlvSizer, which counts, then into a
// SecretTlvWriter. Ownership: the writer owns what it wrote until take().
//
//   SecretBytes out = write_secret_tlvs([&](auto& tlvs) {
//     tlvs.nest(0xA0, [&](auto& key) { key.put(0x81, value.expose()); });
//   });
#pragma once

#include <algorithm>
#include <cstdint>

#include "kagibin/base/secret.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::envelope {

class TlvSizer {
 public:
  void put(tlv::Tag tag, ByteView value) { size_ += tlv::encoded_size(tag, value.size()); }
  void put_u8(tlv::Tag tag, std::uint8_t) { size_ += tlv::encoded_size(tag, 1); }
  template <typename Body>
  void nest(tlv::Tag tag, const Body& body) {
    TlvSizer inner;
    body(inner);
    size_ += tlv::encoded_size(tag, inner.size());
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class SecretTlvWriter {
 public:
  explicit SecretTlvWriter(std::size_t size) : octets_(size) {}

  // Precondition of all: tags of one octet, values of at most 65,535 octets, room left (KB_CHECK).
  void put(tlv::Tag tag, ByteView value) {
    header(tag, value.size());
    copy(value);
  }
  void put_u8(tlv::Tag tag, std::uint8_t value) { put(tag, ByteView(&value, 1)); }
  template <typename Body>
  void nest(tlv::Tag tag, const Body& body) {
    TlvSizer inner;
    body(inner);
    header(tag, inner.size());
    body(*this);
  }
  SecretBytes take() {
    KB_CHECK(position_ == octets_.size());
    return std::move(octets_);
  }

 private:
  void header(tlv::Tag tag, std::size_t length) {
    KB_CHECK(tag <= 0xFF && length <= 0xFFFF);
    const auto high = static_cast<std::uint8_t>(length >> 8U);
    const auto low = static_cast<std::uint8_t>(length & 0xFFU);
    const auto first = static_cast<std::uint8_t>(tag);
    if (length >= 0x100) {
      copy(std::array<std::uint8_t, 4>{first, 0x82, high, low});
    } else if (length >= 0x80) {
      copy(std::array<std::uint8_t, 3>{first, 0x81, low});
    } else {
      copy(std::array<std::uint8_t, 2>{first, low});
    }
  }
  void copy(ByteView octets) {
    const MutableByteView room = octets_.expose_mutable().subspan(position_);
    KB_CHECK(octets.size() <= room.size());
    std::ranges::copy(octets, room.begin());
    position_ += octets.size();
  }

  SecretBytes octets_;
  std::size_t position_ = 0;
};

template <typename Body>
SecretBytes write_secret_tlvs(const Body& body) {
  TlvSizer sizer;
  body(sizer);
  SecretTlvWriter writer(sizer.size());
  body(writer);
  return writer.take();
}

}  // namespace kagibin::envelope
