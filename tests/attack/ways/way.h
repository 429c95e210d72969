// SPDX-License-Identifier: Apache-2.0
// A way to K: what a coalition does in one delivery, and the keys that it then says are K. Whether
// one of them is K says the judge (judge.h), who alone knows. Values.
//
//   for (const Way& way : ways()) { if (way.applies(scheme, coalition)) { ... way.run(scene); } }
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/attack/cast/scene.h"

namespace kagibin::attack {

struct Claim {
  std::string_view how;
  SecretBytes key;
};

struct Attempt {
  std::vector<Claim> claims{};
  std::size_t tried = 0;     // keys, derivations, forgeries
  std::string stopped_by{};  // the last refusal, or empty
};

struct Way {
  std::string_view name;
  std::string_view what;
  bool (*applies)(const Scheme&, const Coalition&);
  Attempt (*run)(Scene&);
};

std::span<const Way> ways();

// The ways, one a file.
Attempt derive_from_what_was_seen(Scene& scene);
Attempt substitute_enrolment_key(Scene& scene);
Attempt play_the_target(Scene& scene);
Attempt play_the_domain(Scene& scene);
Attempt hide_domain_certificate(Scene& scene);
Attempt lower_what_the_header_says(Scene& scene);
Attempt lie_about_answers(Scene& scene);

// A's E2 for what the enrolment answered, noted as seen; empty, with the refusal in the attempt,
// when there was no answer or A sealed nothing.
std::optional<Bytes> sealed_for(Scene& scene, const Result<Bytes>& answer, Attempt& attempt);

// Everything that can be worked out from what the scene's coalition holds and saw, added.
void solve(Scene& scene, Attempt& attempt);

}  // namespace kagibin::attack
