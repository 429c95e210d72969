// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_objects.h"

#include <array>
#include <cstring>

#include "kagibin/crypto/token/token_failure.h"

namespace kagibin::crypto::token {
namespace {

constexpr std::size_t kLargestValue = 4096;
constexpr std::uint8_t kOctetString = 0x04;

std::string cache_name(const TokenUri& uri, const Search& what) {
  return std::to_string(what.object_class) + '/' + std::to_string(what.key_type) + '/' +
         to_hex(uri.label()) + '/' + to_hex(uri.id());
}

}  // namespace

Attributes& Attributes::put(CK_ATTRIBUTE_TYPE type, ByteView value) {
  Bytes& kept = values_.emplace_back(value.begin(), value.end());
  list_.push_back({.type = type, .pValue = kept.data(), .ulValueLen = kept.size()});
  return *this;
}

Attributes& Attributes::put_number(CK_ATTRIBUTE_TYPE type, CK_ULONG value) {
  std::array<std::uint8_t, sizeof value> octets{};
  std::memcpy(octets.data(), &value, sizeof value);  // a number in the machine's own order
  return put(type, octets);
}

Attributes& Attributes::put_flag(CK_ATTRIBUTE_TYPE type, bool value) {
  const std::array<std::uint8_t, 1> octet = {static_cast<std::uint8_t>(value ? CK_TRUE : CK_FALSE)};
  return put(type, octet);
}

Attributes& Attributes::put_name(const TokenUri& uri) {
  if (!uri.label().empty()) {
    put(CKA_LABEL, uri.label());
  }
  if (!uri.id().empty()) {
    put(CKA_ID, uri.id());
  }
  return *this;
}

Attributes& Attributes::put_new_name(const TokenUri& uri) {
  put(CKA_LABEL, uri.label().empty() ? uri.id() : uri.label());
  return put(CKA_ID, uri.id().empty() ? uri.label() : uri.id());
}

Result<Found> find_object(Token& token,
                          const TokenSession& session,
                          const TokenUri& uri,
                          const Search& what) {
  const std::string name = cache_name(uri, what);
  if (const auto known = token.known_object(session.generation, name)) {
    return Found{.rv = CKR_OK, .object = known};
  }
  Attributes wanted;
  wanted.put_number(CKA_CLASS, what.object_class)
      .put_number(CKA_KEY_TYPE, what.key_type)
      .put_name(uri);
  const CK_FUNCTION_LIST& p11 = *session.functions;
  std::array<CK_OBJECT_HANDLE, 2> objects{};
  CK_ULONG count = 0;
  CK_RV rv = p11.C_FindObjectsInit(session.handle, wanted.data(), wanted.size());
  if (rv != CKR_OK) {
    return Found{.rv = rv, .object = std::nullopt};
  }
  rv = p11.C_FindObjects(session.handle, objects.data(), objects.size(), &count);
  p11.C_FindObjectsFinal(session.handle);
  if (rv != CKR_OK || count == 0) {
    return Found{.rv = rv, .object = std::nullopt};
  }
  if (count > 1) {
    return fail(Errc::kConflict,
                "the token has several keys of this name; add id= to the URI to tell them apart");
  }
  token.know_object(session.generation, name, objects[0]);
  return Found{.rv = CKR_OK, .object = objects[0]};
}

Result<CK_RV> with_object(Token& token,
                          const TokenSession& session,
                          const TokenUri& uri,
                          const Search& what,
                          const std::function<Result<CK_RV>(CK_OBJECT_HANDLE)>& use) {
  const Found found = KB_TRY(find_object(token, session, uri, what));
  if (found.rv != CKR_OK) {
    return found.rv;
  }
  if (!found.object) {
    return fail(
        Errc::kNotFound,
        "the token has no key of this name and kind; see what pkcs11-tool -O lists, or make "
        "one with --generate");
  }
  return use(*found.object);
}

Result<void> use_key(Token& token, const Token::Call& call) {
  const Result<void> done = token.run(Repeat::kAllowed, call);
  if (!done) {
    return fail(Errc::kIo, done.error().detail);
  }
  return {};
}

Value read_value(const TokenSession& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE asked{.type = type, .pValue = nullptr, .ulValueLen = 0};
  const CK_FUNCTION_LIST& p11 = *session.functions;
  Value out;
  out.rv = p11.C_GetAttributeValue(session.handle, object, &asked, 1);
  if (out.rv != CKR_OK) {
    return out;
  }
  if (asked.ulValueLen == 0 || asked.ulValueLen > kLargestValue) {
    out.rv = CKR_ATTRIBUTE_VALUE_INVALID;
    return out;
  }
  out.octets = SecretBytes(asked.ulValueLen);
  asked.pValue = out.octets.expose_mutable().data();
  out.rv = p11.C_GetAttributeValue(session.handle, object, &asked, 1);
  if (out.rv == CKR_OK && asked.ulValueLen > out.octets.size()) {
    out.rv = CKR_GENERAL_ERROR;
  } else if (out.rv == CKR_OK) {
    out.octets.shrink(asked.ulValueLen);
  }
  return out;
}

bool Flags::has(CK_ATTRIBUTE_TYPE type) {
  const Value value = read_value(session_, object_, type);
  if (value.rv != CKR_OK && kind_of(value.rv) != FailureKind::kFinal) {
    rv_ = value.rv;
  }
  return value.rv == CKR_OK && value.octets.size() == 1 && value.octets.expose()[0] == CK_TRUE;
}

Result<EcPublicKey> point_of(ByteView value) {
  constexpr std::size_t kHead = 2;
  if (value.size() == kEcPointSize + kHead && value[0] == kOctetString &&
      value[1] == kEcPointSize) {
    value = value.subspan(kHead);
  }
  return EcPublicKey::from_point(value);
}

}  // namespace kagibin::crypto::token
