// SPDX-License-Identifier: Apache-2.0
// An element on a table with a host beside it: what the tests of se/ share. Test-only.
#pragma once

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "kagibin/scp/scp03_host.h"
#include "kagibin/se/element.h"

#include "tests/support/cut_medium.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::se {

inline Bytes hex(std::string_view text) { return from_hex(text).value(); }
inline Aid aid(std::string_view text) { return Aid::from_hex(text).value(); }

// Three different keys of `size` octets, all octets of one counted up from `first`.
inline scp::Scp03KeySet test_keys(std::uint8_t first, std::size_t size = 16) {
  const auto key = [&](std::uint8_t offset) {
    SecretBytes out(size);
    std::uint8_t value = static_cast<std::uint8_t>(first + offset);
    for (std::uint8_t& octet : out.expose_mutable()) {
      octet = value++;
    }
    return out;
  };
  return scp::Scp03KeySet::create(key(0), key(0x20), key(0x40)).value();
}

inline constexpr std::uint8_t kIsdKeys = 0x10;
inline const std::string_view kIsdAid = "A000000151000000";

class Bench {
 public:
  explicit Bench(ElementProfile profile = {}, std::uint8_t version = 0x30) {
    profile.key_sets.push_back({profile.isd_aid, version, test_keys(kIsdKeys)});
    auto made =
        Element::create(profile, std::make_unique<test::CutMedium>(power), rng, clock, modules);
    EXPECT_TRUE(made.has_value());
    element = std::move(*made);
  }

  apdu::ResponseApdu send(const apdu::CommandApdu& command, std::uint8_t channel = 0) {
    apdu::CommandApdu on = command;
    on.cla = apdu::on_channel(command.cla, channel).value();
    return send(on.encode());
  }
  apdu::ResponseApdu send(std::string_view text) { return send(ByteView(hex(text))); }
  apdu::ResponseApdu send(ByteView c_apdu) {
    auto answer = element->transmit(c_apdu);
    EXPECT_TRUE(answer.has_value());
    return answer ? *apdu::ResponseApdu::decode(*answer) : apdu::ResponseApdu{};
  }
  apdu::ResponseApdu select(std::string_view name, std::uint8_t channel = 0) {
    return send({.ins = 0xA4, .p1 = 0x04, .data = hex(name), .le = 256}, channel);
  }

  // Opens a session on a channel; nullptr and a failure of the test when the card refuses.
  std::unique_ptr<scp::Scp03Host> open(scp::Scp03KeySet keys,
                                       std::uint8_t version = 0,
                                       std::uint8_t level = 0x33,
                                       std::uint8_t channel = 0,
                                       bool s16 = false) {
    auto host = std::make_unique<scp::Scp03Host>(
        std::move(keys), scp::Scp03HostOptions{.key_version_number = version, .s16 = s16});
    const auto answer = send(host->initialize_update(rng).value(), channel);
    EXPECT_EQ(answer.sw.value, 0x9000);
    const auto authenticate = host->external_authenticate(answer, scp::SecurityLevel{level});
    EXPECT_TRUE(authenticate.has_value());
    if (!authenticate) {
      return nullptr;
    }
    EXPECT_TRUE(host->finish_authentication(send(*authenticate, channel)).has_value());
    return host;
  }
  std::unique_ptr<scp::Scp03Host> open_isd(std::uint8_t level = 0x33) {
    select("");
    return open(test_keys(kIsdKeys), 0, level);
  }
  // A command through a session.
  apdu::ResponseApdu send(scp::Scp03Host& host,
                          const scp::PlainCommand& command,
                          std::uint8_t channel = 0) {
    const auto wrapped = host.wrap(command);
    EXPECT_TRUE(wrapped.has_value());
    auto answer = host.unwrap(send(*wrapped, channel));
    EXPECT_TRUE(answer.has_value());
    return answer ? answer->response : apdu::ResponseApdu{};
  }

  std::shared_ptr<test::Power> power = std::make_shared<test::Power>();
  test::FixedRng rng{"element"};
  test::FakeClock clock;
  ModuleRegistry modules;
  std::unique_ptr<Element> element;
};

}  // namespace kagibin::se
