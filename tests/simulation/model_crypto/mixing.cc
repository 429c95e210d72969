// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/model_crypto/mixing.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace kagibin::model_crypto {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie");

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t word(ByteView octets) {
  std::uint64_t out = 0;
  std::memcpy(&out, octets.data(), octets.size());
  return out;
}

// A permutation of 64 bits in which every bit of the input meets every bit of the output.
std::uint64_t scatter(std::uint64_t value) {
  value = (value ^ (value >> 32U)) * 0xD6E8FEB86659FD93U;
  value = (value ^ (value >> 32U)) * 0xD6E8FEB86659FD93U;
  return value ^ (value >> 32U);
}

}  // namespace

void Mixing::stir(std::uint64_t word) {
  auto& [a, b, c, d] = state_;
  const std::uint64_t next = std::rotl((a ^ word) * 0x9FB21C651E98DF25U, 31) + d;
  a = b;
  b = c ^ word;
  c = d;
  d = next;
}

Mixing& Mixing::add(std::uint64_t number) {
  stir(number);
  return *this;
}

Mixing& Mixing::add(ByteView octets) { return add({octets}); }

Mixing& Mixing::add(std::initializer_list<ByteView> pieces) {
  std::array<std::uint8_t, kWord> open{};  // of the word that is not full yet
  std::size_t used = 0;
  std::uint64_t length = 0;
  for (ByteView piece : pieces) {
    length += piece.size();
    while (!piece.empty()) {
      if (used == 0) {
        for (; piece.size() >= kWord; piece = piece.subspan(kWord)) {
          stir(word(piece.first(kWord)));
        }
      }
      const std::size_t count = std::min(piece.size(), kWord - used);
      std::copy_n(piece.begin(), count, open.begin() + static_cast<std::ptrdiff_t>(used));
      used += count;
      piece = piece.subspan(count);
      if (used == kWord) {
        stir(word(open));
        used = 0;
      }
    }
  }
  stir(word(ByteView(open).first(used)));
  stir(~length);
  return *this;
}

void Mixing::give(MutableByteView out) const {
  const auto& [a, b, c, d] = state_;
  const std::uint64_t all = scatter(a ^ scatter(b ^ scatter(c ^ scatter(d))));
  const std::uint64_t more = d ^ std::rotl(b, 32);
  for (std::uint64_t count = 0; !out.empty(); ++count) {
    const std::uint64_t value = scatter(all ^ scatter(more + count));
    const std::size_t size = std::min(out.size(), kWord);
    std::memcpy(out.data(), &value, size);
    out = out.subspan(size);
  }
}

std::uint64_t Mixing::number() const {
  std::array<std::uint8_t, kWord> out{};
  give(out);
  return word(out);
}

}  // namespace kagibin::model_crypto
