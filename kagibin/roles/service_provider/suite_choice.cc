// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/suite_choice.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/crypto/hpke/kem.h"
#include "kagibin/crypto/hpke/ml_kem.h"
#include "kagibin/envelope/suite.h"

namespace kagibin::roles::service_provider {

Checked<std::uint8_t> choose_suite(const Terms& terms, std::optional<std::uint8_t> wished) {
  const std::uint8_t suite = wished.value_or(terms.suites.front());
  if (std::ranges::find(terms.suites, suite) == terms.suites.end()) {
    return problem(Errc::kPolicy,
                   fmt::format("Suite {:02X} is not among {}.suites ({:02X}); nothing was "
                               "ordered. Put it there if it is good enough, or order in one of "
                               "these.",
                               suite, terms.path, fmt::join(terms.suites, ", ")));
  }
  const envelope::SuiteInfo info = KB_TRY(envelope::suite_info(suite));
  if (!crypto::hpke_kem(info.enrolment_kem())) {
    return problem(
        Errc::kNotSupported,
        fmt::format("Suite {:02X} needs OpenSSL 3.5 or later; this is {}, and nothing was "
                    "ordered. scripts/openssl35 builds one; to deliver without, name "
                    "another suite.",
                    suite, crypto::library_version()));
  }
  return suite;
}

Checked<std::uint8_t> suite_by_name(std::string_view text) {
  const auto octets = from_hex(text);
  if (!octets || octets->size() != 1) {
    return problem(Errc::kValue, "A suite is two hexadecimal digits: 01, 02, 10, 11, 20 or 21.");
  }
  const auto info = envelope::suite_info(octets->front());
  if (!info) {
    return problem(info.error().code,
                   fmt::format("{:02X}: {}.", octets->front(), info.error().detail.text()));
  }
  return octets->front();
}

}  // namespace kagibin::roles::service_provider
