// SPDX-License-Identifier: Apache-2.0
// Random sequences of content and key management, LOAD, extradition and locks among them, against
// an element and against the model of registry_model.h: they agree on what is done and what is
// refused, and on the registry and the keys afterwards.
//
// Fixed seeds and one random seed a run; a failure names its seed and the operations before it, and
// KAGIBIN_MODEL_SEED=N runs that one alone.
#include "tests/system/registry_model.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <fmt/format.h>

#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/se/element_test_support.h"

#include "tests/support/cap_builder.h"

namespace kagibin::se {
namespace {

constexpr int kSteps = 250;
constexpr std::uint8_t kAuditor = 1;  // the logical channel that looks on
constexpr std::uint32_t kIssuerPrivileges = 0x9EFE80;

class Run {
 public:
  explicit Run(std::uint64_t seed)
      : random_(seed),
        bench_(test_modules(), ElementProfile{}),
        model_(aid(kIsdAid),
               kIssuerPrivileges,
               {.version = 0x30, .identifiers = {1, 2, 3}, .first = kIsdKeys},
               {aid(kDomainFile), aid(kTestFile)}) {
    look_on();
  }

  // False when element and model part.
  bool step() {
    const auto actors = model_.actors();
    actor_ = actors[below(actors.size())];
    const auto keys = model_.session_keys(*actor_).first;
    EXPECT_EQ(bench_.select(actor_->hex()).sw.value, 0x9000) << history_;
    host_ = bench_.open(test_keys(keys), 0);
    if (!host_->open()) {
      return false;
    }
    operate();
    const auto left = model_.actors();
    if (std::ranges::find(left, *actor_) != left.end()) {  // it did not lock itself
      agree_on_keys();
    }
    if (below(12) == 0) {
      history_ += "power\n";
      bench_.restart();
      look_on();
    }
    agree_on_entries();
    return !testing::Test::HasFailure();
  }

  const std::string& history() const { return history_; }
  // How often an operation was done and refused, so that a run that shows nothing is seen.
  std::size_t done = 0;
  std::size_t refused = 0;

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  template <typename T>
  const T& one_of(const std::vector<T>& of) {
    return of[below(of.size())];
  }

  static const std::vector<Aid>& names() {
    static const std::vector<Aid> out{
        aid("F000000001AA01"), aid("F000000001AA02"), aid("F000000001AA03"), aid("F000000001AA04"),
        aid("F0000000020101"), aid("F0000000020102"), aid("F0000000020103")};
    return out;
  }
  static const std::vector<Aid>& files() {
    static const std::vector<Aid> out{aid("F000000008"), aid("F000000009")};
    return out;
  }
  static Aid applet_of(const Aid& file) { return aid(file.hex() + "01"); }
  Aid any_file() {
    return below(6) == 0 ? aid(below(2) == 0 ? kTestFile : kDomainFile) : one_of(files());
  }
  Aid any_name() {
    return below(16) == 0 ? aid(below(2) == 0 ? kIsdAid : "F0000000FFFF") : one_of(names());
  }
  // One that is there, so that domains come to stand in each other.
  Aid any_domain() {
    std::vector<Aid> all;
    for (const auto& [name, entry] : model_.entries()) {
      if (entry.is_domain) {
        all.push_back(name);
      }
    }
    return one_of(all);
  }
  std::uint8_t any_version() { return static_cast<std::uint8_t>(0x30 + below(5)); }
  std::uint8_t any_keys() { return static_cast<std::uint8_t>(0x10 + below(0x60)); }

  void look_on() {
    bench_.open_channel();
    bench_.select("", kAuditor);
    const auto keys = model_.session_keys(model_.issuer()).first;
    auditor_ = bench_.open(test_keys(keys), 0, 0x33, kAuditor);
  }

  // ---- one operation on both
  // -------------------------------------------------------------------------
  void expect(const std::string& what, std::uint16_t status, bool modelled) {
    history_ += fmt::format("{}: {} -> {:04X}\n", actor_->hex(), what, status);
    EXPECT_EQ(status == 0x9000, modelled) << history_;
    (status == 0x9000 ? done : refused) += 1;
  }

  void operate() {
    switch (below(20)) {
      case 0:
      case 1:
      case 2:
        return install();
      case 3:
        return make_selectable();
      case 4:
      case 5:
        return remove();
      case 6:
      case 7:
        return add_keys();
      case 8:
        return replace_keys();
      case 9:
        return delete_keys();
      case 10:
      case 11:
        return load();
      case 12:
        return remove_file();
      case 13:
      case 14:
      case 15:
        return extradite();
      case 16:
        return set_locked(true);
      default:
        return set_locked(false);
    }
  }

  void install() {
    constexpr std::uint32_t kDomain = gp::Privileges::kSecurityDomain;
    constexpr std::uint32_t kManager = kDomain | gp::Privileges::kAuthorizedManagement;
    test::RegistryModel::Installation what{.file = aid(kTestFile),
                                           .aid = one_of(names()),
                                           .is_domain = below(2) == 0,
                                           .privileges = 0,
                                           .selectable = below(4) != 0};
    what.privileges = what.is_domain ? kDomain : 0;
    const bool from_loaded = !what.is_domain && below(2) == 0;
    if (what.is_domain || from_loaded) {
      what.file = what.is_domain ? aid(kDomainFile) : one_of(files());
    }
    const bool issuer = *actor_ == model_.issuer();
    if (what.is_domain && issuer && below(2) == 0) {
      what.privileges = kManager;
    }
    if (below(8) == 0) {  // what belongs to the other kind
      what.privileges = what.is_domain ? 0 : (below(2) == 0 ? kDomain : kManager & ~kDomain);
    }
    const auto command =
        gp::Install{.purpose = what.selectable ? gp::InstallFor::kInstallAndMakeSelectable
                                               : gp::InstallFor::kInstall,
                    .load_file = what.file,
                    .module = from_loaded ? applet_of(what.file)
                                          : aid(what.is_domain ? kDomainModule : kTestModule),
                    .application = what.aid,
                    .privileges = {what.privileges},
                    .parameters = gp::with_application_parameters({})}
            .encode();
    if (!command) {
      return;  // the codec refuses it before the element could
    }
    const auto status = bench_.status(*host_, *command);
    expect(fmt::format("install {} {} {:06X}", what.is_domain ? "domain" : "application",
                       what.aid.hex(), what.privileges),
           status, model_.install(*actor_, what));
  }

  void make_selectable() {
    const Aid which = any_name();
    const auto command =
        gp::Install{.purpose = gp::InstallFor::kMakeSelectable, .application = which}.encode();
    const auto status = bench_.status(*host_, command.value());
    expect("make selectable " + which.hex(), status, model_.make_selectable(*actor_, which));
  }

  void remove() {
    const Aid which = any_name();
    const auto command = gp::DeleteObject{.aid = which}.encode();
    const auto status = bench_.status(*host_, command);
    expect("delete " + which.hex(), status, model_.remove(*actor_, which));
  }

  void load() {
    const Aid file = one_of(files());
    const Aid domain = below(2) == 0 ? *actor_ : any_name();
    const Bytes block =
        test::CapBuilder{.package = file.hex(), .applets = {applet_of(file).hex()}}.build();
    std::uint16_t status = bench_.status(
        *host_, gp::InstallForLoad{.load_file = file, .security_domain = domain}.encode().value());
    const Bytes octets = gp::encode_load_file({}, block);
    const std::size_t cut = octets.size() / 2;
    for (const bool last : {false, true}) {
      if (status == 0x9000) {
        const ByteView part = last ? ByteView(octets).subspan(cut) : ByteView(octets).first(cut);
        status = bench_.status(
            *host_,
            gp::Load{.last = last, .block = static_cast<std::uint8_t>(last ? 1 : 0)}.encode(part));
      }
    }
    expect(fmt::format("load {} for {}", file.hex(), domain.hex()), status,
           model_.load(*actor_, file, domain));
  }

  void remove_file() {
    const Aid which = any_file();
    const bool related = below(2) == 0;
    const auto status =
        bench_.status(*host_, gp::DeleteObject{.aid = which, .related = related}.encode());
    expect(fmt::format("delete {}{}", which.hex(), related ? " with its own" : ""), status,
           model_.remove_file(*actor_, which, related));
  }

  void extradite() {
    const Aid object = below(4) == 0 ? any_file() : below(2) == 0 ? any_name() : any_domain();
    const Aid to = below(4) == 0 ? any_name() : one_of(model_.actors());
    if (object == to) {
      return;  // a hierarchy of its own is not modelled
    }
    const auto command = gp::Extradition{.security_domain = to, .object = object}.encode().value();
    expect(fmt::format("extradite {} to {}", object.hex(), to.hex()),
           bench_.status(*host_, command), model_.extradite(*actor_, object, to));
  }

  void set_locked(bool lock) {
    const Aid which = below(4) == 0 ? *actor_ : below(2) == 0 ? any_name() : any_domain();
    const bool with_below = below(2) == 0;
    const gp::SetStatus command{.scope = with_below ? gp::SetStatusScope::kDomainAndItsApplications
                                                    : gp::SetStatusScope::kApplication,
                                .state = static_cast<std::uint8_t>(lock ? 0x80 : 0x00),
                                .aid = which};
    expect(fmt::format("{} {}{}", lock ? "lock" : "unlock", which.hex(),
                       with_below ? " with what is below" : ""),
           bench_.status(*host_, command.encode()),
           model_.set_locked(*actor_, which, lock, with_below));
  }

  void put(const std::string& what,
           std::uint8_t old_version,
           std::uint8_t version,
           std::uint8_t first,
           bool modelled) {
    const auto command = Bench::put_key(*host_, version, test_keys(first), old_version).encode();
    expect(fmt::format("{} {:02X} {:02X}", what, old_version, version),
           bench_.status(*host_, command.value()), modelled);
  }
  void add_keys() {
    const std::uint8_t version = any_version();
    const std::uint8_t first = any_keys();
    put("add keys", 0, version, first, model_.add_keys(*actor_, version, first));
  }
  void replace_keys() {
    const std::uint8_t from = any_version();
    const std::uint8_t to = any_version();
    const std::uint8_t first = any_keys();
    put("replace keys", from, to, first, model_.replace_keys(*actor_, from, to, first));
  }
  void delete_keys() {
    const std::uint8_t version = any_version();
    const Bytes data{0xD2, 0x01, version};
    const auto status = bench_.status(*host_, scp::PlainCommand{.ins = 0xE4, .data = data});
    expect(fmt::format("delete keys {:02X}", version), status,
           model_.delete_keys(*actor_, version));
  }

  // ---- what both say afterwards
  // ----------------------------------------------------------------------
  void agree_on_keys() {
    const auto answer = bench_.send(*host_, scp::PlainCommand{.ins = 0xCA, .p2 = 0xE0, .le = 256});
    std::string element;
    if (answer.sw.value == 0x9000) {
      const auto information = gp::KeyInformation::decode(answer.data);
      ASSERT_TRUE(information.has_value()) << history_;
      for (const gp::KeyEntry& key : information->keys) {
        element += fmt::format("{:02X}/{:02X} ", key.version, key.identifier);
      }
    }
    std::string model;
    for (const test::ModelKeySet& set : model_.keys(*actor_)) {
      for (const std::uint8_t identifier : set.identifiers) {
        model += fmt::format("{:02X}/{:02X} ", set.version, identifier);
      }
    }
    EXPECT_EQ(element, model) << history_;
  }

  std::vector<gp::StatusEntry> entries_of(gp::StatusScope scope) {
    std::vector<gp::StatusEntry> out;
    gp::GetStatus query{.scope = scope};
    for (;;) {
      const auto answer = bench_.send(*auditor_, query.encode(), kAuditor);
      if (answer.sw.value == 0x6A88) {
        return out;
      }
      const auto page = gp::decode_entries(answer.data, query);
      EXPECT_TRUE(page.has_value()) << history_;
      if (!page) {
        return out;
      }
      out.insert(out.end(), page->begin(), page->end());
      if (answer.sw.value != 0x6310) {
        return out;
      }
      query.next = true;
    }
  }

  void agree_on_entries() {
    std::vector<gp::StatusEntry> all = entries_of(gp::StatusScope::kApplications);
    std::string element;
    for (const gp::StatusEntry& entry : all) {
      element += fmt::format("{} {:02X} {:06X} in {}\n", entry.aid.hex(), entry.state,
                             entry.privileges.value_or(gp::Privileges{}).bits,
                             entry.security_domain ? entry.security_domain->hex() : "-");
    }
    std::string model;
    for (const auto& [name, entry] : model_.entries()) {
      if (name != model_.issuer()) {
        model += fmt::format("{} {:02X} {:06X} in {}\n", name.hex(), entry.state, entry.privileges,
                             entry.domain.hex());
      }
    }
    EXPECT_EQ(element, model) << history_;
    element.clear();
    model.clear();
    for (const gp::StatusEntry& entry : entries_of(gp::StatusScope::kLoadFiles)) {
      element += fmt::format("{} in {}\n", entry.aid.hex(),
                             entry.security_domain ? entry.security_domain->hex() : "-");
    }
    for (const auto& [name, file] : model_.files()) {
      model += fmt::format("{} in {}\n", name.hex(), file.domain.hex());
    }
    EXPECT_EQ(element, model) << history_;
    const auto issuer = entries_of(gp::StatusScope::kIssuerSecurityDomain);
    ASSERT_EQ(issuer.size(), 1U) << history_;
    EXPECT_EQ(issuer[0].state, model_.entries().at(model_.issuer()).state) << history_;
  }

  std::mt19937_64 random_;
  Bench bench_;
  test::RegistryModel model_;
  std::optional<Aid> actor_;
  std::unique_ptr<scp::Scp03Host> host_;
  std::unique_ptr<scp::Scp03Host> auditor_;
  std::string history_;
};

void run(std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("KAGIBIN_MODEL_SEED={}", seed));
  Run one(seed);
  for (int step = 0; step < kSteps; ++step) {
    if (!one.step()) {
      ADD_FAILURE() << "seed " << seed << ", step " << step;
      return;
    }
  }
  EXPECT_GT(one.done, 20U) << one.history();
  EXPECT_GT(one.refused, 10U) << one.history();
}

// GPCS 8.1, 9.3.5, 9.5: the registry after any sequence of commands
// GPCS 11.2.2.3.2, 11.8.2.1: keys likewise
TEST(RegistryModelTest, ElementAndModelAgreeAfterEveryCommand) {
  if (const char* seed = std::getenv("KAGIBIN_MODEL_SEED")) {
    return run(std::strtoull(seed, nullptr, 10));
  }
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    run(seed);
  }
}

TEST(RegistryModelTest, TheyAgreeFromARandomSeedToo) { run(std::random_device{}()); }

}  // namespace
}  // namespace kagibin::se
