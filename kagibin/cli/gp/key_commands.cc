// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/key_commands.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/gp/channel_failure.h"
#include "kagibin/cli/gp/input/key_reference.h"
#include "kagibin/cli/gp/input/pem_key.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/security_module_manager/card/data_storing.h"
#include "kagibin/roles/security_module_manager/card/key_change.h"
#include "kagibin/scp/scp11/domain_data.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

// The new keys, and the file entry they come from (none: of a key pair).
struct NewKeys {
  card::KeyChange change;
  std::optional<KeyFileEntry> entry{};
};

// Of --pem or --private-pem.
Result<NewKeys> key_pair_half(const GpOptions& options, std::filesystem::path& failed) {
  if (options.new_version.empty() || options.new_identifier.empty()) {
    return fail(Errc::kInvalidArgument,
                "--pem and --private-pem take --kvn and --kid for the new key");
  }
  NewKeys out;
  out.change.version = KB_TRY(parse_octet(options.new_version));
  out.change.first_identifier = KB_TRY(parse_octet(options.new_identifier));
  failed = options.pem.empty() ? options.private_pem : options.pem;
  out.change.keys.push_back(
      KB_TRY(options.pem.empty() ? read_private_key(failed) : read_public_key(failed)));
  failed.clear();
  return out;
}

Result<NewKeys> keys_of_entry(KeyFileEntry entry, const GpOptions& options) {
  NewKeys out;
  out.change.version = entry.version;
  out.change.first_identifier = entry.identifier;
  if (!options.new_identifier.empty()) {
    out.change.first_identifier = KB_TRY(parse_octet(options.new_identifier));
  }
  out.change.keys = KB_TRY(entry.gp_keys());
  out.entry = std::move(entry);
  return out;
}

class KeyPutting {
 public:
  KeyPutting(const GpOptions& options, Console& console)
      : options_(options), console_(console), access_(options, console) {}

  int run() {
    if (!read()) {
      return code_;
    }
    int stopped = kExitOk;
    const int managed = access_.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
      if (access_.stops(kWhat, card::danger_of(access_.facts(), new_.change))) {
        stopped = access_.code();
        return {};
      }
      return card::put_keys(port, new_.change);
    });
    if (stopped != kExitOk || managed != kExitOk || access_.is_dry()) {
      return stopped != kExitOk ? stopped : managed;
    }
    return verify();
  }

 private:
  static constexpr std::string_view kWhat = "no key was put";

  bool read() {
    std::filesystem::path failed;
    const bool from_pem = !options_.pem.empty() || !options_.private_pem.empty();
    auto keys = from_pem ? key_pair_half(options_, failed) : from_file();
    if (!keys) {
      code_ = told_ ? code_ : console_.failed_file(keys.error(), kWhat, failed);
      return false;
    }
    new_ = std::move(*keys);
    if (!options_.replace.empty()) {
      const auto version = parse_octet(options_.replace);
      if (!version) {
        code_ = console_.failed_usage("--replace takes a key version, two hexadecimal digits");
        return false;
      }
      new_.change.replaced_version = *version;
    }
    if (new_.change.version == 0 || new_.change.version > gp::kHighestKeyVersion) {
      code_ = console_.failed_usage("the new key version is 01 to 7F");
      return false;
    }
    return true;
  }

  // The entry named by --kvn, or the only one.
  Result<NewKeys> from_file() {
    if (options_.new_keys.empty()) {
      return fail(Errc::kInvalidArgument, "name the file of the new keys, or --pem");
    }
    auto entries = read_key_file(options_.new_keys);
    if (!entries) {
      told_ = true;
      code_ = told_key_file(console_, kWhat, options_.new_keys, entries.error());
      return std::unexpected(entries.error().error);
    }
    if (options_.new_version.empty()) {
      if (entries->size() != 1) {
        return fail(Errc::kInvalidArgument,
                    "the file of the new keys has several entries: choose one with --kvn");
      }
      return keys_of_entry(std::move(entries->front()), options_);
    }
    const std::uint8_t version = KB_TRY(parse_octet(options_.new_version));
    const auto found = std::ranges::find(*entries, version, &KeyFileEntry::version);
    if (found == entries->end()) {
      return fail(Errc::kNotFound, "the file of the new keys has no entry with this --kvn");
    }
    return keys_of_entry(std::move(*found), options_);
  }

  // A set is only worth something when the card holds it as we do: INITIALIZE UPDATE says so.
  int verify() {
    const std::string version = fmt::format("{:02X}", new_.change.version);
    if (!new_.entry || !new_.change.is_channel_set()) {
      console_.result({{"key_version", version}, {"verified", "check values"}},
                      "Key {}/{:02X} is put.", version, new_.change.first_identifier);
      return kExitOk;
    }
    card::ChannelKeys keys = new_.entry->channel_keys();
    keys.des = new_.entry->des.value_or(false);
    card::ChannelOpening opening(access_.link(), access_.facts(), access_.rng());
    const auto held = opening.check(keys, {});
    if (held) {
      console_.result({{"key_version", version}, {"verified", "INITIALIZE UPDATE"}},
                      "Key set {} is put, and verified: the card's cryptogram of a new INITIALIZE "
                      "UPDATE is right under it.",
                      version);
      return kExitOk;
    }
    const ChannelFailure said = explain_channel_failure(
        opening.report(), access_.facts(), held.error(), &*new_.entry, options_.new_keys.string());
    return console_.failed_text(
        held.error().code, "the card took the key set, and it could not be verified", said.sentence,
        "Keep the old and the new key file; do not delete another key set of this domain. A key "
        "set "
        "of another protocol than the domain speaks cannot be verified");
  }

  const GpOptions& options_;
  Console& console_;
  CardAccess access_;
  NewKeys new_{};
  bool told_ = false;
  int code_ = kExitFailed;
};

gp::StoreStructure structure_of(const std::string& name) {
  return name == "dgi"   ? gp::StoreStructure::kGroupings
         : name == "tlv" ? gp::StoreStructure::kTlv
                         : gp::StoreStructure::kNone;
}

gp::StoreEncryption encryption_of(const std::string& name) {
  return name == "application" ? gp::StoreEncryption::kApplication
         : name == "encrypted" ? gp::StoreEncryption::kEncrypted
                               : gp::StoreEncryption::kNone;
}

}  // namespace

int put_key(const GpOptions& options, Console& console) {
  return KeyPutting(options, console).run();
}

int store_data(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "no data were stored";
  if (options.data.empty() == options.data_file.empty()) {
    return console.failed_usage("name a file with the data (in octets), or --hex");
  }
  SecretBytes data;
  card::StorePlan plan;
  std::filesystem::path failed;
  const auto ready = [&]() -> Result<void> {
    if (options.data.empty()) {
      failed = options.data_file;
      data = KB_TRY(crypto::read_file(options.data_file));
      failed.clear();
    } else {
      data = SecretBytes::copy_of(KB_TRY(parse_hex(options.data, 1, 65'535)));
    }
    plan.data = data.expose();
    plan.structure = structure_of(options.format);
    plan.encryption = encryption_of(options.encryption);
    if (!options.application.empty()) {
      plan.application = KB_TRY(Aid::from_hex(options.application));
    }
    return {};
  }();
  if (!ready) {
    return console.failed_file(ready.error(), kWhat, failed);
  }
  CardAccess access(options, console);
  return access.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
    const std::size_t blocks = KB_TRY(card::store_data(port, plan));
    if (!access.is_dry()) {
      console.result({{"octets", plan.data.size()}, {"blocks", blocks}},
                     "{} octets are stored, in {} blocks.", plan.data.size(), blocks);
    }
    return {};
  });
}

int store_certificates(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "no certificates were stored";
  scp::CertificateStore store;
  std::filesystem::path failed;
  const auto ready = [&]() -> Result<void> {
    store.key = KB_TRY(parse_key_reference(options.key));
    for (const auto& path : options.stored_certificates) {
      failed = path;
      append(store.certificates, KB_TRY(read_certificate(path)));
    }
    failed.clear();
    return {};
  }();
  if (!ready) {
    return console.failed_file(ready.error(), kWhat, failed);
  }
  const Bytes data = scp::encode_domain_data(store);
  CardAccess access(options, console);
  return access.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
    KB_TRY(card::store_data(port, {.structure = gp::StoreStructure::kTlv, .data = data}));
    if (!access.is_dry()) {
      console.result({{"key", options.key}, {"certificates", options.stored_certificates.size()}},
                     "The certificate store of key {} has {} certificates.", options.key,
                     options.stored_certificates.size());
    }
    return {};
  });
}

}  // namespace kagibin::cli
