// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/ways/way.h"

namespace kagibin::attack {

std::optional<Bytes> sealed_for(Scene& scene, const Result<Bytes>& answer, Attempt& attempt) {
  if (!answer) {
    attempt.stopped_by = answer.error().detail.text();
    return std::nullopt;
  }
  auto envelope = scene.offer(*answer);
  if (!envelope) {
    attempt.stopped_by = scene.refusal();
    return std::nullopt;
  }
  scene.knows_envelope(*envelope, crypto::sha256(scene.honest_answer(*answer).statement));
  return envelope;
}

}  // namespace kagibin::attack
