// SPDX-License-Identifier: Apache-2.0
// Octet strings: an owning vector, a view, fixed arrays, and hexadecimal text for them.
//
// Limits: none of its own. Ownership: a ByteView never outlives the call it is passed to.
// Thread-safety: values.
//
//   Bytes id = from_hex("A000000151").value();
//   std::string text = to_hex(id);                  // "A000000151"
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kagibin {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using MutableByteView = std::span<std::uint8_t>;

// Upper-case hexadecimal, two digits an octet, no separators.
std::string to_hex(ByteView bytes);

// Reads an even number of hexadecimal digits of either case; blanks, tabs and newlines between
// digits are passed over. Empty optional for anything else.
std::optional<Bytes> from_hex(std::string_view text);

// Compares public octets. Secrets are compared by ct_equal in secret.h.
bool equal(ByteView left, ByteView right);

void append(Bytes& out, ByteView tail);

// The octets of ASCII text, for labels such as "KB1-ES". The view lives as long as the text.
ByteView ascii(std::string_view text);

// Copies exactly N octets; empty optional when the view has another length.
template <std::size_t N>
std::optional<std::array<std::uint8_t, N>> to_array(ByteView view) {
  if (view.size() != N) {
    return std::nullopt;
  }
  std::array<std::uint8_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) {
    out[i] = view[i];
  }
  return out;
}

}  // namespace kagibin
