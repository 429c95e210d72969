// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "tests/attack/ways/way.h"

namespace kagibin::attack {

namespace {

bool always(const Scheme& /*scheme*/, const Coalition& /*coalition*/) { return true; }
bool has_messages(const Scheme& scheme, const Coalition& /*coalition*/) {
  return !scheme.is_conventional;
}
// In the conventional scheme the commands cross the network, which everybody rules.
bool rules_relay(const Scheme& scheme, const Coalition& coalition) {
  return coalition.rules_relay || scheme.is_conventional;
}
bool rules_relay_to_key_set(const Scheme& scheme, const Coalition& coalition) {
  return rules_relay(scheme, coalition) && scheme.opens_by_key_set();
}
bool rules_relay_to_certificates(const Scheme& scheme, const Coalition& coalition) {
  return coalition.rules_relay && scheme.opens_by_certificates();
}
bool rules_relay_of_messages(const Scheme& scheme, const Coalition& coalition) {
  return coalition.rules_relay && !scheme.is_conventional;
}

}  // namespace

std::span<const Way> ways() {
  static constexpr std::array<Way, 7> kAll = {{
      {.name = "derive",
       .what = "try every key held and every derivation of the code base on what was recorded",
       .applies = always,
       .run = derive_from_what_was_seen},
      {.name = "substitute-key",
       .what = "answer the enrolment with a key of one's own, under every certificate to be had",
       .applies = has_messages,
       .run = substitute_enrolment_key},
      {.name = "lower-header",
       .what = "lower level and suite in the envelope's header on the way",
       .applies = has_messages,
       .run = lower_what_the_header_says},
      {.name = "play-target",
       .what = "answer for the target by SCP03 under every key set held",
       .applies = rules_relay_to_key_set,
       .run = play_the_target},
      {.name = "play-domain",
       .what = "answer for the domain by SCP11a under a CERT.SD of one's own",
       .applies = rules_relay_to_certificates,
       .run = play_the_domain},
      {.name = "hide-certificate",
       .what = "keep CERT.SD from the key delivery application, and listen at RL1",
       .applies = rules_relay_to_certificates,
       .run = hide_domain_certificate},
      {.name = "lie",
       .what = "lose and falsify the target's answers until the key comes again",
       .applies = rules_relay_of_messages,
       .run = lie_about_answers},
  }};
  return kAll;
}

}  // namespace kagibin::attack
