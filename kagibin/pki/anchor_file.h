// SPDX-License-Identifier: Apache-2.0
// The file by which the controlling authority's roots are pinned: one or two public keys in PEM
// (SubjectPublicKeyInfo), the current first.
//
//   -----BEGIN PUBLIC KEY----- ... -----END PUBLIC KEY-----
//
// Limits: one or two keys; text outside the blocks is refused except blanks and newlines, so that a
// damaged file does not lose a key unnoticed. Thread-safety: functions.
//
//   const TrustAnchors anchors = KB_TRY(read_anchors(text));
#pragma once

#include <string>
#include <string_view>

#include "kagibin/pki/chain.h"

namespace kagibin::pki {

Result<std::string> write_anchors(const TrustAnchors& anchors);
// kEncoding for text that is not PEM public keys, kLimit for none or more than two.
Result<TrustAnchors> read_anchors(std::string_view text);

}  // namespace kagibin::pki
