// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/anchor_file.h"

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::pki {
namespace {

constexpr std::string_view kBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kEnd = "-----END PUBLIC KEY-----";
constexpr std::string_view kBlank = " \t\r\n";
constexpr std::size_t kMaxRoots = 2;

}  // namespace

Result<std::string> write_anchors(const TrustAnchors& anchors) {
  std::string out;
  for (const crypto::EcPublicKey& root : anchors.roots) {
    out += KB_TRY(crypto::public_key_to_pem(root));
  }
  return out;
}

Result<TrustAnchors> read_anchors(std::string_view text) {
  TrustAnchors out;
  for (;;) {
    const std::size_t start = text.find_first_not_of(kBlank);
    if (start == std::string_view::npos) {
      break;
    }
    text.remove_prefix(start);
    const std::size_t end = text.find(kEnd);
    if (!text.starts_with(kBegin) || end == std::string_view::npos) {
      return fail(Errc::kEncoding, "the file of the authority's roots is not PEM public keys");
    }
    if (out.roots.size() == kMaxRoots) {
      return fail(Errc::kLimit, "the authority has at most two roots at a time");
    }
    const std::string block(text.substr(0, end + kEnd.size()));
    out.roots.push_back(KB_TRY(crypto::public_key_from_pem(block + "\n")));
    text.remove_prefix(block.size());
  }
  if (out.roots.empty()) {
    return fail(Errc::kLimit, "the file of the authority's roots holds no key");
  }
  return out;
}

}  // namespace kagibin::pki
