// SPDX-License-Identifier: Apache-2.0
// Every record of the KDA's memory on the same octets.
#include "kagibin/se/kda/records/kda_records.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  using kagibin::fuzz::check_round_trip;
  check_round_trip<kagibin::se::KdaSlot>(octets);
  check_round_trip<kagibin::se::KdaJournal>(octets);
  check_round_trip<kagibin::se::KdaReceipt>(octets);
  check_round_trip<kagibin::se::KdaProvider>(octets);
  check_round_trip<kagibin::se::KdaTrust>(octets);
  check_round_trip<kagibin::se::KdaCertificates>(octets);
}
