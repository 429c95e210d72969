// SPDX-License-Identifier: Apache-2.0
// For the tests of scp/ only: a host and a card that hold the same keys, and one exchange between
// them.
#pragma once

#include <cstdint>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/scp/scp03/scp03_card.h"
#include "kagibin/scp/scp03/scp03_host.h"

namespace kagibin::scp::test_ends {

namespace sw = apdu::sw;

inline constexpr std::uint8_t kAllParameters[] = {0x00, 0x01, 0x10, 0x11, 0x20, 0x21,
                                                  0x30, 0x31, 0x60, 0x61, 0x70, 0x71};
inline constexpr std::uint8_t kAllLevels[] = {0x00, 0x01, 0x03, 0x11, 0x13, 0x33};

// A counter as random source: repeatable, and no two draws alike.
class CountingRng final : public crypto::Rng {
 public:
  Result<void> fill(MutableByteView out) override {
    if (broken) {
      return fail(Errc::kCrypto, "this source is broken");
    }
    for (auto& octet : out) {
      octet = next_++;
    }
    return {};
  }
  bool broken = false;

 private:
  std::uint8_t next_ = 0x10;
};

inline SecretBytes key(std::size_t size, std::uint8_t first) {
  SecretBytes out(size);
  for (auto& octet : out.expose_mutable()) {
    octet = first++;
  }
  return out;
}

inline Scp03KeySet key_set(std::size_t size, std::uint8_t first = 0x40) {
  return Scp03KeySet::create(key(size, first), key(size, first + 1), key(size, first + 2)).value();
}

inline Aid isd() { return Aid::from_hex("A000000151000000").value(); }

struct Ends {
  Scp03Host host;
  Scp03Card card;
  CountingRng rng;

  Ends(std::uint8_t i, std::size_t key_size)
      : host(key_set(key_size),
             {.key_version_number = 0x30, .s16 = Scp03Parameter{i}.s16(), .aid = isd()}),
        i_(i),
        key_size_(key_size) {}

  apdu::ResponseApdu initialize(const apdu::CommandApdu& command) {
    auto answer = card.initialize_update(
        command.data, key_set(key_size_),
        {.parameter = {i_}, .key_version_number = 0x30, .sequence_counter = 7, .aid = isd()}, rng);
    if (!answer) {
      return {.sw = answer.error()};
    }
    return {.data = *answer, .sw = sw::kOk};
  }
  // Up to EXTERNAL AUTHENTICATE, not yet sent.
  Result<apdu::CommandApdu> challenge(SecurityLevel level) {
    const auto command = KB_TRY(host.initialize_update(rng));
    return host.external_authenticate(initialize(command), level);
  }
  void authenticate(std::uint8_t level) {
    const auto command = challenge({level});
    ASSERT_TRUE(command.has_value()) << command.error().detail.text();
    const StatusWord status = card.external_authenticate(*command);
    ASSERT_EQ(status, sw::kOk);
    ASSERT_TRUE(host.finish_authentication({.sw = status}).has_value());
    ASSERT_TRUE(host.open());
    ASSERT_TRUE(card.open());
  }

 private:
  std::uint8_t i_;
  std::size_t key_size_;
};

inline Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(0xA0 + i);
  }
  return out;
}

// One command there and one answer back, in clear at both ends.
inline void exchange(Ends& ends, ByteView data, ByteView answer, StatusWord status = sw::kOk) {
  const auto command =
      ends.host.wrap({.ins = 0xE2, .p1 = 0x80, .p2 = 0x01, .data = data, .le = 256});
  ASSERT_TRUE(command.has_value()) << command.error().detail.text();
  const SecurityLevel level = ends.host.level();
  EXPECT_EQ(command->cla, level.c_mac() ? 0x84 : 0x80);
  if (level.c_decryption() && !data.empty()) {
    EXPECT_NE(to_hex(ByteView(command->data).first(data.size())), to_hex(data));
  }
  // Through the wire form, as the card receives it.
  const auto got = ends.card.unwrap(apdu::CommandApdu::decode(command->encode()).value());
  ASSERT_TRUE(got.has_value()) << got.error().value;
  EXPECT_EQ(got->cla, 0x80);
  EXPECT_TRUE(ct_equal(got->data.expose(), data));
  const apdu::ResponseApdu response{.data = ends.card.wrap(answer, status), .sw = status};
  const auto back = ends.host.unwrap(response);
  ASSERT_TRUE(back.has_value()) << back.error().detail.text();
  EXPECT_EQ(back->authenticated, level.r_mac());
  EXPECT_EQ(back->response.sw, status);
  EXPECT_EQ(to_hex(back->response.data), to_hex(answer));
}

}  // namespace kagibin::scp::test_ends
