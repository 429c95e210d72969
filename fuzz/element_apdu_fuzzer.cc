// SPDX-License-Identifier: Apache-2.0
// A whole element under sequences of commands, also authenticated ones: the fuzzer plays a host
// that knows the keys of two security domains and wraps what the input says.
//
//   input   operation (1) | its octets, again and again; channels are 00 to 03 (two bits)
//     0 raw       length (1) | C-APDU
//     1 SELECT    channel (1) | object (1)
//     2 session   channel (1) | keys (1) | level (1): INITIALIZE UPDATE and EXTERNAL AUTHENTICATE
//     3 wrapped   channel (1) | INS (1) P1 (1) P2 (1) | length (1) | data
//     4 INSTALL   channel (1) | P1 (1) | module (1) | object (1) | privileges (3) | length (1) | C9
//     5 DELETE    channel (1) | object (1)
//     6 PUT KEY   channel (1) | old KVN (1) | new KVN (1) | first octet (1)
//     7 SET STATUS channel (1) | P1 (1) | state (1) | object (1)
//     8 power     kind (1): a reset, or the element is opened again from its memory
//
// After each: the answer is a status word, every entry of the registry has its domain, no record of
// keys has lost its domain, no domain's keys changed but those of the one that was selected, and
// the memory opens to an element that answers.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/scp/scp03/scp03_host.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/nvm_memory.h"
#include "kagibin/se/open/registry.h"

#include "fuzz/round_trip.h"

namespace {

using kagibin::Aid;
using kagibin::ByteReader;
using kagibin::Bytes;
using kagibin::ByteView;
using kagibin::Result;
using kagibin::SecretBytes;
namespace apdu = kagibin::apdu;
namespace gp = kagibin::gp;
namespace scp = kagibin::scp;
namespace se = kagibin::se;

constexpr std::size_t kChannels = 4;
constexpr std::size_t kMaxOperations = 64;
constexpr std::uint8_t kVersion = 0x30;
constexpr std::array kLevels{std::uint8_t{0x00}, std::uint8_t{0x01}, std::uint8_t{0x03},
                             std::uint8_t{0x33}};

class CountingRng final : public kagibin::crypto::Rng {
 public:
  Result<void> fill(kagibin::MutableByteView out) override {
    for (std::uint8_t& octet : out) {
      octet = static_cast<std::uint8_t>(count_++ % 251U + 1);
    }
    return {};
  }

 private:
  std::uint64_t count_ = 0;
};

// A second an operation: no pause after wrong cryptograms outlasts it.
class TickingClock final : public kagibin::Clock {
 public:
  std::int64_t now() const override { return 1'800'000'000 + seconds; }
  std::int64_t uptime_ms() const override { return seconds * 1'000; }
  std::int64_t seconds = 0;
};

Aid aid(std::string_view hex) { return Aid::from_hex(hex).value(); }

// What the input names by one octet: the ISD, the prepared domain and application, names that are
// free, a load file.
const std::vector<Aid>& objects() {
  static const std::vector<Aid> out{aid("A000000151000000"), aid("F000000001AA01"),
                                    aid("F0000000020101"),   aid("F000000001AA02"),
                                    aid("F000000001AA03"),   aid("F0000000020102"),
                                    aid("F0000000020103"),   se::payment_credential_load_file()};
  return out;
}

scp::Scp03KeySet keys_of(std::uint8_t first) {
  const auto key = [&](std::uint8_t offset) {
    SecretBytes out(16);
    std::ranges::fill(out.expose_mutable(), static_cast<std::uint8_t>(first + offset));
    return out;
  };
  return scp::Scp03KeySet::create(key(0), key(1), key(2)).value();
}

// A record of keys belongs to the domain between its slashes: "key/<AID>/<KVN>".
using KeyRecords = std::map<std::string, Bytes>;
KeyRecords key_records(const se::Nvm& nvm) {
  KeyRecords out;
  for (const std::string& name : nvm.names("key/")) {
    const ByteView record = nvm.get(name)->expose();
    out.emplace(name, Bytes(record.begin(), record.end()));
  }
  return out;
}
std::string domain_of(const std::string& record) { return record.substr(4, record.rfind('/') - 4); }

class Table {
 public:
  Table() {
    KB_CHECK(se::add_built_in_applications(modules_).has_value());
    se::ElementProfile profile;
    profile.key_sets.push_back({objects()[0], kVersion, keys_of(0x10)});
    profile.security_domains.push_back(
        {objects()[1], {gp::Privileges::kSecurityDomain | gp::Privileges::kAuthorizedManagement}});
    profile.key_sets.push_back({objects()[1], kVersion, keys_of(0x40)});
    profile.applications.push_back({.load_file = se::digital_key_load_file(),
                                    .module = se::digital_key_module(),
                                    .aid = objects()[2],
                                    .security_domain = objects()[1]});
    KB_CHECK(se::Element::create(profile, medium(), rng_, clock_, modules_).has_value());
    made_ = *content_;
  }

  void run(ByteView octets) {
    *content_ = made_;
    clock_.seconds = 0;
    reopen();
    ByteReader in(octets);
    for (std::size_t count = 0; count < kMaxOperations && !in.empty(); ++count) {
      ++clock_.seconds;
      if (!operate(in)) {
        return;
      }
    }
  }

 private:
  std::unique_ptr<se::NvmMedium> medium() const {
    return std::make_unique<se::NvmMemory>(content_);
  }

  void reopen() {
    auto opened = se::Element::open(medium(), rng_, clock_, modules_);
    KB_CHECK(opened.has_value());
    element_ = std::move(*opened);
    hosts_ = {};
    before_ = key_records(element_->nvm());
    written_ = element_->nvm().writes();
  }

  Result<void> operate(ByteReader& in) {
    constexpr std::uint8_t kOperations = 9;
    const std::uint8_t operation = KB_TRY(in.u8());
    switch (operation % kOperations) {
      case 0:
        return raw(in);
      case 1:
        return select(in);
      case 2:
        return open_session(in);
      case 3:
        return wrapped(in);
      case 4:
        return install(in);
      case 5:
        return remove(in);
      case 6:
        return put_key(in);
      case 7:
        return set_status(in);
      default:
        return power(in);
    }
  }

  // ---- one exchange, and what holds after it
  // ---------------------------------------------------------
  apdu::ResponseApdu send(ByteView command) {
    const Result<Bytes> answer = element_->transmit(command);
    KB_CHECK(answer.has_value());
    const auto response = apdu::ResponseApdu::decode(*answer);
    KB_CHECK(response.has_value());
    KB_CHECK((response->sw.sw1() & 0xF0U) == 0x60 || response->sw.sw1() == 0x90);
    check_memory();
    return *response;
  }
  apdu::ResponseApdu send(apdu::CommandApdu command, std::size_t channel) {
    command.cla = apdu::on_channel(command.cla, static_cast<std::uint8_t>(channel)).value();
    return send(command.encode());
  }

  void check_memory() {
    if (element_->nvm().writes() == written_) {
      return;
    }
    written_ = element_->nvm().writes();
    const auto copy = std::make_shared<Bytes>(*content_);
    KB_CHECK(se::Element::open(std::make_unique<se::NvmMemory>(copy), rng_, clock_, modules_)
                 .has_value());
    const auto nvm = se::Nvm::open(std::make_unique<se::NvmMemory>(copy));
    KB_CHECK(nvm.has_value());
    check_registry(**nvm);
    check_keys(**nvm);
  }

  void check_registry(se::Nvm& nvm) {
    const se::Registry registry(nvm);
    std::size_t issuers = 0;
    for (const se::RegistryEntry& entry : registry.entries()) {
      issuers += entry.is_issuer() ? 1U : 0U;
      const auto domain = registry.find(entry.security_domain);
      KB_CHECK(domain.has_value() && domain->is_security_domain());
      KB_CHECK(registry.find_load_file(entry.load_file).has_value());
      KB_CHECK(!registry.find_load_file(entry.aid).has_value());
      KB_CHECK(entry.is_security_domain() == entry.privileges.has(gp::Privileges::kSecurityDomain));
    }
    KB_CHECK(issuers == 1);
    for (const se::LoadFileEntry& file : registry.load_files()) {
      const auto domain = registry.find(file.security_domain);
      KB_CHECK(domain.has_value() && domain->is_security_domain());
    }
  }

  // The domain that a command was sent to may change its own keys; others' go with their domain.
  void check_keys(se::Nvm& nvm) {
    const se::Registry registry(nvm);
    KeyRecords now = key_records(nvm);
    const auto& selected = element_->circumstances().selected;
    for (const auto& [name, record] : now) {
      const auto owner = registry.find(aid(domain_of(name)));
      KB_CHECK(owner.has_value() && owner->is_security_domain());
      const auto old = before_.find(name);
      const bool changed = old == before_.end() || old->second != record;
      KB_CHECK(!changed || selected == owner->aid);
    }
    for (const auto& [name, record] : before_) {
      const Aid owner = aid(domain_of(name));
      KB_CHECK(now.contains(name) || selected == owner || !registry.find(owner));
    }
    before_ = std::move(now);
  }

  // ---- operations
  // ------------------------------------------------------------------------------------
  static Result<std::size_t> channel_of(ByteReader& in) {
    const std::uint8_t octet = KB_TRY(in.u8());
    return octet % kChannels;
  }
  static Result<Aid> object_of(ByteReader& in) {
    const std::uint8_t octet = KB_TRY(in.u8());
    return objects()[octet % objects().size()];
  }
  static Result<Bytes> data_of(ByteReader& in) {
    const std::uint8_t length = KB_TRY(in.u8());
    const ByteView data = KB_TRY(in.bytes(length));
    return Bytes(data.begin(), data.end());
  }

  Result<void> raw(ByteReader& in) {
    const Bytes command = KB_TRY(data_of(in));
    send(command);
    return {};
  }

  Result<void> select(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const Aid name = KB_TRY(object_of(in));
    if (channel != 0) {
      const auto number = static_cast<std::uint8_t>(channel);
      send({.cla = 0x00, .ins = apdu::ins::kManageChannel, .p2 = number}, 0);
    }
    const auto answer = send({.cla = 0x00,
                              .ins = apdu::ins::kSelect,
                              .p1 = 0x04,
                              .data = Bytes(name.view().begin(), name.view().end()),
                              .le = 256},
                             channel);
    if (answer.sw.value == 0x9000) {
      hosts_[channel].reset();
    }
    return {};
  }

  Result<void> open_session(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const std::uint8_t keys = KB_TRY(in.u8());
    const std::uint8_t level = KB_TRY(in.u8());
    // Even: the keys that were made with; odd: those that PUT KEY below puts.
    const std::uint8_t first = (keys & 1U) == 0 ? ((keys & 2U) == 0 ? 0x10 : 0x40) : keys;
    auto host = std::make_unique<scp::Scp03Host>(keys_of(first), scp::Scp03HostOptions{});
    hosts_[channel].reset();
    const apdu::CommandApdu update = KB_TRY(host->initialize_update(rng_));
    const auto answer = send(update, channel);
    const auto authenticate =
        host->external_authenticate(answer, scp::SecurityLevel{kLevels[level % kLevels.size()]});
    if (authenticate && host->finish_authentication(send(*authenticate, channel))) {
      hosts_[channel] = std::move(host);
    }
    return {};
  }

  void secured(std::size_t channel, const scp::PlainCommand& command) {
    scp::Scp03Host* host = hosts_[channel].get();
    if (host == nullptr) {
      send({.cla = 0x80,
            .ins = command.ins,
            .p1 = command.p1,
            .p2 = command.p2,
            .data = Bytes(command.data.begin(), command.data.end()),
            .le = command.le},
           channel);
      return;
    }
    const auto wrapped_command = host->wrap(command);
    if (!wrapped_command) {
      return;
    }
    const auto answer = host->unwrap(send(*wrapped_command, channel));
    if (!answer) {
      hosts_[channel].reset();
    }
  }

  Result<void> wrapped(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const std::uint8_t ins = KB_TRY(in.u8());
    const std::uint8_t p1 = KB_TRY(in.u8());
    const std::uint8_t p2 = KB_TRY(in.u8());
    const Bytes data = KB_TRY(data_of(in));
    secured(channel, scp::PlainCommand{.ins = ins, .p1 = p1, .p2 = p2, .data = data});
    return {};
  }

  void secured(std::size_t channel, const apdu::CommandApdu& command) {
    secured(channel,
            scp::PlainCommand{
                .ins = command.ins, .p1 = command.p1, .p2 = command.p2, .data = command.data});
  }

  Result<void> install(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const std::uint8_t p1 = KB_TRY(in.u8());
    const std::uint8_t module = KB_TRY(in.u8());
    const Aid name = KB_TRY(object_of(in));
    const ByteView octets = KB_TRY(in.bytes(3));
    const gp::Privileges privileges = KB_TRY(gp::Privileges::decode(octets));
    const Bytes parameters = KB_TRY(data_of(in));
    const bool domain = (module & 1U) == 0;
    gp::Install request{
        .load_file = domain ? se::security_domain_load_file_aid() : se::digital_key_load_file(),
        .module = domain ? se::security_domain_module_aid() : se::digital_key_module(),
        .application = name,
        .privileges = privileges,
        .parameters = gp::with_application_parameters(parameters)};
    if (p1 % 4 == 1) {
      request.purpose = gp::InstallFor::kInstall;
    } else if (p1 % 4 == 2) {
      request = {.purpose = gp::InstallFor::kMakeSelectable, .application = name};
    }
    const auto command = request.encode();
    if (command) {
      apdu::CommandApdu out = *command;
      out.p1 = p1 < 0xC0 ? out.p1 : p1;  // sometimes another purpose over the same fields
      secured(channel, out);
    }
    return {};
  }

  Result<void> remove(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    Bytes data{0x4F};
    const Aid name = KB_TRY(object_of(in));
    data.push_back(static_cast<std::uint8_t>(name.size()));
    kagibin::append(data, name.view());
    secured(channel, scp::PlainCommand{.ins = apdu::ins::kDelete, .data = data});
    return {};
  }

  Result<void> put_key(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const std::uint8_t old_version = KB_TRY(in.u8());
    const std::uint8_t new_version = KB_TRY(in.u8());
    const std::uint8_t odd = KB_TRY(in.u8());
    const scp::Scp03Host* host = hosts_[channel].get();
    if (host == nullptr) {
      return {};
    }
    const scp::Scp03KeySet keys = keys_of(odd | 1U);
    gp::PutKey put{.old_version = old_version, .new_version = new_version, .first_identifier = 1};
    for (const SecretBytes* key : {&keys.enc, &keys.mac, &keys.dek}) {
      const SecretBytes padded = KB_TRY(gp::pad_key_value(*key));
      const Bytes sealed = KB_TRY(host->encrypt_sensitive(padded.expose()));
      const auto kcv = KB_TRY(kagibin::crypto::aes_kcv(key->expose()));
      put.keys.push_back(gp::encrypted_key(gp::key_type::kAes, sealed, key->size(), kcv));
    }
    const auto command = put.encode();
    if (command) {
      secured(channel, *command);
    }
    return {};
  }

  Result<void> set_status(ByteReader& in) {
    const std::size_t channel = KB_TRY(channel_of(in));
    const std::uint8_t p1 = KB_TRY(in.u8());
    const std::uint8_t state = KB_TRY(in.u8());
    const Aid name = KB_TRY(object_of(in));
    secured(channel, scp::PlainCommand{
                         .ins = apdu::ins::kSetStatus, .p1 = p1, .p2 = state, .data = name.view()});
    return {};
  }

  Result<void> power(ByteReader& in) {
    const std::uint8_t kind = KB_TRY(in.u8());
    if ((kind & 1U) == 0) {
      element_->reset();
      hosts_ = {};
    } else {
      element_.reset();
      reopen();
    }
    return {};
  }

  std::shared_ptr<Bytes> content_ = std::make_shared<Bytes>();
  Bytes made_;
  CountingRng rng_;
  TickingClock clock_;
  se::ModuleRegistry modules_;
  std::unique_ptr<se::Element> element_;
  std::array<std::unique_ptr<scp::Scp03Host>, kChannels> hosts_;
  KeyRecords before_;
  std::uint64_t written_ = 0;
};

}  // namespace

FUZZ_OCTETS(octets) {
  static Table table;
  table.run(octets);
}
