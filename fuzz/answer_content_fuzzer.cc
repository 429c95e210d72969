// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/enrolment/code_attestation.h"
#include "kagibin/envelope/enrolment/enrolment.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  kagibin::fuzz::check_round_trip<kagibin::envelope::AnswerContent>(octets);
  // E5 by itself, and where it stands.
  kagibin::fuzz::check_round_trip<kagibin::envelope::CodeAttestation>(octets);
  const auto content = kagibin::envelope::AnswerContent::decode(octets);
  if (content && content->code_attestation) {
    KB_CHECK(kagibin::envelope::CodeAttestation::decode(*content->code_attestation).has_value());
    kagibin::fuzz::check_round_trip<kagibin::envelope::CodeAttestation>(*content->code_attestation);
  }
}
