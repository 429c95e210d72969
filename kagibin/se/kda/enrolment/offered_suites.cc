// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/enrolment/offered_suites.h"

#include <algorithm>
#include <utility>

#include "kagibin/envelope/suite.h"

namespace kagibin::se {

Result<crypto::HpkeKem> kem_of_suite(std::uint8_t suite) {
  const envelope::SuiteInfo info = KB_TRY(envelope::suite_info(suite));
  return crypto::hpke_kem(info.enrolment_kem());
}

Bytes offered_suites() {
  Bytes out;
  for (const envelope::SuiteInfo& suite : envelope::suites()) {
    if (kem_of_suite(std::to_underlying(suite.suite))) {
      out.push_back(std::to_underlying(suite.suite));
    }
  }
  return out;
}

std::size_t reassembly_size_bytes() {
  std::size_t out = 0;
  for (const std::uint8_t suite : offered_suites()) {
    out = std::max(out, envelope::suite_info(suite)->reassembly_size_bytes);
  }
  return out;
}

}  // namespace kagibin::se
