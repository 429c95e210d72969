// SPDX-License-Identifier: Apache-2.0
// Every codec of the KDA's interface on the same octets.
#include "kagibin/kda/authority_statement.h"
#include "kagibin/kda/maker_data.h"
#include "kagibin/kda/next.h"
#include "kagibin/kda/status.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  using kagibin::fuzz::check_round_trip;
  check_round_trip<kagibin::kda::NextRequest>(octets);
  check_round_trip<kagibin::kda::NextAnswer>(octets);
  check_round_trip<kagibin::kda::Status>(octets);
  check_round_trip<kagibin::kda::Capabilities>(octets);
  check_round_trip<kagibin::kda::AuthorityStatement>(octets);
  check_round_trip<kagibin::kda::GeneratedKeys>(octets);
  check_round_trip<kagibin::kda::StoredCertificates>(octets);
}
