// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain_command.h"

namespace kagibin::se {

namespace sw = apdu::sw;

StatusWord status_of(const Error& error) {
  switch (error.code) {
    case Errc::kNoSpace:  // GPCS 11.5.3.2, 11.8.3.2: not enough memory space
    case Errc::kLimit:
      return sw::kNotEnoughMemory;
    case Errc::kIo:  // ISO/IEC 7816-4, 5.6: memory failure
      return sw::kMemoryFailure;
    case Errc::kCrypto:  // GPCS 11.1.3: no specific diagnosis
    case Errc::kState:
      return sw::kNoDiagnosis;
    case Errc::kNotSupported:  // GPCS 11.1.3: function not supported
      return sw::kFunctionNotSupported;
    case Errc::kNotFound:  // GPCS 11.2.3.2: referenced data not found
      return sw::kReferencedDataNotFound;
    default:  // GPCS 11.1.3: wrong data
      return sw::kWrongData;
  }
}

}  // namespace kagibin::se
