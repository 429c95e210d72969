// SPDX-License-Identifier: Apache-2.0
// What every primitive of the model of kagibin/crypto comes down to: octets stirred into 256 bits
// of state by multiplications, and as many octets out of it as are wanted. Other octets give others
// with all likelihood, and nothing of it is secure: who wants to finds two that give the same.
//
// The same octets give the same everywhere. Thread-safety: none.
//
//   Mixing mixing("hmac");          // one name for one use
//   mixing.add(key).add(message);   // each with its length
//   mixing.give(out);
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "kagibin/base/bytes.h"

namespace kagibin::model_crypto {

class Mixing {
 public:
  explicit Mixing(std::string_view use) { add(ascii(use)); }
  Mixing& add(ByteView octets);
  Mixing& add(std::uint64_t number);
  // The pieces as one string.
  Mixing& add(std::initializer_list<ByteView> pieces);
  // Fills it, from the beginning each time.
  void give(MutableByteView out) const;
  std::uint64_t number() const;

 private:
  void stir(std::uint64_t word);
  std::array<std::uint64_t, 4> state_ = {0x243F6A8885A308D3U, 0x13198A2E03707344U,
                                         0xA4093822299F31D0U, 0x082EFA98EC4E6C89U};
};

}  // namespace kagibin::model_crypto
