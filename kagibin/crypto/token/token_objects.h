// SPDX-License-Identifier: Apache-2.0
// Finding, making and reading objects of a token (PKCS#11 v2.40, 4 and 5.7). For crypto/token/
// only.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/token/token.h"

namespace kagibin::crypto::token {

// Attributes for the calls that take them; owns their values.
class Attributes {
 public:
  Attributes& put(CK_ATTRIBUTE_TYPE type, ByteView value);
  Attributes& put_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value);
  Attributes& put_flag(CK_ATTRIBUTE_TYPE type, bool value);
  // Label and id of the URI, as far as it has them.
  Attributes& put_name(const TokenUri& uri);
  // The same for an object to be made: the label stands for an id that was not said.
  Attributes& put_new_name(const TokenUri& uri);
  CK_ATTRIBUTE* data() { return list_.data(); }
  CK_ULONG size() const { return list_.size(); }

 private:
  std::deque<Bytes> values_;
  std::vector<CK_ATTRIBUTE> list_;
};

// The one object of this class and type under the URI's name, or an empty optional. kConflict when
// there are several.
struct Search {
  CK_OBJECT_CLASS object_class = 0;
  CK_KEY_TYPE key_type = 0;
};
struct Found {
  CK_RV rv = CKR_OK;
  std::optional<CK_OBJECT_HANDLE> object;
};
Result<Found> find_object(Token& token,
                          const TokenSession& session,
                          const TokenUri& uri,
                          const Search& what);

// The object under this name in this session, for `use`. kNotFound when there is none.
Result<CK_RV> with_object(Token& token,
                          const TokenSession& session,
                          const TokenUri& uri,
                          const Search& what,
                          const std::function<Result<CK_RV>(CK_OBJECT_HANDLE)>& use);

// Using a key that was opened. Whatever the token answers is kIo, for it says nothing about what
// was to be signed or opened, and may pass: a PIN that was changed, a token that is gone.
Result<void> use_key(Token& token, const Token::Call& call);

// One attribute's value; the size is asked first. rv is what the token answered.
struct Value {
  CK_RV rv = CKR_OK;
  SecretBytes octets;
};
Value read_value(const TokenSession& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

// Flags of one object. A token that does not say has it not set; one that did not come to answer
// has said nothing: whoever decides by flags looks at rv() first.
class Flags {
 public:
  Flags(const TokenSession& session, CK_OBJECT_HANDLE object)
      : session_(session), object_(object) {}
  bool has(CK_ATTRIBUTE_TYPE type);
  CK_RV rv() const { return rv_; }

 private:
  TokenSession session_;
  CK_OBJECT_HANDLE object_;
  CK_RV rv_ = CKR_OK;
};

// CKA_EC_POINT: the point in an OCTET STRING, or, of some tokens, the point alone. kValue.
Result<EcPublicKey> point_of(ByteView value);

}  // namespace kagibin::crypto::token
