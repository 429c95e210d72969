// SPDX-License-Identifier: Apache-2.0
// The service provider's policy: what an element and a delivery must be before a key is sealed
// (protocol, section 8; doc/key_policies.md). Every sealing asks it first.
//
//   { "minimum_level": "RL1",
//     "accept_rl1": "first key sets for elements without SCP11; issuer and carrier are two
//     companies", "issuer_is_carrier": false, "suites": ["01"], "attestation_profiles": ["ATT-1"],
//     "kda_code_hashes": ["<64 digits>"], "elements": [ { "device": "phone-7", "seid": "<32
//     digits>" } ], "maximum_validity_minutes": 1440, "required_i_mask": "60" }
//
// `attestation_profiles`: "ATT-1", whose maker certified the key delivery application before the
// element left, and "ATT-2", loaded in the field and attested by the element's CASD.
//
// No default weakens: every member is required except required_i_mask, whose default "60" asks the
// target's secure channel for R-MAC and R-ENC, keep_enrolment_minutes, without which no enrolment
// is kept, and the two that only RL1 needs and that have to be given for it. `suites` is by
// preference: the first is asked for, the others where an order names them. `elements` binds a
// user's device to the one element that is right for it: an answer of any other genuine element is
// refused. Limits: 1 MiB of text, 1,000,000 minutes of validity. Ownership: values. Thread-safety:
// const use may be shared.
//
//   const Policy policy = KB_TRY(Policy::parse(text));
//   KB_TRY(policy.allow_sealing({.device = "phone-7", .seid = statement.seid, ...}));
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/crypto/sha256.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/roles/service_provider/problem.h"

namespace kagibin::roles::service_provider {

// What is about to be sealed.
struct SealingQuestion {
  std::string device;
  Seid seid;
  std::uint8_t level = 0;
  std::uint8_t suite = 0;
  pki::AttestationProfile attestation{};
  crypto::Digest256 code_hash{};
  std::uint32_t validity_minutes = 0;
  std::string remedy{};  // what would give a higher level, one sentence
};

struct Policy {
  std::uint8_t minimum_level = 0;         // 1 to 4
  std::optional<std::string> accept_rl1;  // the reason; given exactly when minimum_level is 1
  bool issuer_is_carrier = true;          // C is D
  std::vector<std::uint8_t> suites;       // by preference: the first unless the order names another
  std::set<pki::AttestationProfile> attestation_profiles;
  std::set<crypto::Digest256> kda_code_hashes;
  std::map<std::string, Seid, std::less<>> elements;  // the user's device -> its element
  std::uint32_t maximum_validity_minutes = 0;
  std::uint8_t required_i_mask = 0x60;
  // How long an enrolment that a receipt announced may wait for the next order; 0: receipts are not
  // asked for one, and every delivery takes two visits.
  std::uint32_t keep_enrolment_minutes = 0;

  // kEncoding, kValue, kNotFound, and kPolicy for what is understood and refused.
  static Checked<Policy> parse(std::string_view text);

  // kPolicy, with what would lift the refusal.
  Checked<void> allow_sealing(const SealingQuestion& question) const;
  // The element that belongs to this device; kPolicy when the policy names none.
  Checked<Seid> element_of(std::string_view device) const;
};

}  // namespace kagibin::roles::service_provider
