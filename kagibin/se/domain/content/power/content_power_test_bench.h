// SPDX-License-Identifier: Apache-2.0
// The commands of card content management as they are cut by power: an element they all work on,
// and what must be true of it afterwards. Test-only.
#pragma once

#include <functional>

#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {

using gp::Privileges;

// An element with two domains, one of them delegated, a loaded file with an instance, and keys for
// tokens and receipts; and a session of the ISD or of the delegated domain.
class CutBench : public ContentBench {
 public:
  void TestBody() override {}
  explicit CutBench(bool delegated) {
    install_domain(kDomainAid, Privileges::kDelegatedManagement);
    install_domain(kOtherDomain);
    EXPECT_EQ(status(put_one_key(*host_, 0x70, public_key("issuer"))), 0x9000);
    EXPECT_EQ(status(put_one_key(*host_, 0x71, gp::Key::aes(Bytes(32, 0x5A)).value())), 0x9000);
    const gp::InstallForLoad request{.load_file = aid(kPackage),
                                     .security_domain = aid(kDomainAid)};
    EXPECT_EQ(status_of_all(load_all(request)), 0x9000);
    EXPECT_EQ(status(install_loaded().encode().value()), 0x9000);
    if (delegated) {
      open_domain(kDomainAid);
    }
    bench_.power->restore();
  }
  using ContentBench::memory;
  Bench& bench() { return bench_; }
  scp::Scp03Host& host() { return *host_; }
  std::uint16_t run(const apdu::CommandApdu& command) { return status(command); }
  // Whether every answer came.
  bool transmit(const apdu::CommandApdu& command) { return transmit(*host_, command); }
  bool transmit(scp::Scp03Host& host, const apdu::CommandApdu& command) {
    const auto wrapped = host.wrap({.cla = command.cla,
                                    .ins = command.ins,
                                    .p1 = command.p1,
                                    .p2 = command.p2,
                                    .data = command.data,
                                    .le = command.le});
    const auto answer = bench_.element->transmit(wrapped->encode());
    return answer && host.unwrap(*apdu::ResponseApdu::decode(*answer)).has_value();
  }
};

inline apdu::CommandApdu with_token(const apdu::CommandApdu& command) {
  test::FixedRng rng("token");
  return gp::add_token(command, private_key("issuer"), rng).value();
}

inline apdu::CommandApdu set_state(std::uint8_t p1,
                                   std::uint8_t state,
                                   std::string_view name = "") {
  return {.cla = 0x80, .ins = 0xF0, .p1 = p1, .p2 = state, .data = hex(name)};
}

inline constexpr std::string_view kSecondPackage = "F000000008";
inline constexpr std::string_view kSecondInstance = "F0000000080101";

inline Bytes second_cap() {
  return test::CapBuilder{.package = kSecondPackage, .applets = {"F00000000801"}}.build();
}
inline gp::InstallForLoad second_load(bool combined = false) {
  return {.load_file = aid(kSecondPackage),
          .hash = gp::load_file_hash(crypto::HashAlgorithm::kSha256, second_cap()),
          .combined = combined};
}
inline gp::Install second_install(
    gp::InstallFor purpose = gp::InstallFor::kInstallAndMakeSelectable) {
  return {.purpose = purpose,
          .load_file = aid(kSecondPackage),
          .module = aid("F00000000801"),
          .application = aid(kSecondInstance),
          .parameters = hex("C900")};
}
inline Bytes numbered(std::string_view parameters) {
  Bytes out = hex(parameters);
  append(out, gp::TokenReference{.number = hex("0102")}.encode());
  return out;
}

struct ContentCase {
  const char* name;
  std::function<Commands(const scp::Scp03Host&)> commands;
  bool delegated = false;
};

inline Commands combined(bool delegated) {
  Commands out = load_all(second_load(true), {}, second_cap());
  out.push_back(second_install(gp::InstallFor::kLoadInstallAndMakeSelectable).encode().value());
  if (delegated) {
    out.front() = with_token(out.front());
    out.back() = with_token(out.back());
  }
  return out;
}

inline std::vector<ContentCase> content_cases() {
  return {
      {"Load", [](const scp::Scp03Host&) { return load_all(second_load(), {}, second_cap()); }},
      {"CombinedLoad", [](const scp::Scp03Host&) { return combined(false); }},
      {"InstallFromALoadedFile",
       [](const scp::Scp03Host&) {
         auto request = install_loaded(Privileges::kCardReset, "C900EF03CF0141");
         request.application = aid(kSecondInstance);
         return Commands{request.encode().value()};
       }},
      {"InstallABuiltIn",
       [](const scp::Scp03Host&) {
         return Commands{install_test_application("F0000000020102", "0203")};
       }},
      {"InstallADomain",
       [](const scp::Scp03Host&) {
         return Commands{Bench::install_domain("F000000001AA03", 0, "8400")};
       }},
      {"MakeSelectable",
       [](const scp::Scp03Host&) {
         auto request = install_loaded();
         request.purpose = gp::InstallFor::kInstall;
         request.application = aid(kSecondInstance);
         const gp::Install make{.purpose = gp::InstallFor::kMakeSelectable,
                                .application = aid(kSecondInstance)};
         return Commands{request.encode().value(), make.encode().value()};
       }},
      {"ExtraditeAnApplication",
       [](const scp::Scp03Host&) { return Commands{extradite(kInstance, kOtherDomain)}; }},
      {"ExtraditeALoadFile",
       [](const scp::Scp03Host&) { return Commands{extradite(kPackage, kOtherDomain)}; }},
      {"ExtraditeADomain",
       [](const scp::Scp03Host&) { return Commands{extradite(kDomainAid, kOtherDomain)}; }},
      {"RegistryUpdate",
       [](const scp::Scp03Host&) {
         return Commands{gp::RegistryUpdate{.security_domain = aid(kOtherDomain),
                                            .application = aid(kInstance),
                                            .privileges = Privileges{Privileges::kFinalApplication}}
                             .encode()
                             .value()};
       }},
      // No state twice, so that the state tells what was done.
      {"LocksOfApplicationsAndDomains",
       [](const scp::Scp03Host&) {
         return Commands{set_state(0x40, 0x80, kInstance), set_state(0x60, 0x80, kDomainAid),
                         set_state(0x40, 0x00, kInstance)};
       }},
      {"StatesOfTheCard",
       [](const scp::Scp03Host&) {
         return Commands{set_state(0x80, 0x07), set_state(0x80, 0x0F), set_state(0x80, 0x7F)};
       }},
      {"KeysPutReplacedAndDeleted",
       [](const scp::Scp03Host& host) {
         return Commands{Bench::put_key(host, 0x31, test_keys(0x51)).encode().value(),
                         Bench::put_key(host, 0x32, test_keys(0x52), 0x31).encode().value(),
                         {.cla = 0x80, .ins = 0xE4, .data = hex("D20170")}};
       }},
      {"DeleteAnApplication", [](const scp::Scp03Host&) { return Commands{erase(kInstance)}; }},
      {"DeleteADomain", [](const scp::Scp03Host&) { return Commands{erase(kOtherDomain)}; }},
      {"DeleteALoadFile",
       [](const scp::Scp03Host&) { return Commands{erase(kInstance), erase(kPackage)}; }},
      {"DeleteALoadFileWithItsApplications",
       [](const scp::Scp03Host&) { return Commands{erase(kPackage, true)}; }},
      {"DelegatedLoad",
       [](const scp::Scp03Host&) {
         auto request = second_load();
         request.parameters = numbered("");
         Commands out = load_all(request, {}, second_cap());
         out.front() = with_token(out.front());
         return out;
       },
       true},
      {"DelegatedCombinedLoad", [](const scp::Scp03Host&) { return combined(true); }, true},
      {"DelegatedInstall",
       [](const scp::Scp03Host&) {
         auto request = install_loaded();
         request.application = aid(kSecondInstance);
         request.parameters = numbered("C900");
         return Commands{with_token(request.encode().value())};
       },
       true},
      {"DelegatedExtradition",
       [](const scp::Scp03Host&) {
         return Commands{with_token(extradite(kInstance, kOtherDomain))};
       },
       true},
      {"DelegatedRegistryUpdate",
       [](const scp::Scp03Host&) {
         return Commands{with_token(
             gp::RegistryUpdate{.application = aid(kInstance), .privileges = Privileges{0x008000}}
                 .encode()
                 .value())};
       },
       true},
      {"DelegatedDelete",
       [](const scp::Scp03Host&) { return Commands{with_token(erase(kPackage, true))}; }, true},
  };
}

// What must be true of any element.
inline void expect_sound(Bench& bench) {
  auto power = std::make_shared<test::Power>();
  power->content = bench.power->content;
  const auto nvm = Nvm::open(std::make_unique<test::CutMedium>(power)).value();
  const Registry registry(*nvm);
  std::uint32_t singles = 0;
  constexpr std::uint32_t kSingle = Privileges::kCardReset | Privileges::kFinalApplication;
  for (const RegistryEntry& entry : registry.entries()) {
    const auto domain = registry.find(entry.security_domain);
    ASSERT_TRUE(domain.has_value());
    EXPECT_TRUE(domain->is_security_domain());
    EXPECT_TRUE(registry.find_load_file(entry.load_file).has_value());
    EXPECT_EQ(singles & entry.privileges.bits & kSingle, 0U) << "two holders";
    singles |= entry.privileges.bits & kSingle;
  }
  EXPECT_EQ(singles, kSingle);
  for (const LoadFileEntry& file : registry.load_files()) {
    EXPECT_TRUE(registry.find(file.security_domain).has_value());
  }
  for (const std::string& name : nvm->names("app/")) {
    EXPECT_TRUE(registry.find(aid(name.substr(4, name.find('/', 4) - 4))).has_value()) << name;
  }
}

}  // namespace kagibin::se
