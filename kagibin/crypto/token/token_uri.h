// SPDX-License-Identifier: Apache-2.0
// A token or a key in one, by RFC 7512:
// "pkcs11:token=provider;object=signing?module-path=/usr/lib/softhsm/libsofthsm2.so".
//
// Read by p11-kit. Asked of it here: a token that is named (token, serial, manufacturer or model);
// no attribute that is not understood; no pin-value, for a PIN never stands where it is listed or
// kept in a history; a module-path that is absolute, for it is code that is loaded. Limits: 1,024
// octets. Errors: kValue, kPolicy for a PIN. Ownership: a value that is moved. Thread-safety: const
// use may be shared.
//
//   const TokenUri uri = KB_TRY(TokenUri::parse(text));
//   if (uri.names_key()) { ... }
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::crypto::token {

class TokenUri {
 public:
  static Result<TokenUri> parse(std::string_view text);

  const std::string& text() const { return text_; }
  // Has an object or an id.
  bool names_key() const { return !label_.empty() || !id_.empty(); }
  const Bytes& label() const { return label_; }  // CKA_LABEL; empty: any
  const Bytes& id() const { return id_; }        // CKA_ID; empty: any
  // Empty: every module that this machine registers with p11-kit.
  const std::string& module_path() const { return module_path_; }
  // The file that the URI says the PIN is in; empty: it does not say.
  const std::string& pin_source() const { return pin_source_; }
  // The same for all keys of one token by one module.
  const std::string& token_text() const { return token_text_; }
  // As a CK_TOKEN_INFO has it, 32 octets filled up with blanks; empty: the URI does not say.
  Bytes token_label() const;

  bool matches(const CK_TOKEN_INFO& info) const;

 private:
  struct Free {
    void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
  };
  TokenUri() = default;

  std::unique_ptr<P11KitUri, Free> uri_;
  std::string text_;
  Bytes label_;
  Bytes id_;
  std::string module_path_;
  std::string pin_source_;
  std::string token_text_;
};

}  // namespace kagibin::crypto::token
