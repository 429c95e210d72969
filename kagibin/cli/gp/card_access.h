// SPDX-License-Identifier: Apache-2.0
// The card of one run of kagibin gp: its link, what it says of itself, and the secure channel that
// the options ask for. Every failure is told here, in words that say which key of which file, what
// the card answered, whether a try was used and what to do; callers get the exit code.
//
// Ownership: owns link and session. Thread-safety: one thread.
//
//   CardAccess access(options, console);
//   return access.manage("nothing was deleted", [&](CommandPort& port) -> Result<void> { ... });
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kagibin/cli/console/console.h"
#include "kagibin/cli/gp/gp_options.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/roles/security_module_manager/card/channel_opening.h"
#include "kagibin/roles/security_module_manager/card/delegated_port.h"
#include "kagibin/roles/security_module_manager/card/dry_run.h"

namespace kagibin::cli {

// What a command is called; "command" for one that is not known.
std::string_view name_of(const roles::security_module_manager::CommandPort::Header& header);

// The exit code of a key file that cannot be taken, told with its name and the line.
int told_key_file(Console& console,
                  std::string_view what,
                  const std::filesystem::path& file,
                  const KeyFileProblem& problem);

class CardAccess {
 public:
  using CommandPort = roles::security_module_manager::CommandPort;
  using CardFacts = roles::security_module_manager::CardFacts;
  using Work = std::function<Result<void>(CommandPort&)>;

  CardAccess(const GpOptions& options, Console& console) : options_(options), console_(console) {}

  // Link and facts. False: the failure was told, code() is the exit code.
  bool connect(std::string_view what);
  // After connect(): the channel. False as above.
  bool open(std::string_view what);

  // connect(), open(), the work, the receipts; with --dry-run the commands of the work alone, and
  // no card. Tokens are signed on the way where the options name a key.
  // `what` begins the sentence of a failure.
  int manage(std::string_view what, const Work& work);
  // After open(): whether card and file have the same ENC, by a GET STATUS that changes nothing,
  // where the level encrypts commands. False as above.
  bool check_encryption(std::string_view what);
  // The exit code of a failure of the work, told with the command that the card refused.
  int told(std::string_view what, const Error& error);
  int told(std::string_view what, const Error& error, const apdu::CommandApdu& command);
  // True when the work must not be done: told. `force` of the options lets it pass with a warning.
  bool stops(std::string_view what, const std::optional<Detail>& danger);

  bool has_credentials() const { return !options_.keys.empty() || options_.scp.starts_with("11"); }
  bool is_dry() const { return options_.dry_run; }
  int code() const { return code_; }
  apdu::CardLink& link() { return *link_; }
  const CardFacts& facts() const { return facts_; }
  CommandPort& port() { return *port_; }
  // nullptr before open().
  const scp::HostSession* session() const { return session_; }
  const roles::security_module_manager::ChannelReport& report() const { return report_; }
  crypto::Rng& rng() { return rng_; }

 private:
  // The keys of tokens and receipts. Empty: told, code() is the exit code.
  std::optional<roles::security_module_manager::DelegationKeys> delegation_keys(
      std::string_view what);
  bool read_last_counter();
  int told_receipts(const roles::security_module_manager::DelegatedPort& port);
  bool open_channel(std::string_view what);
  bool open_with_key_file(std::string_view what);
  bool open_with_certificate(std::string_view what);
  // A file that cannot be taken is named in `failed`.
  Result<roles::security_module_manager::HostCredentials> credentials(
      std::filesystem::path& failed) const;
  bool fails(int code) {
    code_ = code;
    return false;
  }
  int refused(std::string_view what, const Error& error, CommandPort::Header header);
  // True in an SCP03 session that encrypts commands, before the card did one with data: nothing
  // showed yet that card and file have the same ENC.
  bool depends_on_encryption() const;
  // GET STATUS of the issuer security domain: data that every card reads alike, and no change.
  Result<apdu::ResponseApdu> ask_for_issuer_domain();
  // Whether the card reads other data than those of ask_for_issuer_domain().
  bool reads_other_data();
  int channel_failed(std::string_view what, const Error& error, const KeyFileEntry* used);
  int print_dry_run(const roles::security_module_manager::DryRun& dry);

  const GpOptions& options_;
  Console& console_;
  crypto::SystemRng rng_;
  std::unique_ptr<apdu::CardLink> reader_;  // where link_ is a logical channel of it
  std::unique_ptr<apdu::CardLink> link_;
  CardFacts facts_;
  std::unique_ptr<CommandPort> port_;
  const scp::HostSession* session_ = nullptr;  // of port_
  roles::security_module_manager::ChannelReport report_;
  std::optional<KeyFileEntry> used_;           // of the key file, in the open session
  scp::SecurityLevel level_{};                 // with which session_ was opened
  std::optional<std::uint16_t> last_counter_;  // of the receipts that were believed
  int code_ = kExitFailed;
};

}  // namespace kagibin::cli
