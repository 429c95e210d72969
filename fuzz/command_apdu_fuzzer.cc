// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/apdu.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  kagibin::fuzz::check_round_trip<kagibin::apdu::CommandApdu>(octets);
  kagibin::fuzz::check_round_trip<kagibin::apdu::ResponseApdu>(octets);
  if (!octets.empty()) {
    const auto decoded = kagibin::apdu::ClassOctet::decode(octets[0]);
    KB_CHECK(!decoded || decoded->encode() == octets[0]);
  }
}
