// SPDX-License-Identifier: Apache-2.0
// Names under which the order flow keeps things in the journal: labels of sealed blobs, and the
// record of the last receipt of an element and target that was judged, for TLV 87 of the next E0.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "kagibin/base/aid.h"
#include "kagibin/delivery/journal_store.h"
#include "kagibin/delivery/names.h"

namespace kagibin::roles::service_provider {

inline std::string payload_label(const delivery::OrderId& order) {
  return fmt::format("payload/{}", order.text());
}
inline std::string kem_label(const delivery::OrderId& order, delivery::AttemptNumber attempt) {
  return fmt::format("kem/{}/{}", order.text(), attempt);
}
inline std::string receipt_key_label(const delivery::OrderId& order,
                                     delivery::AttemptNumber attempt) {
  return fmt::format("kr/{}/{}", order.text(), attempt);
}

using delivery::is_envelope;

inline constexpr std::string_view kReceiptKind = "receipt";
// The highest SEQ of (SEID, target) whose outcome changed our key store, four octets.
inline constexpr std::string_view kLearnedSeqKind = "learned_seq";
inline Bytes receipt_key(const Seid& seid, const Aid& target) {
  Bytes out(seid.octets.begin(), seid.octets.end());
  append(out, target.view());
  return out;
}

}  // namespace kagibin::roles::service_provider
