// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/site.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr auto kOneShotLimit = std::chrono::seconds(60);
constexpr std::size_t kPassphraseOctets = 16;

const char* folder_name(Role role) {
  switch (role) {
    case Role::kAuthority:
      return "authority";
    case Role::kMaker:
      return "maker";
    case Role::kManager:
      return "manager";
    case Role::kProvider:
      return "provider";
    case Role::kDistributor:
      return "distributor";
    case Role::kCarrier:
      return "carrier";
    case Role::kDevice:
      return "device";
    case Role::kElement:
      return "element";
  }
  return "";
}

std::string program_name(Role role) {
  switch (role) {
    case Role::kDevice:
      return "kagibin-agent";
    case Role::kElement:
      return "kagibin-se";
    default:
      return std::string("kagibin-") + folder_name(role);
  }
}

bool has_passphrase(Role role) {
  return std::ranges::find(kRolesWithKeys, role) != kRolesWithKeys.end();
}

constexpr const char* kPassphraseFile = "passphrase";
constexpr const char* kPinFile = "pin";

// Random, as hexadecimal digits, in a file of the owner's.
Result<void> write_digits(const fs::path& file, crypto::Rng& rng) {
  const SecretBytes octets = KB_TRY(crypto::random_secret(rng, kPassphraseOctets));
  SecretBytes digits(2 * kPassphraseOctets);
  for (std::size_t at = 0; at < kPassphraseOctets; ++at) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    digits.expose_mutable()[2 * at] = static_cast<std::uint8_t>(kDigits[octets.expose()[at] >> 4U]);
    digits.expose_mutable()[2 * at + 1] =
        static_cast<std::uint8_t>(kDigits[octets.expose()[at] & 0x0FU]);
  }
  return crypto::write_file(file, digits.expose(), true);
}

}  // namespace

Result<void> write_text(const fs::path& path, std::string_view text) {
  return crypto::write_file(path, ascii(text), false);
}

Outcome<Site> Site::create(const fs::path& programs, const fs::path& root, crypto::Rng& rng) {
  Site out(programs, root);
  std::error_code error;
  for (const Role role : {Role::kAuthority, Role::kMaker, Role::kManager, Role::kProvider,
                          Role::kDistributor, Role::kCarrier, Role::kDevice, Role::kElement}) {
    fs::create_directories(out.home(role) / "log", error);
    if (!error) {
      fs::permissions(out.home(role), fs::perms::owner_all, error);
    }
    if (has_passphrase(role)) {
      KB_TRY(write_digits(out.home(role) / kPassphraseFile, rng));
    }
  }
  fs::create_directories(out.reader(), error);
  fs::create_directories(out.examiner(), error);
  fs::permissions(out.examiner(), fs::perms::owner_all, error);
  if (error) {
    return failure("the demo's folders could not be made");
  }
  return out;
}

fs::path Site::home(Role role) const { return root_ / folder_name(role); }

Result<SecretBytes> Site::passphrase(Role role) const {
  return crypto::read_file(home(role) / kPassphraseFile);
}

Result<SecretBytes> Site::pin(Role role) const { return crypto::read_file(home(role) / kPinFile); }

std::string Site::token_of(Role role) const { return folder_name(role); }

Outcome<void> Site::keep_keys_in_tokens(crypto::Rng& rng) {
  SoftHsm hsm = KB_TRY(SoftHsm::create(root_ / "hsm"));
  for (const Role role : kRolesWithKeys) {
    const fs::path so_pin = home(role) / "so-pin";
    KB_TRY(write_digits(so_pin, rng));
    KB_TRY(write_digits(home(role) / kPinFile, rng));
    KB_TRY(run_program(role, "kagibin-token",
                       {"init", hsm.token_uri(token_of(role)), "--so-pin-file", so_pin,
                        "--pin-file", home(role) / kPinFile}));
  }
  hsm_ = std::move(hsm);
  return {};
}

std::vector<std::string> Site::key_options(
    Role role, std::initializer_list<std::pair<const char*, const char*>> options) const {
  std::vector<std::string> out;
  if (hsm_) {
    for (const auto& [option, key] : options) {
      out.insert(out.end(), {option, hsm_->key_uri(token_of(role), key)});
    }
    out.emplace_back("--generate");
  }
  return out;
}

fs::path Site::next_log(Role role, const std::string& what) {
  return home(role) / "log" / fmt::format("{:02}-{}", ++logs_, what);
}

Child::Plan Site::plan(Role role, const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"--home", home(role), "--json"};
  if (has_passphrase(role)) {
    all.insert(all.end(), {"--passphrase-file", home(role) / kPassphraseFile});
    if (hsm_) {
      all.insert(all.end(), {"--pin-file", home(role) / kPinFile});
    }
  }
  all.insert(all.end(), arguments.begin(), arguments.end());
  return {.program = programs_ / program_name(role),
          .arguments = std::move(all),
          .log = next_log(role, arguments.empty() ? "run" : arguments.front())};
}

Outcome<Child::Results> Site::run(Role role, const std::vector<std::string>& arguments) {
  Child::Plan wanted = plan(role, arguments);
  if (watch_) {
    wanted.last_look = watch_(role);
  }
  const auto child = KB_TRY(Child::start(std::move(wanted)));
  return child->wait_until_done(kOneShotLimit);
}

Outcome<Child::Results> Site::run_program(Role role,
                                          const std::string& program,
                                          const std::vector<std::string>& arguments) {
  Child::Plan wanted{.program = programs_ / program,
                     .arguments = arguments,
                     .log = next_log(role, arguments.front())};
  if (watch_) {
    wanted.last_look = watch_(role);
  }
  const auto child = KB_TRY(Child::start(std::move(wanted)));
  return child->wait_until_done(kOneShotLimit);
}

Outcome<std::unique_ptr<Child>> Site::start(Role role,
                                            const std::vector<std::string>& arguments,
                                            bool watched) {
  Child::Plan wanted = plan(role, arguments);
  if (watched && watch_) {
    wanted.last_look = watch_(role);
  }
  return Child::start(std::move(wanted));
}

Outcome<std::unique_ptr<Child>> Site::start_program(Role role,
                                                    const std::string& program,
                                                    const std::vector<std::string>& arguments) {
  return Child::start({.program = programs_ / program,
                       .arguments = arguments,
                       .log = next_log(role, arguments.front()),
                       .last_look = watch_ ? watch_(role) : Child::LastLook()});
}

}  // namespace kagibin::cli::demo
