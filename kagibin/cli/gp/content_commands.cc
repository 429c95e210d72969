// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/content_commands.h"

#include <utility>

#include <fmt/format.h>

#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/gp/content_options.h"
#include "kagibin/cli/gp/input/cap_archive.h"
#include "kagibin/cli/gp/input/privilege_names.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/gp/content/cap_file.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/delegated/load_file_signature.h"
#include "kagibin/roles/security_module_manager/card/content_loading.h"
#include "kagibin/roles/security_module_manager/card/key_change.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

// The security domain's code as GlobalPlatform cards have it under these names by default.
constexpr std::string_view kDomainPackage = "A0000001515350";
constexpr std::string_view kDomainModule = "A000000151535041";
constexpr tlv::Tag kApplicationParameters = 0xC9;
constexpr tlv::Tag kProtocol = 0x81;

// "AID=FILE": a domain with DAP Verification and its signature.
Result<gp::DapBlock> parse_dap(const std::string& text, std::filesystem::path& failed) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return fail(Errc::kInvalidArgument, "--dap takes AID=FILE: the domain, and its signature");
  }
  const Aid domain = KB_TRY(Aid::from_hex(text.substr(0, equals)));
  return gp::DapBlock{domain, KB_TRY(optional_file(text.substr(equals + 1), failed))};
}

std::optional<crypto::HashAlgorithm> hash_of(const std::string& name) {
  return name == "sha1"     ? std::optional(crypto::HashAlgorithm::kSha1)
         : name == "sha256" ? std::optional(crypto::HashAlgorithm::kSha256)
         : name == "sha384" ? std::optional(crypto::HashAlgorithm::kSha384)
         : name == "sha512" ? std::optional(crypto::HashAlgorithm::kSha512)
                            : std::nullopt;
}

// What is installed: C9 is always there, as INSTALL [for install] wants it (GPCS 11.5.2.3.7).
Result<Bytes> install_parameters(const GpOptions& options) {
  Bytes own = KB_TRY(optional_hex(options.parameters));
  if (!options.ssd_scp.empty()) {
    const Bytes protocol = KB_TRY(parse_hex(options.ssd_scp, 2, 3));
    append(own, tlv::encode(kProtocol, protocol));
  }
  Bytes out = tlv::encode(kApplicationParameters, own);
  append(out, KB_TRY(other_parameters(options)));
  return out;
}

class Installation {
 public:
  Installation(const GpOptions& options, Console& console) : options_(options), console_(console) {}

  Result<void> prepare() {
    if (!options_.cap.empty()) {
      KB_TRY(read_cap_file());
    }
    if (options_.load_only) {
      return options_.cap.empty() ? fail(Errc::kInvalidArgument, "--load-only takes a CAP file")
                                  : Result<void>{};
    }
    return plan_instance();
  }

  // The file that prepare() failed in; empty: in none.
  const std::filesystem::path& failed() const { return failed_; }

  Result<void> run(card::CommandPort& port, bool dry) {
    if (!options_.cap.empty()) {
      KB_TRY(load(port, dry));
    }
    if (install_) {
      const apdu::CommandApdu command = KB_TRY(install_->encode());
      KB_TRY(port.send(command, "the card refuses INSTALL"));
      if (!dry) {
        console_.result({{"installed", install_->application.hex()},
                         {"load_file", install_->load_file->hex()},
                         {"module", install_->module->hex()}},
                        "{} is installed from {} and can{} be selected.",
                        install_->application.hex(), install_->load_file->hex(),
                        install_->makes_selectable() ? "" : "not");
      }
    }
    return {};
  }

 private:
  Result<void> read_cap_file() {
    failed_ = options_.cap;
    const SecretBytes file = KB_TRY(crypto::read_file(options_.cap));
    block_ = KB_TRY(read_cap(file.expose(), options_.no_descriptor ? DescriptorComponent::kWithout
                                                                   : DescriptorComponent::kWith));
    cap_ = KB_TRY(gp::CapFile::decode(block_));
    failed_.clear();
    for (const std::string& text : options_.dap) {
      dap_blocks_.push_back(KB_TRY(parse_dap(text, failed_)));
    }
    const Bytes token = KB_TRY(optional_file(options_.load_token, failed_));
    auto hash = hash_of(options_.hash);
    // A DAP block and a token are worth something with the hash alone (GPCS C.2, C.3).
    if (!hash && (!dap_blocks_.empty() || !token.empty() || !options_.token_key.empty())) {
      hash = crypto::HashAlgorithm::kSha256;
    }
    announcement_.emplace(
        gp::InstallForLoad{.load_file = cap_->package.aid,
                           .security_domain = KB_TRY(optional_aid(options_.owner)),
                           .hash = hash ? gp::load_file_hash(*hash, block_) : Bytes{},
                           .parameters = KB_TRY(token_reference_object(options_)),
                           .token = token});
    return {};
  }

  // Which module: the one named, or the only one of the CAP file.
  Result<Aid> module() const {
    if (!options_.applet.empty()) {
      return Aid::from_hex(options_.applet);
    }
    if (!options_.ssd.empty()) {
      return Aid::from_hex(kDomainModule);
    }
    if (!cap_ || cap_->applets.size() != 1) {
      return fail(Errc::kInvalidArgument,
                  cap_ && cap_->applets.empty()
                      ? Detail("the CAP file is a library, without an applet: use --load-only")
                      : Detail("name the applet (module) to install with --applet"));
    }
    return cap_->applets.front();
  }

  // What it is installed from: the file named, the load file named, or the card's own for domains.
  Result<Aid> load_file() const {
    if (!options_.package.empty()) {
      return Aid::from_hex(options_.package);
    }
    if (cap_) {
      return cap_->package.aid;
    }
    if (!options_.ssd.empty()) {
      return Aid::from_hex(kDomainPackage);
    }
    return fail(Errc::kInvalidArgument,
                "name a CAP file, or --package of a load file on the card, or --ssd");
  }

  Result<void> plan_instance() {
    const Aid package = KB_TRY(load_file());
    const Aid from = KB_TRY(module());
    gp::Install install{.purpose = options_.not_selectable
                                       ? gp::InstallFor::kInstall
                                       : gp::InstallFor::kInstallAndMakeSelectable,
                        .load_file = package,
                        .module = from,
                        .application = from,
                        .parameters = KB_TRY(install_parameters(options_)),
                        .token = KB_TRY(optional_file(options_.token, failed_))};
    if (!options_.ssd.empty()) {
      install.application = KB_TRY(Aid::from_hex(options_.ssd));
      install.privileges = {gp::Privileges::kSecurityDomain};
    } else if (!options_.instance.empty()) {
      install.application = KB_TRY(Aid::from_hex(options_.instance));
    }
    if (!options_.privileges.empty()) {
      install.privileges = KB_TRY(parse_privileges(options_.privileges));
    }
    install_ = std::move(install);
    return {};
  }

  Result<void> load(card::CommandPort& port, bool dry) {
    const card::LoadPlan plan{.announcement = *announcement_,
                              .dap_blocks = dap_blocks_,
                              .data_block = block_,
                              .longest_block = static_cast<std::size_t>(options_.block_size)};
    std::size_t sent = 0;
    KB_TRY(card::load_content(port, plan, [&](std::size_t done, std::size_t) { sent = done; }));
    if (!dry) {
      console_.result(
          {{"loaded", cap_->package.aid.hex()}, {"octets", block_.size()}, {"blocks", sent}},
          "Load file {} is on the card: {} octets in {} blocks.", cap_->package.aid.hex(),
          block_.size(), sent);
    }
    return {};
  }

  const GpOptions& options_;
  Console& console_;
  std::filesystem::path failed_{};
  Bytes block_{};
  std::optional<gp::CapFile> cap_{};
  std::vector<gp::DapBlock> dap_blocks_{};
  std::optional<gp::InstallForLoad> announcement_{};
  std::optional<gp::Install> install_{};
};

Result<gp::DeleteKeys> parse_key_name(const std::string& text) {
  const std::size_t slash = text.find('/');
  gp::DeleteKeys out{.version = KB_TRY(parse_octet(text.substr(0, slash)))};
  if (slash != std::string::npos) {
    out.identifier = KB_TRY(parse_octet(text.substr(slash + 1)));
  }
  return out;
}

int delete_keys(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "no key was deleted";
  const auto keys = parse_key_name(options.key);
  if (!keys) {
    return console.failed_usage("--key takes KVN or KVN/KID, as in 31 or 31/01");
  }
  CardAccess access(options, console);
  int code = kExitOk;
  const int managed = access.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
    if (access.stops(kWhat, card::danger_of(access.facts(), *keys))) {
      code = access.code();
      return {};
    }
    KB_TRY(port.send(keys->encode(), "the card refuses DELETE [key]"));
    if (!access.is_dry()) {
      console.result({{"deleted_key", options.key}}, "Key {} is deleted.", options.key);
    }
    return {};
  });
  return code != kExitOk ? code : managed;
}

}  // namespace

int install_content(const GpOptions& options, Console& console) {
  constexpr std::string_view kWhat = "nothing was installed";
  Installation installation(options, console);
  if (const auto ready = installation.prepare(); !ready) {
    return console.failed_file(ready.error(), kWhat, installation.failed());
  }
  CardAccess access(options, console);
  return access.manage(
      kWhat, [&](card::CommandPort& port) { return installation.run(port, access.is_dry()); });
}

int delete_content(const GpOptions& options, Console& console) {
  if (options.aid.empty() == options.key.empty()) {
    return console.failed_usage("name an AID, or --key KVN or KVN/KID");
  }
  if (!options.key.empty()) {
    return delete_keys(options, console);
  }
  constexpr std::string_view kWhat = "nothing was deleted";
  const auto aid = Aid::from_hex(options.aid);
  if (!aid) {
    return console.failed_usage("an AID is 5 to 16 octets in hexadecimal digits");
  }
  std::filesystem::path failed;
  const auto token = optional_file(options.token, failed);
  if (!token) {
    return console.failed_file(token.error(), kWhat, failed);
  }
  const auto reference = token_reference_value(options);
  if (!reference) {
    return console.failed(reference.error(), kWhat);
  }
  CardAccess access(options, console);
  return access.manage(kWhat, [&](card::CommandPort& port) -> Result<void> {
    const gp::DeleteObject request{
        .aid = *aid, .related = options.related, .control_reference = *reference, .token = *token};
    KB_TRY(port.send(request.encode(), "the card refuses DELETE"));
    if (!access.is_dry()) {
      console.result({{"deleted", aid->hex()}, {"related", options.related}}, "{} is deleted{}.",
                     aid->hex(), options.related ? ", with what came from it" : "");
    }
    return {};
  });
}

}  // namespace kagibin::cli
