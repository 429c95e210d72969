// SPDX-License-Identifier: Apache-2.0
#include "kagibin/envelope/payload/payload.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) { kagibin::fuzz::check_round_trip<kagibin::envelope::Payload>(octets); }
