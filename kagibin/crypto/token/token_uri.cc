// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/token/token_uri.h"

#include <cstdlib>

namespace kagibin::crypto::token {
namespace {

constexpr std::size_t kLongest = 1024;

struct FreeText {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc): p11-kit gives what free() takes
  void operator()(char* text) const { std::free(text); }
};

Bytes attribute(P11KitUri* uri, CK_ATTRIBUTE_TYPE type) {
  const CK_ATTRIBUTE* found = p11_kit_uri_get_attribute(uri, type);
  if (found == nullptr) {
    return {};
  }
  const auto* octets = static_cast<const std::uint8_t*>(found->pValue);
  const ByteView view(octets, found->ulValueLen);
  return {view.begin(), view.end()};
}

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

// p11-kit fills unused characters with blanks, and leaves zeros where nothing was said.
bool is_said(ByteView field) { return field.front() != 0; }

bool names_token(P11KitUri* uri) {
  const CK_TOKEN_INFO* info = p11_kit_uri_get_token_info(uri);
  return is_said(info->label) || is_said(info->serialNumber) || is_said(info->manufacturerID) ||
         is_said(info->model);
}

}  // namespace

Result<TokenUri> TokenUri::parse(std::string_view text) {
  TokenUri out;
  out.uri_.reset(p11_kit_uri_new());
  if (out.uri_ == nullptr || text.size() > kLongest || text.find('\0') != std::string_view::npos ||
      p11_kit_uri_parse(std::string(text).c_str(), P11_KIT_URI_FOR_ANY, out.uri_.get()) !=
          P11_KIT_URI_OK) {
    return fail(Errc::kValue,
                "a key in a token is named like pkcs11:token=NAME;object=KEY?module-path=/FILE.so "
                "(RFC 7512)");
  }
  P11KitUri* uri = out.uri_.get();
  if (p11_kit_uri_get_pin_value(uri) != nullptr) {
    return fail(
        Errc::kPolicy,
        "a PIN does not stand in a URI, where others can read it: take pin-value out and give "
        "a file that holds it");
  }
  if (p11_kit_uri_any_unrecognized(uri) != 0) {
    return fail(Errc::kValue, "the pkcs11: URI has an attribute that is not known");
  }
  if (p11_kit_uri_get_module_name(uri) != nullptr) {
    return fail(Errc::kValue, "the module is named by module-path, not by module-name");
  }
  if (!names_token(uri)) {
    return fail(Errc::kValue, "the pkcs11: URI names no token: say token=NAME or serial=NUMBER");
  }
  out.text_ = text;
  out.module_path_ = text_of(p11_kit_uri_get_module_path(uri));
  if (!out.module_path_.empty() && !out.module_path_.starts_with('/')) {
    return fail(Errc::kValue, "module-path is code that is loaded: it has to be an absolute path");
  }
  out.pin_source_ = text_of(p11_kit_uri_get_pin_source(uri));
  out.label_ = attribute(uri, CKA_LABEL);
  out.id_ = attribute(uri, CKA_ID);
  p11_kit_uri_set_pin_source(uri, nullptr);  // kept above; not part of the token's name
  char* formatted = nullptr;
  if (p11_kit_uri_format(uri, P11_KIT_URI_FOR_TOKEN, &formatted) != P11_KIT_URI_OK) {
    return fail(Errc::kCrypto, "p11-kit did not write the token's name");
  }
  const std::unique_ptr<char, FreeText> owned(formatted);
  out.token_text_ = owned.get();
  return out;
}

Bytes TokenUri::token_label() const {
  const ByteView label = p11_kit_uri_get_token_info(uri_.get())->label;
  return is_said(label) ? Bytes(label.begin(), label.end()) : Bytes();
}

bool TokenUri::matches(const CK_TOKEN_INFO& info) const {
  return p11_kit_uri_match_token_info(uri_.get(), &info) == 1;
}

}  // namespace kagibin::crypto::token
