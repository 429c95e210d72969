// SPDX-License-Identifier: Apache-2.0
#include "kagibin/pki/certificate.h"
#include "kagibin/pki/certificate_body.h"

#include "fuzz/round_trip.h"

// Encodes the fields again, and not the octets that a Certificate keeps.
FUZZ_OCTETS(octets) {
  const auto certificate = kagibin::pki::Certificate::decode(octets);
  if (certificate) {
    const kagibin::Bytes body =
        kagibin::pki::encode_body(certificate->fields(), certificate->key().point());
    const kagibin::ByteView signed_part = octets.first(octets.size() - 67);
    KB_CHECK(kagibin::equal(body, signed_part.last(body.size())));
    KB_CHECK(signed_part.size() - body.size() <= 5);  // tag and length of 7F21
    KB_CHECK(kagibin::equal(certificate->encoded(), octets));
  }
}
