// SPDX-License-Identifier: Apache-2.0
#include "kagibin/tlv/ber_tlv.h"

#include "fuzz/round_trip.h"

namespace {

// Reads TLVs to the end or the first error, and into each value as if it were a template.
void read_all(kagibin::ByteView octets) {
  kagibin::tlv::TlvReader in(octets);
  while (!in.empty()) {
    const auto next = in.next();
    if (!next) {
      break;
    }
    KB_CHECK(kagibin::equal(kagibin::tlv::encode(next->tag, next->value), next->encoded));
    KB_CHECK(kagibin::tlv::encoded_size(next->tag, next->value.size()) == next->encoded.size());
    kagibin::tlv::TlvReader again(next->encoded);
    KB_CHECK(again.expect(next->tag, next->value.size()).has_value());
    KB_CHECK(again.finish().has_value());
    KB_CHECK(!again.optional(next->tag, 0, kagibin::tlv::TlvReader::kAnyLength)->has_value());
    read_all(next->value);
  }
  KB_CHECK(in.consumed().size() + in.rest().size() == octets.size());
}

}  // namespace

FUZZ_OCTETS(octets) { read_all(octets); }
