// SPDX-License-Identifier: Apache-2.0
// PKCS#11 modules, loaded and initialised by p11-kit, and the slot in which a token is.
//
// Modules are code of others in our address space: those that a URI names by module-path, or else
// those that the machine's administrator registered with p11-kit. Ownership: each object holds its
// modules loaded; p11-kit counts. Thread-safety: find() and functions() may be shared; restart()
// takes the module from under whoever uses it at the same time, who then sees
// CKR_CRYPTOKI_NOT_INITIALIZED.
//
//   TokenModules modules = KB_TRY(TokenModules::load(uri));
//   const TokenPlace place = KB_TRY(modules.find(uri));
#pragma once

#include <utility>
#include <vector>

#include <p11-kit/p11-kit.h>

#include "kagibin/base/result.h"
#include "kagibin/crypto/token/token_uri.h"

namespace kagibin::crypto::token {

struct TokenPlace {
  CK_FUNCTION_LIST* functions = nullptr;
  CK_SLOT_ID slot = 0;
  CK_TOKEN_INFO info{};
};

class TokenModules {
 public:
  // kNotFound when there is no such file or no module is registered; kCrypto when it does not
  // start.
  static Result<TokenModules> load(const TokenUri& uri);

  TokenModules(const TokenModules&) = delete;
  TokenModules& operator=(const TokenModules&) = delete;
  TokenModules(TokenModules&& other) noexcept : modules_(std::exchange(other.modules_, {})) {}
  TokenModules& operator=(TokenModules&&) = delete;
  ~TokenModules();

  // The one token of this name. kNotFound; kConflict when there are several.
  Result<TokenPlace> find(const TokenUri& uri) const;
  // The first token that was never initialised. kNotFound.
  Result<TokenPlace> find_blank() const;
  // Finalises and initialises: for a token whose service was started anew.
  Result<void> restart();

 private:
  TokenModules() = default;
  std::vector<CK_FUNCTION_LIST*> modules_;
};

}  // namespace kagibin::crypto::token
