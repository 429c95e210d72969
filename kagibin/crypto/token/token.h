// SPDX-License-Identifier: Apache-2.0
// One token: its sessions, its login, and what happens when either goes away.
//
// Sessions are kept open and lent, one a call, at most `sessions` at a time (1 to 64); who finds
// all lent waits. Login is the application's (PKCS#11 v2.40, 5.6.1): it happens with the first
// session and again whenever the token has forgotten it. The PIN is asked for once, stays in memory
// for that and is wiped with the token. A PIN that was refused is never tried again, and none is
// tried when one try is left. run() asks again what failed because sessions were gone (once, after
// finding the token anew, restarting its module where it must) or because the token was busy (four
// times in all, waiting 10, 40 and 160 ms), if the caller says that asking again is harmless. A
// session that saw a failure is closed, not lent again. Ownership: holds module and sessions.
// Thread-safety: may be shared.
//
//   const auto token = KB_TRY(Token::open(std::move(uri), pin, 8));
//   KB_TRY(token->run(Repeat::kAllowed, [&](const TokenSession& at) -> Result<CK_RV> {
//     return at.functions->C_GenerateRandom(at.handle, out.data(), out.size());
//   }));
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/token/token_abilities.h"
#include "kagibin/crypto/token/token_module.h"
#include "kagibin/crypto/token/token_uri.h"

namespace kagibin::crypto::token {

struct TokenSession {
  CK_FUNCTION_LIST* functions = nullptr;
  CK_SESSION_HANDLE handle = 0;
  std::uint64_t generation = 0;  // of the token's sessions; handles of objects live as long
};

enum class Repeat : std::uint8_t { kAllowed, kHarmful };

// The PIN of the token that the URI names.
using PinSource = std::function<Result<SecretBytes>(const TokenUri& uri)>;

inline constexpr std::size_t kMostSessions = 64;

class Token {
 public:
  // Finds the token and logs in. Errors: those of TokenUri, TokenModules and token_failure.h.
  static Result<std::shared_ptr<Token>> open(TokenUri uri, PinSource pin, std::size_t sessions);

  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token();

  using Call = std::function<Result<CK_RV>(const TokenSession& session)>;
  Result<void> run(Repeat repeat, const Call& call);

  const TokenAbilities& abilities() const { return abilities_; }
  // As it was when it was opened.
  const CK_TOKEN_INFO& info() const { return info_; }

  // Handles of objects that were found in this generation of sessions.
  std::optional<CK_OBJECT_HANDLE> known_object(std::uint64_t generation, const std::string& name);
  void know_object(std::uint64_t generation, const std::string& name, CK_OBJECT_HANDLE object);
  void forget_objects();

 private:
  Token(TokenUri uri, TokenModules modules, PinSource pin, std::size_t sessions)
      : uri_(std::move(uri)),
        modules_(std::move(modules)),
        pin_source_(std::move(pin)),
        most_(sessions) {}

  Result<TokenSession> borrow();
  void give_back(const TokenSession& session, bool is_good);
  // Everything known about sessions of this generation is over.
  void lose(std::uint64_t generation);
  // The following: mutex_ is held.
  Result<TokenSession> open_session();
  Result<CK_SESSION_HANDLE> open_and_log_in();
  Result<void> log_in(const TokenPlace& place, CK_SESSION_HANDLE session);

  TokenUri uri_;
  TokenModules modules_;
  PinSource pin_source_;
  CK_TOKEN_INFO info_{};
  TokenAbilities abilities_;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t most_;
  std::size_t open_ = 0;  // of this generation, lent or idle
  std::vector<TokenSession> idle_;
  std::uint64_t generation_ = 1;
  std::optional<TokenPlace> place_;  // empty: to be found
  std::map<std::string, CK_OBJECT_HANDLE> objects_;
  std::optional<SecretBytes> pin_;
  std::optional<Error> pin_refused_;
};

}  // namespace kagibin::crypto::token
