// SPDX-License-Identifier: Apache-2.0
// A command port for delegated management (GPCS 2.3.1, 9.2, C.4, C.5): it signs tokens under the
// commands that take them and checks the receipts of the answers.
//
//   token     to INSTALL of every purpose but personalization, and to DELETE of an object, which
//             carry none yet, when there is a token key
//   receipt   in the answer to the same, for a load file in the answer to its last LOAD. What was
//             done is taken from the command; what it does not say (the load file of an application
//             made selectable, the domain that an object leaves) is asked of the card before, by
//             GET STATUS, when there is a receipt key
//
// A wrong receipt fails nothing here: the card has done the command. It stands in receipts().
// Ownership: refers to port and randomness, which outlive it; holds the keys. Thread-safety: one
// thread.
//
//   DelegatedPort port(session, {.token = std::move(key)}, facts.domain, rng);
//   KB_TRY(port.send(KB_TRY(install.encode()), "the card refuses INSTALL"));
//   for (const CheckedReceipt& one : port.receipts()) { one.verdict }
#pragma once

#include <optional>
#include <vector>

#include "kagibin/gp/delegated/receipt.h"
#include "kagibin/gp/delegated/token.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

struct DelegationKeys {
  std::optional<gp::Key> token{};    // private, or symmetric
  std::optional<gp::Key> receipt{};  // public, or symmetric
};

struct CheckedReceipt {
  enum class Verdict : std::uint8_t {
    kRight,
    kWrong,      // not of this key and this command, or no receipt at all as octets
    kMissing,    // there is a key for it, and the card gave none
    kUnchecked,  // the card gave one, and there is no key
  };
  CommandPort::Header header{};  // of the command that it is of
  Verdict verdict = Verdict::kMissing;
  std::optional<gp::Confirmation> confirmation{};
};

class DelegatedPort final : public CommandPort {
 public:
  // `performer`: the domain that the session is with.
  DelegatedPort(CommandPort& port,
                DelegationKeys keys,
                std::optional<Aid> performer,
                crypto::Rng& rng)
      : port_(port), keys_(std::move(keys)), performer_(performer), rng_(rng) {}

  Result<gp::SensitiveCipher> cipher() const override { return port_.cipher(); }
  std::size_t longest_data() const override { return port_.longest_data(); }
  const std::vector<CheckedReceipt>& receipts() const { return receipts_; }

 private:
  Result<apdu::ResponseApdu> exchange(const scp::PlainCommand& command) override;
  // What the receipt of the command will be over. Empty: the command says it wrongly, or the card
  // does not tell what is missing.
  Result<Bytes> what_is_done(const apdu::CommandApdu& command);
  Result<Bytes> what_is_installed(const apdu::CommandApdu& command);
  void check(const Header& header, ByteView answer, ByteView what_was_done);

  CommandPort& port_;
  DelegationKeys keys_;
  std::optional<Aid> performer_;
  crypto::Rng& rng_;
  std::optional<Bytes> loading_{};  // what the last LOAD will be a receipt of
  std::vector<CheckedReceipt> receipts_{};
};

}  // namespace kagibin::roles::security_module_manager
