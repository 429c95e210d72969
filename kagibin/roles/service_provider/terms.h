// SPDX-License-Identifier: Apache-2.0
// What a delivery to a target must be before a key is sealed for it (protocol, section 8). The
// policy states them once for all targets, and again for those that it names (policy.h).
//
// `attestation_profiles`: "ATT-1", whose maker certified the key delivery application before the
// element left, and "ATT-2", loaded in the field and attested by the element's CASD.
//
// No default weakens: every member is required except required_i_mask, whose default "60" asks the
// target's secure channel for R-MAC and R-ENC, keep_enrolment_minutes, without which no enrolment
// is kept, and the two that only RL1 needs and that have to be given for it. `suites` is by
// preference: the first is asked for, the others where an order names them. Limits: 1,000,000
// minutes of validity. Ownership: values. Thread-safety: const use may be shared.
//
//   Terms terms = KB_TRY(Terms::parse(in));
//   KB_TRY(terms.allow({.level = relay.level, .suite = statement.suite, ...}));
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kagibin/crypto/sha256.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/roles/service_provider/members.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// How something is about to be sealed.
struct SealingTerms {
  std::uint8_t level = 0;
  std::uint8_t suite = 0;
  pki::AttestationProfile attestation{};
  crypto::Digest256 code_hash{};
  std::uint32_t validity_minutes = 0;
  std::string remedy{};  // what would give a higher level, one sentence
};

struct Terms {
  std::string path = "policy";            // where they stand, for what refusals say
  std::uint8_t minimum_level = 0;         // 1 to 5
  std::optional<std::string> accept_rl1;  // the reason; given exactly when minimum_level is 1
  bool issuer_is_carrier = true;          // C is D
  std::vector<std::uint8_t> suites;       // by preference: the first unless the order names another
  std::set<pki::AttestationProfile> attestation_profiles;
  std::set<crypto::Digest256> kda_code_hashes;
  std::uint32_t maximum_validity_minutes = 0;
  std::uint8_t required_i_mask = 0x60;
  // How long an enrolment that a receipt announced may wait for the next order; 0: receipts are not
  // asked for one, and every delivery takes two visits.
  std::uint32_t keep_enrolment_minutes = 0;

  // The members of `in` that are terms. kEncoding, kValue, kNotFound, and kPolicy for what is
  // understood and refused.
  static Checked<Terms> parse(Members& in);
  // These, with what `in` states in their place: any of them. Whoever states minimum_level states
  // what RL1 needs beside it, or nothing.
  Checked<Terms> replaced_by(Members& in) const;

  // kPolicy, with what would lift the refusal.
  Checked<void> allow(const SealingTerms& asked) const;
};

}  // namespace kagibin::roles::service_provider
