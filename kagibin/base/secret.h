// SPDX-License-Identifier: Apache-2.0
// Octets that must not leak: keys, private scalars, session keys, passphrases, plaintext payloads.
//
// Move-only, of fixed size, wiped on destruction and on move. Content is reached only through
// expose() and expose_mutable(), two words to grep for. There is no begin/end, no ==, no <<, no
// formatter, and GoogleTest prints
// "<secret N bytes>". Compare with ct_equal. Thread-safety: as a value.
//
//   SecretArray<16> key = SecretArray<16>::copy_of(view).value();
//   cipher.set_key(key.expose());
//   SecretBytes copy = key.duplicate_bytes();       // the only way to copy, and it is named
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>
#include <utility>

#include "kagibin/base/bytes.h"

namespace kagibin {

// Overwrites with zero octets in a way that the optimiser keeps.
void wipe(MutableByteView octets);

// Equality in time that depends on the lengths only.
bool ct_equal(ByteView left, ByteView right);

class SecretBytes {
 public:
  SecretBytes() = default;
  // `size` zero octets, to be filled through expose_mutable().
  explicit SecretBytes(std::size_t size) : octets_(size) {}
  static SecretBytes copy_of(ByteView octets);

  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : octets_(std::exchange(other.octets_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      wipe(octets_);
      octets_ = std::exchange(other.octets_, {});
    }
    return *this;
  }
  ~SecretBytes() { wipe(octets_); }

  std::size_t size() const { return octets_.size(); }
  bool empty() const { return octets_.empty(); }
  ByteView expose() const { return octets_; }
  MutableByteView expose_mutable() { return octets_; }
  SecretBytes duplicate() const { return copy_of(octets_); }
  // Keeps the first `size` octets (at most size()) in a fresh allocation and wipes the old one.
  void shrink(std::size_t size);

 private:
  Bytes octets_;
};

template <std::size_t N>
class SecretArray {
 public:
  SecretArray() = default;
  static std::optional<SecretArray> copy_of(ByteView octets) {
    if (octets.size() != N) {
      return std::nullopt;
    }
    SecretArray out;
    std::copy(octets.begin(), octets.end(), out.octets_.begin());
    return out;
  }

  SecretArray(const SecretArray&) = delete;
  SecretArray& operator=(const SecretArray&) = delete;
  SecretArray(SecretArray&& other) noexcept : octets_(other.octets_) { wipe(other.octets_); }
  SecretArray& operator=(SecretArray&& other) noexcept {
    if (this != &other) {
      octets_ = other.octets_;
      wipe(other.octets_);
    }
    return *this;
  }
  ~SecretArray() { wipe(octets_); }

  static constexpr std::size_t size() { return N; }
  ByteView expose() const { return octets_; }
  MutableByteView expose_mutable() { return octets_; }
  SecretArray duplicate() const {
    SecretArray out;
    out.octets_ = octets_;
    return out;
  }
  SecretBytes duplicate_bytes() const { return SecretBytes::copy_of(octets_); }

 private:
  std::array<std::uint8_t, N> octets_{};
};

void PrintTo(const SecretBytes& secret, std::ostream* out);

template <std::size_t N>
void PrintTo(const SecretArray<N>&, std::ostream* out) {
  *out << "<secret " << N << " bytes>";
}

}  // namespace kagibin
