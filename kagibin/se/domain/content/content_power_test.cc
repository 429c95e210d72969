// SPDX-License-Identifier: Apache-2.0
// Power fails before, half-way through and after every physical write of every command of card
// content management: afterwards the element opens, its registry holds together, and the command
// happened or did not.
#include <functional>

#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

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
  bool transmit(const apdu::CommandApdu& command) {
    const auto wrapped = host_->wrap({.cla = command.cla,
                                      .ins = command.ins,
                                      .p1 = command.p1,
                                      .p2 = command.p2,
                                      .data = command.data,
                                      .le = command.le});
    const auto answer = bench_.element->transmit(wrapped->encode());
    return answer && host_->unwrap(*apdu::ResponseApdu::decode(*answer)).has_value();
  }
};

apdu::CommandApdu with_token(const apdu::CommandApdu& command) {
  test::FixedRng rng("token");
  return gp::add_token(command, private_key("issuer"), rng).value();
}

constexpr std::string_view kSecondPackage = "F000000008";
constexpr std::string_view kSecondInstance = "F0000000080101";

Bytes second_cap() {
  return test::CapBuilder{.package = kSecondPackage, .applets = {"F00000000801"}}.build();
}
gp::InstallForLoad second_load(bool combined = false) {
  return {.load_file = aid(kSecondPackage),
          .hash = gp::load_file_hash(crypto::HashAlgorithm::kSha256, second_cap()),
          .combined = combined};
}
gp::Install second_install(gp::InstallFor purpose = gp::InstallFor::kInstallAndMakeSelectable) {
  return {.purpose = purpose,
          .load_file = aid(kSecondPackage),
          .module = aid("F00000000801"),
          .application = aid(kSecondInstance),
          .parameters = hex("C900")};
}
Bytes numbered(std::string_view parameters) {
  Bytes out = hex(parameters);
  append(out, gp::TokenReference{.number = hex("0102")}.encode());
  return out;
}

struct Case {
  const char* name;
  std::function<Commands()> commands;
  bool delegated = false;
};

Commands combined(bool delegated) {
  Commands out = load_all(second_load(true), {}, second_cap());
  out.push_back(second_install(gp::InstallFor::kLoadInstallAndMakeSelectable).encode().value());
  if (delegated) {
    out.front() = with_token(out.front());
    out.back() = with_token(out.back());
  }
  return out;
}

std::vector<Case> cases() {
  return {
      {"Load", [] { return load_all(second_load(), {}, second_cap()); }},
      {"CombinedLoad", [] { return combined(false); }},
      {"InstallFromALoadedFile",
       [] {
         auto request = install_loaded(Privileges::kCardReset, "C900EF03CF0141");
         request.application = aid(kSecondInstance);
         return Commands{request.encode().value()};
       }},
      {"InstallABuiltIn",
       [] { return Commands{install_test_application("F0000000020102", "0203")}; }},
      {"InstallADomain",
       [] { return Commands{Bench::install_domain("F000000001AA03", 0, "8400")}; }},
      {"MakeSelectable",
       [] {
         auto request = install_loaded();
         request.purpose = gp::InstallFor::kInstall;
         request.application = aid(kSecondInstance);
         const gp::Install make{.purpose = gp::InstallFor::kMakeSelectable,
                                .application = aid(kSecondInstance)};
         return Commands{request.encode().value(), make.encode().value()};
       }},
      {"ExtraditeAnApplication", [] { return Commands{extradite(kInstance, kOtherDomain)}; }},
      {"ExtraditeALoadFile", [] { return Commands{extradite(kPackage, kOtherDomain)}; }},
      {"ExtraditeADomain", [] { return Commands{extradite(kDomainAid, kOtherDomain)}; }},
      {"RegistryUpdate",
       [] {
         return Commands{gp::RegistryUpdate{.security_domain = aid(kOtherDomain),
                                            .application = aid(kInstance),
                                            .privileges = Privileges{Privileges::kFinalApplication}}
                             .encode()
                             .value()};
       }},
      {"DeleteAnApplication", [] { return Commands{erase(kInstance)}; }},
      {"DeleteADomain", [] { return Commands{erase(kOtherDomain)}; }},
      {"DeleteALoadFile", [] { return Commands{erase(kInstance), erase(kPackage)}; }},
      {"DeleteALoadFileWithItsApplications", [] { return Commands{erase(kPackage, true)}; }},
      {"DelegatedLoad",
       [] {
         auto request = second_load();
         request.parameters = numbered("");
         Commands out = load_all(request, {}, second_cap());
         out.front() = with_token(out.front());
         return out;
       },
       true},
      {"DelegatedCombinedLoad", [] { return combined(true); }, true},
      {"DelegatedInstall",
       [] {
         auto request = install_loaded();
         request.application = aid(kSecondInstance);
         request.parameters = numbered("C900");
         return Commands{with_token(request.encode().value())};
       },
       true},
      {"DelegatedExtradition",
       [] { return Commands{with_token(extradite(kInstance, kOtherDomain))}; }, true},
      {"DelegatedRegistryUpdate",
       [] {
         return Commands{with_token(
             gp::RegistryUpdate{.application = aid(kInstance), .privileges = Privileges{0x008000}}
                 .encode()
                 .value())};
       },
       true},
      {"DelegatedDelete", [] { return Commands{with_token(erase(kPackage, true))}; }, true},
  };
}

// What must be true of any element.
void expect_sound(Bench& bench) {
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

class ContentPowerTest : public ::testing::TestWithParam<Case> {};

TEST_P(ContentPowerTest, EveryWriteIsWholeOrNotAtAll) {
  // The states between the commands' writes, undisturbed.
  std::vector<std::string> states;
  std::vector<std::uint64_t> writes_after;
  {
    CutBench undisturbed(GetParam().delegated);
    states.push_back(undisturbed.memory());
    for (const apdu::CommandApdu& command : GetParam().commands()) {
      ASSERT_EQ(undisturbed.run(command), 0x9000) << undisturbed.bench().element->reason().text();
      const std::uint64_t writes = undisturbed.bench().power->writes;
      ASSERT_LE(writes, states.size()) << "one transaction a command";
      if (writes == states.size()) {
        states.push_back(undisturbed.memory());
      } else {
        EXPECT_EQ(undisturbed.memory(), states.back()) << "nothing half-loaded";
      }
    }
    expect_sound(undisturbed.bench());
  }
  ASSERT_GT(states.size(), 1U);
  for (std::uint64_t write = 1; write < states.size(); ++write) {
    for (const test::Cut cut : {test::Cut::kBefore, test::Cut::kHalfWay, test::Cut::kAfter}) {
      CutBench disturbed(GetParam().delegated);
      disturbed.bench().power->cut_at(write, cut);
      std::size_t done = 0;
      const Commands commands = GetParam().commands();
      while (done < commands.size() && disturbed.transmit(commands[done])) {
        ++done;
      }
      EXPECT_LT(done, commands.size()) << "the cut was never reached";
      disturbed.bench().restart();
      EXPECT_EQ(disturbed.memory(), states[cut == test::Cut::kAfter ? write : write - 1]);
      expect_sound(disturbed.bench());
      EXPECT_TRUE(disturbed.bench().open_isd()->open());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCommand,
                         ContentPowerTest,
                         ::testing::ValuesIn(cases()),
                         [](const auto& one) { return std::string(one.param.name); });

// A cut in the middle of a load, between its commands, and no room for the record.
TEST(ContentMemoryTest, AFullDiskRefusesAndLeavesNothing) {
  for (const Case& one : cases()) {
    CutBench bench(one.delegated);
    const std::string before = bench.memory();
    bench.bench().power->full = true;
    std::uint16_t answer = 0x9000;
    for (const apdu::CommandApdu& command : one.commands()) {
      answer = bench.run(command);
      if (answer != 0x9000) {
        break;
      }
    }
    EXPECT_EQ(answer, 0x6A84) << one.name;
    EXPECT_EQ(bench.memory(), before) << one.name;
    bench.bench().power->full = false;
    expect_sound(bench.bench());
  }
}

}  // namespace
}  // namespace kagibin::se
