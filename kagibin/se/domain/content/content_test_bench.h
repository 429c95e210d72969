// SPDX-License-Identifier: Apache-2.0
// What the tests of card content management share: load files in LOAD commands, domains with keys,
// tokens. Test-only.
#pragma once

#include <algorithm>
#include <string>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/gp/delegated/receipt.h"
#include "kagibin/gp/delegated/token.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/se/open/registry.h"

#include "tests/support/cap_builder.h"

namespace kagibin::se {

inline constexpr std::string_view kPackage = "F000000009";
inline constexpr std::string_view kApplet = "F00000000901";
inline constexpr std::string_view kInstance = "F0000000090101";
inline constexpr std::string_view kOtherDomain = "F000000001AA02";

inline Bytes small_cap() {
  return test::CapBuilder{.package = kPackage, .applets = {kApplet}}.build();
}

using Commands = std::vector<apdu::CommandApdu>;

inline apdu::CommandApdu for_load(const gp::InstallForLoad& request) {
  return request.encode().value();
}
// LOAD commands of a load file, so many octets each.
inline Commands load_commands(ByteView load_file, std::size_t size = 200) {
  Commands out;
  while (!load_file.empty()) {
    const ByteView block = load_file.first(std::min(size, load_file.size()));
    load_file = load_file.subspan(block.size());
    out.push_back(
        gp::Load{.last = load_file.empty(), .block = static_cast<std::uint8_t>(out.size())}.encode(
            block));
  }
  return out;
}
// All of it: INSTALL [for load] and LOAD.
inline Commands load_all(const gp::InstallForLoad& request,
                         const std::vector<gp::DapBlock>& blocks = {},
                         const Bytes& data_block = small_cap()) {
  Commands out{for_load(request)};
  for (const apdu::CommandApdu& one : load_commands(gp::encode_load_file(blocks, data_block))) {
    out.push_back(one);
  }
  return out;
}
inline gp::Install install_loaded(std::uint32_t privileges = 0,
                                  std::string_view parameters = "C900") {
  return {.load_file = aid(kPackage),
          .module = aid(kApplet),
          .application = aid(kInstance),
          .privileges = {privileges},
          .parameters = hex(parameters)};
}
inline apdu::CommandApdu erase(std::string_view name, bool related = false) {
  return gp::DeleteObject{.aid = aid(name), .related = related}.encode();
}
inline apdu::CommandApdu extradite(std::string_view object, std::string_view domain) {
  return gp::Extradition{.security_domain = aid(domain), .object = aid(object)}.encode().value();
}
inline gp::KeyData sealed(const scp::Scp03Host& host, const gp::Key& key) {
  return gp::seal_key(key,
                      {.encrypt = [&](ByteView clear) { return host.encrypt_sensitive(clear); }})
      .value();
}
// PUT KEY of one key, KID 01.
inline apdu::CommandApdu put_one_key(const scp::Scp03Host& host,
                                     std::uint8_t version,
                                     const gp::Key& key) {
  return gp::PutKey{.new_version = version, .first_identifier = 1, .keys = {sealed(host, key)}}
      .encode()
      .value();
}

inline crypto::CurvePrivateKey some_key(std::string_view seed) {
  test::FixedRng rng(seed);
  return crypto::CurvePrivateKey::generate(crypto::Curve::kP256, rng).value();
}
inline gp::Key private_key(std::string_view seed) {
  return gp::Key::ec_private(some_key(seed)).value();
}
inline gp::Key public_key(std::string_view seed) {
  return gp::Key::ec_public(some_key(seed).public_key()).value();
}

class ContentBench : public ::testing::Test {
 protected:
  std::uint16_t status(const std::same_as<apdu::CommandApdu> auto& command) {
    return bench_.status(*host_, command);
  }
  std::uint16_t status(const scp::PlainCommand& command) { return bench_.status(*host_, command); }
  apdu::ResponseApdu send(const apdu::CommandApdu& command) { return bench_.send(*host_, command); }
  // Status words until one is not 9000.
  std::uint16_t status_of_all(const Commands& commands) {
    std::uint16_t out = 0;
    for (const apdu::CommandApdu& command : commands) {
      out = status(command);
      if (out != 0x9000) {
        break;
      }
    }
    return out;
  }
  apdu::ResponseApdu send_all(const Commands& commands) {
    apdu::ResponseApdu out;
    for (const apdu::CommandApdu& command : commands) {
      out = send(command);
      EXPECT_EQ(out.sw.value, 0x9000) << bench_.element->reason().text();
    }
    return out;
  }
  void load() { ASSERT_EQ(status_of_all(load_all({.load_file = aid(kPackage)})), 0x9000); }
  std::uint16_t install_with(std::uint32_t privileges, std::string_view parameters = "C900") {
    return status(install_loaded(privileges, parameters).encode().value());
  }
  std::uint16_t update_privileges(std::string_view name, std::uint32_t privileges) {
    return status(
        gp::RegistryUpdate{.application = aid(name), .privileges = gp::Privileges{privileges}}
            .encode()
            .value());
  }
  std::string_view reason() const { return bench_.element->reason().text(); }
  // A session with this domain under the ISD's keys.
  void open_domain(std::string_view name) {
    ASSERT_EQ(bench_.select(name).sw.value, 0x9000);
    host_ = bench_.open(test_keys(kIsdKeys));
  }
  void open_isd() { host_ = bench_.open_isd(); }
  void install_domain(std::string_view name,
                      std::uint32_t privileges = 0,
                      std::string_view parameters = "") {
    EXPECT_EQ(status(Bench::install_domain(name, privileges, parameters)), 0x9000)
        << bench_.element->reason().text();
  }
  // Keys of its own for a domain that has none; afterwards a session with the ISD.
  void give_keys(std::string_view name) {
    open_domain(name);
    EXPECT_EQ(status(Bench::put_key(*host_, 0x30, test_keys(0x61)).encode().value()), 0x9000);
    open_isd();
  }
  Result<std::unique_ptr<Nvm>> nvm_copy() const {
    auto power = std::make_shared<test::Power>();
    power->content = bench_.power->content;
    return Nvm::open(std::make_unique<test::CutMedium>(power));
  }
  // Everything the element remembers.
  std::string memory() const {
    std::string out;
    for (const std::string& name : bench_.element->nvm().names("")) {
      out += name + "=" + to_hex(bench_.element->nvm().get(name)->expose()) + "\n";
    }
    return out;
  }
  std::optional<RegistryEntry> entry(std::string_view name) const {
    const auto nvm = nvm_copy().value();
    return Registry(*nvm).find(aid(name));
  }
  std::optional<LoadFileEntry> load_file(std::string_view name = kPackage) const {
    const auto nvm = nvm_copy().value();
    return Registry(*nvm).find_load_file(aid(name));
  }

  Bench bench_{test_modules(), {}};
  std::unique_ptr<scp::Scp03Host> host_ = bench_.open_isd();
};

}  // namespace kagibin::se
