// SPDX-License-Identifier: Apache-2.0
// One domain's session says nothing of another's keys and does nothing to them: elements that
// differ in the keys of a sibling alone answer the same octets to the same commands.
#include "kagibin/se/domain/content/content_test_bench.h"

namespace kagibin::se {
namespace {

using gp::Privileges;

constexpr std::uint8_t kOwnVersion = 0x31;
constexpr std::uint8_t kOtherVersion = 0x32;
constexpr std::uint8_t kOwnKeys = 0x40;
constexpr std::uint8_t kOtherKeys = 0x70;

ElementProfile profile_with(std::uint32_t privileges, std::optional<std::uint8_t> other_version) {
  ElementProfile out;
  out.security_domains.push_back({aid(kDomainAid), {Privileges::kSecurityDomain | privileges}});
  out.security_domains.push_back({.aid = aid(kOtherDomain)});
  out.applications.push_back({aid(kTestFile), aid(kTestModule), aid(kTestAid), aid(kDomainAid)});
  out.key_sets.push_back({out.isd_aid, 0x30, test_keys(kIsdKeys)});
  out.key_sets.push_back({aid(kDomainAid), kOwnVersion, test_keys(kOwnKeys)});
  if (other_version) {
    out.key_sets.push_back({aid(kOtherDomain), *other_version, test_keys(kOtherKeys)});
  }
  return out;
}

// What may name the other domain or its keys in the commands of this one.
class NamingCommands {
 public:
  explicit NamingCommands(const scp::Scp03Host& host) : host_(host) {
    get_data();
    get_status();
    keys();
    store_data();
    install();
    set_status();
    add(0xE4, 0, 0, "4F07" + other_);
    add(0xE4, 0, 0x80, "4F07" + other_);
  }
  const std::vector<apdu::CommandApdu>& all() const { return all_; }

 private:
  void add(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, std::string_view data = "") {
    all_.push_back({.cla = 0x80, .ins = ins, .p1 = p1, .p2 = p2, .data = hex(data), .le = 256});
  }
  void add(const Result<apdu::CommandApdu>& command) { all_.push_back(command.value()); }

  void get_data() {
    for (unsigned tag = 0; tag <= 0xFF; ++tag) {
      add(0xCA, 0, static_cast<std::uint8_t>(tag));
    }
    for (const std::uint16_t tag : std::to_array<std::uint16_t>(
             {0x2F00, 0x5F20, 0x5F50, 0x7F21, 0x9F7F, 0xBF21, 0xDF1F, 0xFF21, 0xFF33, 0xFF34})) {
      add(0xCA, static_cast<std::uint8_t>(tag >> 8U), static_cast<std::uint8_t>(tag & 0xFFU));
    }
    add(0xCA, 0, 0xE0, "4F07" + other_);
    for (const std::string_view reference : {"A60483023201", "A60483023213", "A60483023113"}) {
      add(0xCA, 0xBF, 0x21, reference);
    }
  }
  void get_status() {
    for (const std::uint8_t p1 : std::to_array<std::uint8_t>({0x80, 0x40, 0x20, 0x10})) {
      for (const std::uint8_t p2 : std::to_array<std::uint8_t>({0x00, 0x02, 0x03})) {
        add(0xF2, p1, p2, "4F00");
        add(0xF2, p1, p2, "4F07" + other_);
        add(0xF2, p1, p2, "4F05F000000001");
        add(0xF2, p1, p2, "4F005C0A4F9F70C5CFC4CCCE84C0");
      }
    }
  }
  // PUT KEY, DELETE [key] and GENERATE KEY of the versions that both have.
  void keys() {
    for (const std::uint8_t version : {kOwnVersion, kOtherVersion}) {
      const std::string name = to_hex(Bytes{version});
      add(Bench::put_key(host_, version, test_keys(0x11)).encode());
      add(Bench::put_key(host_, version, test_keys(0x12), kOtherVersion).encode());
      add(put_one_key(host_, version, public_key("a point")));
      add(0xF1, 0, 0x13,
          "A60A9002110195010483"
          "02" +
              name + "13");
      add(0xF1, 0, 0x13, name);
    }
    add(0xE4, 0, 0, "D00101D20132");
    add(0xE4, 0, 0, "D20132");
    add(0xE4, 0, 0, "D20132");
    add(0xE4, 0, 0, "D0010AD20131");
    add(0xE4, 0, 0, "D0010A");
  }
  void store_data() {
    for (const std::string_view data : {"4203ABCDEF", "4F07F000000001AA02", "5F500141",
                                        "0070034201AA", "E00AC00401328010C004023280 10"}) {
      add(0xE2, 0x90, 0, data);
      add(0xE2, 0x80, 0, data);
    }
  }
  void install() {
    const Aid other = aid(kOtherDomain);
    for (const gp::InstallFor purpose :
         {gp::InstallFor::kInstall, gp::InstallFor::kInstallAndMakeSelectable}) {
      add(gp::Install{.purpose = purpose,
                      .load_file = aid(kDomainFile),
                      .module = aid(kDomainModule),
                      .application = other,
                      .privileges = {Privileges::kSecurityDomain},
                      .parameters = hex("C900")}
              .encode());
    }
    add(gp::Install{.purpose = gp::InstallFor::kMakeSelectable, .application = other}.encode());
    add(gp::Install{.purpose = gp::InstallFor::kPersonalization, .application = other}.encode());
    add(0xE2, 0x90, 0, "4203ABCDEF");
    add(gp::Extradition{.security_domain = aid(kDomainAid), .object = other}.encode());
    add(gp::Extradition{.security_domain = other, .object = other}.encode());
    add(gp::RegistryUpdate{.application = other,
                           .privileges = Privileges{Privileges::kSecurityDomain}}
            .encode());
    add(gp::RegistryUpdate{.security_domain = aid(kDomainAid), .application = other}.encode());
    for (const apdu::CommandApdu& load :
         load_all({.load_file = aid(kPackage), .security_domain = other})) {
      add(load);
    }
    add(gp::Extradition{.security_domain = other, .object = aid(kTestAid)}.encode());
    add(gp::Extradition{.security_domain = aid(kDomainAid), .object = aid(kTestAid)}.encode());
  }
  void set_status() {
    for (const std::uint8_t p1 : std::to_array<std::uint8_t>({0x40, 0x60, 0x80})) {
      for (const std::uint8_t state : std::to_array<std::uint8_t>({0x80, 0x00, 0x0F, 0x07})) {
        add(0xF0, p1, state, other_);
      }
    }
  }

  const scp::Scp03Host& host_;
  std::string other_{kOtherDomain};
  std::vector<apdu::CommandApdu> all_;
};

// Every command with the raw octets of its answer.
class Transcript {
 public:
  explicit Transcript(Bench& bench) : bench_(bench) {}

  void select() { EXPECT_EQ(bench_.select(kDomainAid).sw.value, 0x9000); }
  void note(const apdu::CommandApdu& clear, const apdu::ResponseApdu& answer) {
    lines_.push_back(to_hex(clear.encode()) + " " + to_hex(answer.encode()));
  }
  void plain(const apdu::CommandApdu& command) { note(command, bench_.send(command)); }
  // In a session; its clear status word.
  void wrapped(scp::Scp03Host& host, const apdu::CommandApdu& command) {
    const auto sent = host.wrap({.cla = command.cla,
                                 .ins = command.ins,
                                 .p1 = command.p1,
                                 .p2 = command.p2,
                                 .data = command.data,
                                 .le = command.le},
                                true);
    ASSERT_TRUE(sent.has_value());
    const apdu::ResponseApdu answer = bench_.send(*sent);
    note(command, answer);
    const auto opened = host.unwrap(answer);
    ASSERT_TRUE(opened.has_value()) << lines_.back();
    done_ += opened->response.sw.value == 0x9000 ? 1U : 0U;
  }
  const std::vector<std::string>& lines() const { return lines_; }
  std::size_t done() const { return done_; }

 private:
  Bench& bench_;
  std::vector<std::string> lines_;
  std::size_t done_ = 0;
};

void play(Bench& bench, Transcript& out) {
  out.select();
  auto host = bench.open(test_keys(kOwnKeys), kOwnVersion);
  const NamingCommands commands(*host);
  for (const apdu::CommandApdu& command : commands.all()) {
    out.wrapped(*host, command);
  }
  out.select();
  for (const apdu::CommandApdu& command : commands.all()) {
    out.plain(command);
  }
  // Sessions by the other's version, in this domain.
  for (const std::uint8_t version : std::to_array<std::uint8_t>({0x00, 0x31, kOtherVersion})) {
    out.plain(
        {.cla = 0x80, .ins = 0x50, .p1 = version, .data = hex("0001020304050607"), .le = 256});
  }
}

// Records of the other domain: its keys with their counters.
std::string other_records(const Bench& bench) {
  std::string out;
  for (const std::string kind : {"key/", "seq/", "try/"}) {
    for (const std::string& name :
         bench.element->nvm().names(kind + std::string(kOtherDomain) + "/")) {
      out += name + "=" + to_hex(bench.element->nvm().get(name)->expose()) + "\n";
    }
  }
  return out;
}

class SiblingDomainsTest : public ::testing::TestWithParam<std::uint32_t> {};

// GPCS 7.1, 11.1.8: keys are of one domain
TEST_P(SiblingDomainsTest, AnswersAreTheSameWhateverKeysTheOtherHas) {
  Bench without(test_modules(), profile_with(GetParam(), std::nullopt));
  Transcript expected(without);
  play(without, expected);
  EXPECT_EQ(other_records(without), "");
  EXPECT_GT(expected.done(), 15U);
  for (const std::uint8_t version : {kOtherVersion, kOwnVersion}) {
    Bench with(test_modules(), profile_with(GetParam(), version));
    const std::string before = other_records(with);
    ASSERT_NE(before, "");
    Transcript seen(with);
    play(with, seen);
    ASSERT_EQ(seen.lines().size(), expected.lines().size());
    for (std::size_t i = 0; i < seen.lines().size(); ++i) {
      EXPECT_EQ(seen.lines()[i], expected.lines()[i]);
    }
    EXPECT_EQ(other_records(with), before);
    EXPECT_EQ(with.select(kOtherDomain).sw.value, 0x9000);
    with.open(test_keys(kOtherKeys), version);
  }
}

INSTANTIATE_TEST_SUITE_P(Privileges,
                         SiblingDomainsTest,
                         testing::Values(0U,
                                         Privileges::kAuthorizedManagement,
                                         Privileges::kDelegatedManagement,
                                         Privileges::kAuthorizedManagement |
                                             Privileges::kGlobalLock));

}  // namespace
}  // namespace kagibin::se
