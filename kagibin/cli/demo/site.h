// SPDX-License-Identifier: Apache-2.0
// Where the demo's roles live: one folder each under the temporary folder, with everything that the
// role has on disk, the log files of its processes included.
//
//   authority maker manager provider distributor carrier device element reader examiner
//
// "reader" is the device's pcscd; "examiner" belongs to the demo itself, which sees everything.
// Thread-safety: one thread.
//
//   Site site = KB_TRY(Site::create(bin, folder.path(), rng));
//   KB_TRY(site.run(Role::kAuthority, {"init"}));
//   const auto server = KB_TRY(site.start(Role::kDistributor, {"serve", "--listen",
//   "127.0.0.1:0"}));
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/base/secret.h"
#include "kagibin/cli/demo/child.h"
#include "kagibin/cli/demo/hsm/soft_hsm.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::cli::demo {

enum class Role : std::uint8_t {
  kAuthority,
  kMaker,
  kManager,
  kProvider,
  kDistributor,
  kCarrier,
  kDevice,
  kElement,
};

// Those that have long-term keys, and a passphrase for their records.
inline constexpr std::array kRolesWithKeys = {Role::kAuthority, Role::kMaker, Role::kManager,
                                              Role::kProvider};

class Site {
 public:
  // Asked before each one-shot program starts: who is to look at it in its last moment, or empty.
  using Watch = std::function<Child::LastLook(Role)>;

  // Makes the folders, and passphrases for the roles that have key records.
  static Outcome<Site> create(const std::filesystem::path& programs,
                              const std::filesystem::path& root,
                              crypto::Rng& rng);

  // From now on those roles make their long-term keys in tokens of SoftHSM, one token each, with a
  // PIN in a file of the role's.
  Outcome<void> keep_keys_in_tokens(crypto::Rng& rng);
  const std::optional<SoftHsm>& hsm() const { return hsm_; }
  // Options that put new keys of a role into its token; none while keys are records.
  std::vector<std::string> key_options(
      Role role, std::initializer_list<std::pair<const char*, const char*>> options) const;

  void watch_by(Watch watch) { watch_ = std::move(watch); }

  // Runs to its end (at most a minute) and gives its results.
  Outcome<Child::Results> run(Role role, const std::vector<std::string>& arguments);
  // Starts and leaves it running; `watched` as a one-shot program is.
  Outcome<std::unique_ptr<Child>> start(Role role,
                                        const std::vector<std::string>& arguments,
                                        bool watched = false);
  // Another program in a role's name, without the options that our programs have.
  Outcome<Child::Results> run_program(Role role,
                                      const std::string& program,
                                      const std::vector<std::string>& arguments);
  Outcome<std::unique_ptr<Child>> start_program(Role role,
                                                const std::string& program,
                                                const std::vector<std::string>& arguments);

  std::filesystem::path home(Role role) const;
  std::filesystem::path reader() const { return root_ / "reader"; }
  std::filesystem::path examiner() const { return root_ / "examiner"; }
  std::filesystem::path file(Role role, const char* name) const { return home(role) / name; }
  Result<SecretBytes> passphrase(Role role) const;
  Result<SecretBytes> pin(Role role) const;
  std::string token_of(Role role) const;  // the token's label

 private:
  Site(std::filesystem::path programs, std::filesystem::path root)
      : programs_(std::move(programs)), root_(std::move(root)) {}
  Child::Plan plan(Role role, const std::vector<std::string>& arguments);
  std::filesystem::path next_log(Role role, const std::string& what);

  std::filesystem::path programs_;
  std::filesystem::path root_;
  std::optional<SoftHsm> hsm_;
  Watch watch_;
  int logs_ = 0;
};

// Writes public text.
Result<void> write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace kagibin::cli::demo
