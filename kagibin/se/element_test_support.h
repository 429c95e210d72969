// SPDX-License-Identifier: Apache-2.0
// An element on a table with a host beside it: what the tests of se/ share. Test-only.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/se/element.h"

#include "tests/support/cut_medium.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::se {

inline Bytes hex(std::string_view text) {
  const auto out = from_hex(text);
  KB_CHECK(out.has_value());
  return *out;
}
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
inline constexpr std::string_view kIsdAid = "A000000151000000";
inline constexpr std::string_view kDomainModule = "A000000151535041";
inline constexpr std::string_view kDomainFile = "A0000001515350";
inline constexpr std::string_view kDomainAid = "F000000001AA01";

class Bench {
 public:
  explicit Bench(ElementProfile profile = {}, std::uint8_t version = 0x30)
      : Bench(ModuleRegistry(), std::move(profile), version) {}
  Bench(ModuleRegistry built_in, ElementProfile profile, std::uint8_t version = 0x30)
      : modules(std::move(built_in)) {
    if (profile.key_sets.empty()) {
      profile.key_sets.push_back({profile.isd_aid, version, test_keys(kIsdKeys)});
    }
    auto made =
        Element::create(profile, std::make_unique<test::CutMedium>(power), rng, clock, modules);
    EXPECT_TRUE(made.has_value());
    element = std::move(*made);
  }

  // Power comes back after a cut.
  void restart() {
    element.reset();
    power->restore();
    auto opened = Element::open(std::make_unique<test::CutMedium>(power), rng, clock, modules);
    ASSERT_TRUE(opened.has_value());
    element = std::move(*opened);
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
  std::uint16_t status(std::string_view text) { return send(text).sw.value; }
  apdu::ResponseApdu select(std::string_view name, std::uint8_t channel = 0) {
    return send({.ins = 0xA4, .p1 = 0x04, .data = hex(name), .le = 256}, channel);
  }
  std::uint8_t open_channel() { return send("0070000001").data.at(0); }

  // Opens a session on a channel; a failure of the test when the card refuses.
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
    if (authenticate) {
      EXPECT_TRUE(host->finish_authentication(send(*authenticate, channel)).has_value());
    }
    return host;
  }
  std::unique_ptr<scp::Scp03Host> open_isd(std::uint8_t level = 0x33, std::uint8_t channel = 0) {
    EXPECT_EQ(select("", channel).sw.value, 0x9000);
    return open(test_keys(kIsdKeys), 0, level, channel);
  }
  // A command through a session; only the status word when an error carries no R-MAC.
  apdu::ResponseApdu send(scp::Scp03Host& host,
                          const scp::PlainCommand& command,
                          std::uint8_t channel = 0) {
    const auto wrapped = host.wrap(command);
    EXPECT_TRUE(wrapped.has_value());
    auto answer = host.unwrap(send(*wrapped, channel));
    EXPECT_TRUE(answer.has_value());
    return answer ? answer->response : apdu::ResponseApdu{};
  }
  // Templates, so that a list in braces is a PlainCommand.
  apdu::ResponseApdu send(scp::Scp03Host& host,
                          const std::same_as<apdu::CommandApdu> auto& command,
                          std::uint8_t channel = 0) {
    return send(host,
                scp::PlainCommand{.cla = command.cla,
                                  .ins = command.ins,
                                  .p1 = command.p1,
                                  .p2 = command.p2,
                                  .data = command.data,
                                  .le = command.le},
                channel);
  }
  std::uint16_t status(scp::Scp03Host& host, const std::same_as<apdu::CommandApdu> auto& command) {
    return send(host, command).sw.value;
  }
  std::uint16_t status(scp::Scp03Host& host, const scp::PlainCommand& command) {
    return send(host, command).sw.value;
  }

  // PUT KEY of some keys under the session's Key-DEK.
  static gp::PutKey put_key(const scp::Scp03Host& host,
                            std::uint8_t new_version,
                            const std::vector<const SecretBytes*>& keys,
                            std::uint8_t old_version = 0,
                            std::uint8_t first_identifier = 1) {
    gp::PutKey out{.old_version = old_version,
                   .new_version = new_version,
                   .first_identifier = first_identifier};
    for (const SecretBytes* key : keys) {
      const SecretBytes padded = gp::pad_key_value(*key).value();
      out.keys.push_back(gp::encrypted_key(gp::key_type::kAes,
                                           host.encrypt_sensitive(padded.expose()).value(),
                                           key->size(), crypto::aes_kcv(key->expose()).value()));
    }
    return out;
  }
  static gp::PutKey put_key(const scp::Scp03Host& host,
                            std::uint8_t new_version,
                            const scp::Scp03KeySet& keys,
                            std::uint8_t old_version = 0) {
    return put_key(host, new_version, {&keys.enc, &keys.mac, &keys.dek}, old_version);
  }
  static apdu::CommandApdu install_domain(std::string_view name,
                                          std::uint32_t more_privileges = 0,
                                          std::string_view parameters = "") {
    return gp::Install{.load_file = aid(kDomainFile),
                       .module = aid(kDomainModule),
                       .application = aid(name),
                       .privileges = {gp::Privileges::kSecurityDomain | more_privileges},
                       .parameters = gp::with_application_parameters(hex(parameters))}
        .encode()
        .value();
  }

  std::shared_ptr<test::Power> power = std::make_shared<test::Power>();
  test::FixedRng rng{"element"};
  test::FakeClock clock;
  ModuleRegistry modules;
  std::unique_ptr<Element> element;
};

// An application that answers what it is asked. Commands (class 80): 01 echoes class and data;
// 02 answers P1 P2 octets 5A; 03 opens its data in the domain's session and answers it wrapped;
// 04 stores its data. Also 50 and 82, by its secure channel service.
// C9 = FF refuses the installation; SELECT is refused once "EE" is stored.
class TestApplication final : public Application {
 public:
  explicit TestApplication(const ApplicationContext& context) : context_(context) {}

  StatusWord install(ByteView parameters) override {
    const bool stored = store(parameters);
    const bool refused = !parameters.empty() && parameters[0] == 0xFF;
    return stored && !refused ? StatusWord{0x9000} : StatusWord{0x6A80};
  }
  Selected select() override {
    const SecretBytes* stored = context_.nvm.get(context_.record_prefix + "data");
    const bool refuse = stored != nullptr && stored->size() == 1 && stored->expose()[0] == 0xEE;
    return {StatusWord{static_cast<std::uint16_t>(refuse ? 0x6985 : 0x9000)}, hex("500101")};
  }
  apdu::ResponseApdu process(const apdu::CommandApdu& command) override {
    if (context_.secure_channel.is_security_command(command)) {
      return context_.secure_channel.process_security(command);
    }
    switch (command.ins) {
      case 0x01: {
        Bytes out{command.cla};
        append(out, command.data);
        return {out, StatusWord{0x9000}};
      }
      case 0x02:
        return {Bytes((std::size_t{command.p1} << 8U) | command.p2, 0x5A), StatusWord{0x9000}};
      case 0x03: {
        const auto plain = context_.secure_channel.unwrap(command);
        return plain ? context_.secure_channel.wrap(plain->data.expose(), StatusWord{0x9000})
                     : apdu::ResponseApdu{{}, plain.error()};
      }
      case 0x04:
        return {{}, StatusWord{static_cast<std::uint16_t>(store(command.data) ? 0x9000 : 0x6581)}};
      default:
        return {{}, StatusWord{0x6D00}};
    }
  }
  StatusWord store_data(ByteView data, std::uint8_t, std::uint8_t) override {
    const bool stored = store(data);
    const bool refused = !data.empty() && data[0] == 0xFF;
    return stored && !refused ? StatusWord{0x9000} : StatusWord{0x6A80};
  }

 private:
  bool store(ByteView data) {
    return context_.nvm.put(context_.record_prefix + "data", data).has_value() &&
           context_.nvm.put(context_.record_prefix + "again", data).has_value();
  }
  ApplicationContext context_;
};

inline constexpr std::string_view kTestFile = "F000000002";
inline constexpr std::string_view kTestModule = "F00000000201";
inline constexpr std::string_view kTestAid = "F0000000020101";

inline ModuleRegistry test_modules(std::uint8_t sources = 0) {
  ModuleRegistry out;
  EXPECT_TRUE(out.add({.file = {.aid = aid(kTestFile),
                                .version = {1, 0},
                                .sources = {sources},
                                .modules = {aid(kTestModule)}},
                       .factories = {[](const ApplicationContext& context) {
                         return std::make_unique<TestApplication>(context);
                       }}})
                  .has_value());
  return out;
}

inline apdu::CommandApdu install_test_application(std::string_view name = kTestAid,
                                                  std::string_view parameters = "") {
  return gp::Install{.load_file = aid(kTestFile),
                     .module = aid(kTestModule),
                     .application = aid(name),
                     .parameters = gp::with_application_parameters(hex(parameters))}
      .encode()
      .value();
}

}  // namespace kagibin::se
