// SPDX-License-Identifier: Apache-2.0
// The service provider's policy: what an element and a delivery must be before a key is sealed
// (protocol, section 8; doc/key_policies.md). Every sealing asks it first.
//
//   { "minimum_level": "RL1",
//     "accept_rl1": "first key sets for elements without SCP11; issuer and carrier are two
//     companies", "issuer_is_carrier": false, "suites": ["01"], "attestation_profiles": ["ATT-1"],
//     "kda_code_hashes": ["<64 digits>"], "elements": [ { "device": "phone-7", "seid": "<32
//     digits>" } ], "maximum_validity_minutes": 1440, "required_i_mask": "60", "token_only": false,
//     "targets": [ { "aid": "A0000005591010", "minimum_level": "RL2" } ] }
//
// It states the terms (terms.h) for all targets; an entry of `targets` states any of them anew for
// one, named by the AID that a payload names as its target, up or down. `elements` binds a user's
// device to the one element that is right for it: an answer of any other genuine element is
// refused. `token_only` is for all targets alike; without it, it is false. Limits: 1 MiB of text.
// Ownership: values. Thread-safety: const use may be shared.
//
//   const Policy policy = KB_TRY(Policy::parse(text));
//   KB_TRY(policy.allow_sealing({.device = "phone-7", .seid = statement.seid, ...}));
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "kagibin/base/aid.h"
#include "kagibin/roles/service_provider/problem.h"
#include "kagibin/roles/service_provider/terms.h"

namespace kagibin::roles::service_provider {

// What is about to be sealed.
struct SealingQuestion {
  std::string device;
  Seid seid;
  Aid target;
  bool puts_values = false;  // anything but deletions of keys
  SealingTerms how;
};

// The terms that it is itself are those of every target without an entry.
struct Policy : Terms {
  std::map<std::string, Seid, std::less<>> elements;  // the user's device -> its element
  std::map<Aid, Terms> targets;
  // Refuses every sealing that would have a key in the clear in this process (doc/key_policies.md).
  bool token_only = false;

  // kEncoding, kValue, kNotFound, and kPolicy for what is understood and refused.
  static Checked<Policy> parse(std::string_view text);

  const Terms& terms_for(const Aid& target) const;
  // kPolicy, with what would lift the refusal.
  Checked<void> allow_sealing(const SealingQuestion& question) const;
  // What token_only answers to an envelope with keys in it; `nothing_was`: "sealed", "ordered".
  static std::unexpected<Problem> refuse_clear_keys(std::string_view nothing_was);
  // The element that belongs to this device; kPolicy when the policy names none.
  Checked<Seid> element_of(std::string_view device) const;
};

}  // namespace kagibin::roles::service_provider
