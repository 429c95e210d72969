// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/domain_command.h"

#include <utility>

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

StatusWord word_of(const Error& error) {
  switch (error.code) {
    case Errc::kNoSpace:  // GPCS 11.5.3.2, 11.8.3.2: not enough memory space
    case Errc::kLimit:
      return sw::kNotEnoughMemory;
    case Errc::kIo:  // ISO/IEC 7816-4, 5.6: memory failure
      return sw::kMemoryFailure;
    case Errc::kCrypto:  // GPCS 11.1.3: no specific diagnosis
    case Errc::kState:
      return sw::kNoDiagnosis;
    case Errc::kConflict:  // GPCS 11.1.3: conditions of use not satisfied
    case Errc::kPolicy:
      return sw::kConditionsNotSatisfied;
    case Errc::kCardStatus:  // an application's own refusal
      return error.sw;
    case Errc::kNotFound:  // GPCS 11.2.3.2: referenced data not found
      return sw::kReferencedDataNotFound;
    default:  // GPCS 11.1.3: wrong data
      return sw::kWrongData;
  }
}

}  // namespace

StatusWord status_of(const Error& error) { return word_of(error).because(error.detail); }

apdu::ResponseApdu conclude(NvmTransaction& transaction, const Result<void>& changed, Bytes data) {
  if (!changed) {
    return answer(status_of(changed.error()));
  }
  const auto committed = transaction.commit();
  if (!committed) {
    return answer(status_of(committed.error()));
  }
  return answer(sw::kOk, std::move(data));
}

}  // namespace kagibin::se
