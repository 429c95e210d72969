// SPDX-License-Identifier: Apache-2.0
// Keys in PKCS#11 tokens, for the programs whose long-term keys may be there: where the PIN comes
// from, and the options that say where a new key is to be.
//
// The PIN of a token is looked for in this order: the file named for this token by
// --token-pin-file; the file named by --pin-file; the file that the URI names by pin-source (RFC
// 7512); the systemd credential "kagibin-pin-TOKEN" of this token, then "kagibin-pin"; a prompt,
// which names the token. Never argv,
// never the environment. Files as passphrase.h wants them. Nothing is loaded before a key in a
// token is asked for. Thread-safety: one thread.
//
//   cli::TokenAccess tokens(program);
//   tokens.add_place(init, "--signing-key", place, "SK.SP.SIG");
//   ... AuthorityFolder::open(home, passphrase, tokens.get()) ...
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/cli/console/program.h"
#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/token/pkcs11_tokens.h"

namespace kagibin::cli {

class TokenAccess {
 public:
  // Adds --pin-file and --token-pin-file. The program outlives it.
  explicit TokenAccess(Program& program);

  // Adds an option that takes a URI, and --generate where the command does not have it yet; that
  // flag alone, with no key in a token to make, is wrong usage. `place` outlives the program's run.
  void add_place(CLI::App* command,
                 const std::string& option,
                 crypto::KeyPlace& place,
                 const std::string& what);
  // With what --generate says.
  crypto::KeyPlace with_generate(crypto::KeyPlace place) const;

  crypto::KeyTokens* get() { return &tokens_; }
  crypto::token::Pkcs11Tokens& tokens() { return tokens_; }
  // `is_new`: a prompt asks twice.
  Result<SecretBytes> pin(const crypto::token::TokenUri& uri, bool is_new) const;

 private:
  std::optional<std::filesystem::path> pin_file_;
  std::vector<std::string> token_pin_files_;  // TOKEN=FILE
  bool generate_ = false;
  std::map<CLI::App*, std::vector<const crypto::KeyPlace*>> places_;
  crypto::token::Pkcs11Tokens tokens_;
};

}  // namespace kagibin::cli
