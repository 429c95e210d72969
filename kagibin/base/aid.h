// SPDX-License-Identifier: Apache-2.0
// Names: the application identifier of ISO/IEC 7816-4, 8.2.1.2, and the 16-octet identifiers of
// this protocol.
//
// Limits: an AID has 5 to 16 octets; SEID, SPID and handle have 16. Value types, comparable, no
// allocation.
//
//   const Aid target = KB_TRY(Aid::from(view));
//   std::string text = target.hex();
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin {

class Aid {
 public:
  static constexpr std::size_t kMinLength = 5;
  static constexpr std::size_t kMaxLength = 16;

  // kLength unless 5 to 16 octets.
  static Result<Aid> from(ByteView octets);
  static Result<Aid> from_hex(std::string_view text);

  ByteView view() const { return ByteView(octets_).first(length_); }
  std::size_t size() const { return length_; }
  std::string hex() const { return to_hex(view()); }
  // True when this AID begins with the octets of `prefix` (partial selection, AID prefixes of
  // certificates).
  bool starts_with(ByteView prefix) const;

  friend auto operator<=>(const Aid&, const Aid&) = default;

 private:
  Aid() = default;
  std::array<std::uint8_t, kMaxLength>
      octets_{};  // zero behind length_, so that comparing whole arrays is right
  std::uint8_t length_ = 0;
};

// A 16-octet identifier; the tag keeps a SEID from passing for an SPID.
template <typename Tag>
struct Id16 {
  std::array<std::uint8_t, 16> octets{};

  static Result<Id16> from(ByteView view) {
    const auto octets = to_array<16>(view);
    if (!octets) {
      return fail(Errc::kLength, "an identifier has 16 octets");
    }
    return Id16{*octets};
  }
  static Result<Id16> from_hex(std::string_view text) {
    const auto octets = kagibin::from_hex(text);
    if (!octets) {
      return fail(Errc::kEncoding, "an identifier is 32 hexadecimal digits");
    }
    return from(*octets);
  }
  ByteView view() const { return octets; }
  std::string hex() const { return to_hex(octets); }
  friend auto operator<=>(const Id16&, const Id16&) = default;
};

using Seid = Id16<struct SeidTag>;      // secure element
using Spid = Id16<struct SpidTag>;      // service provider
using Handle = Id16<struct HandleTag>;  // a slot of the KDA
using Nonce16 = Id16<struct NonceTag>;  // nA, nK

}  // namespace kagibin
