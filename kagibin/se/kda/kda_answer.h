// SPDX-License-Identifier: Apache-2.0
// How the KDA's handlers fail: with the status word to answer. One table (style rule 10); what the
// words mean to the agent stands in kagibin/kda/status_meaning.h.
//
//   const crypto::EcPublicKey key = KB_TRY(or_sw(EcPublicKey::from_point(p), sw::kWrongData));
//   KB_TRY(or_internal(store.put(trust)));
#pragma once

#include <expected>
#include <utility>

#include "kagibin/apdu/status_words.h"
#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::se {

namespace sw = apdu::sw;

template <typename T>
using KdaResult = std::expected<T, StatusWord>;

inline std::unexpected<StatusWord> refuse(StatusWord sw) { return std::unexpected(sw); }

// A failure that the sender did not cause: memory without power 6581 (ISO/IEC 7816-4, 5.6), full
// memory and full tables 6A84, everything else (random source, damaged record) 6400.
constexpr StatusWord internal_failure(Errc code) {
  switch (code) {
    case Errc::kIo:
      return sw::kMemoryFailure;
    case Errc::kNoSpace:
    case Errc::kLimit:
      return sw::kNotEnoughMemory;
    default:
      return sw::kNoDiagnosis;
  }
}

// A message that does not parse: what is defined and not built 6A81, anything else 6A80.
constexpr StatusWord malformed(Errc code) {
  return code == Errc::kNotSupported ? sw::kFunctionNotSupported : sw::kWrongData;
}

template <typename T>
KdaResult<T> or_sw(Result<T> result, StatusWord sw) {
  if (!result) {
    return refuse(sw);
  }
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*result);
  }
}

template <typename T>
KdaResult<T> or_internal(Result<T> result) {
  const StatusWord sw = result ? sw::kOk : internal_failure(result.error().code);
  return or_sw(std::move(result), sw);
}

template <typename T>
KdaResult<T> or_malformed(Result<T> result) {
  const StatusWord sw = result ? sw::kOk : malformed(result.error().code);
  return or_sw(std::move(result), sw);
}

}  // namespace kagibin::se
