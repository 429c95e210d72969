// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/service_provider/keys/blocks/key_fitness.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "kagibin/crypto/key_block/key_usage.h"

namespace kagibin::roles::service_provider {
namespace {

constexpr std::array<std::string_view, 6> kElementUsages = {"B1", "D0", "D3", "K0", "M6", "P0"};

std::unexpected<Problem> refused(Errc code, std::string why) {
  return problem(code, fmt::format("The key block's key does not fit: {}. Nothing was stored.",
                                   std::move(why)));
}

std::string_view why_not(std::string_view usage) {
  if (usage == "B0" || usage == "B2") {
    return "DUKPT derives from it, and element keys are derived here by SP 800-108 from a key of "
           "usage B3";
  }
  if (usage.starts_with('E')) {
    return "EMV's own methods derive from it, and element keys are derived here by SP 800-108 from "
           "a key of usage B3";
  }
  if (usage == "K4") {
    return "it protects key blocks of ISO 20038; those of ANSI X9.143 are under a key of usage K1";
  }
  return "it is no AES key that one element, a derivation or key blocks would use (B1, D0, D3, K0, "
         "M6, P0; B3; K1)";
}

}  // namespace

std::string_view name(KeyPurpose purpose) {
  switch (purpose) {
    case KeyPurpose::kMasterKey:
      return "master key";
    case KeyPurpose::kProtectionKey:
      return "protection key";
    case KeyPurpose::kElementKey:
      return "element key";
  }
  return {};
}

Checked<KeyPurpose> purpose_of(const crypto::KeyBlockHeader& header) {
  const crypto::KeyUsage* usage = crypto::find_key_usage(header.key_usage);
  if (usage == nullptr) {
    return refused(Errc::kNotSupported,
                   fmt::format("its usage {} is none of ANSI X9.143", header.key_usage));
  }
  if (header.algorithm != 'A') {
    return refused(Errc::kNotSupported, fmt::format("its algorithm is {}, and keys here are AES "
                                                    "keys (A)",
                                                    header.algorithm));
  }
  if (!usage->allows(header.mode_of_use)) {
    return refused(Errc::kValue, fmt::format("mode of use {} does not go with usage {} ({})",
                                             header.mode_of_use, usage->code, usage->name));
  }
  if (header.key_version_number.front() == 'c') {
    return refused(Errc::kPolicy,
                   "it is a component and no key (key version number c_); components come in by "
                   "kagibin provider ceremony");
  }
  if (header.key_context == '1') {
    return refused(Errc::kPolicy, "its context is storage (1), and it came by exchange");
  }
  if (usage->code == "B3") {
    return KeyPurpose::kMasterKey;
  }
  if (usage->code == "K1") {
    return KeyPurpose::kProtectionKey;
  }
  if (std::ranges::find(kElementUsages, usage->code) == kElementUsages.end()) {
    return refused(Errc::kPolicy, fmt::format("usage {} is {}: {}", usage->code, usage->name,
                                              why_not(usage->code)));
  }
  if (header.exportability == 'N') {
    return refused(Errc::kPolicy,
                   fmt::format("its exportability is N, so nobody may hand it on, and a key of "
                               "usage {} is here to be handed to an element; ask the sender for a "
                               "block with E or S",
                               usage->code));
  }
  return KeyPurpose::kElementKey;
}

Checked<void> check_strength(std::size_t key_bytes, std::size_t protection_key_bytes) {
  if (key_bytes > protection_key_bytes) {
    return problem(Errc::kPolicy,
                   fmt::format("An AES key of {} bits would lie under a protection key of {} bits; "
                               "nothing was done. Take a protection key that is as long.",
                               key_bytes * 8, protection_key_bytes * 8));
  }
  return {};
}

}  // namespace kagibin::roles::service_provider
