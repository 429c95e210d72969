// SPDX-License-Identifier: Apache-2.0
// Certificates of SCP11 in both formats, alone and in lists.
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/pki/scp_certificate.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  namespace pki = kagibin::pki;
  static const auto key = kagibin::crypto::CurvePrivateKey::from_scalar(
                              kagibin::crypto::Curve::kP256, kagibin::Bytes(32, 0x11))
                              .value()
                              .public_key();
  const auto one = pki::ScpCertificate::decode(octets);
  if (one) {
    KB_CHECK(kagibin::equal(one->encoded(), octets));
    KB_CHECK(!one->serial().empty());
    static_cast<void>(pki::verify_link(*one, key, pki::CertificateDate{20260101}));
  }
  const auto list = pki::decode_certificates(octets);
  if (list) {
    kagibin::Bytes again;
    for (const auto& certificate : *list) {
      kagibin::append(again, certificate.encoded());
    }
    KB_CHECK(kagibin::equal(again, octets));
    static_cast<void>(pki::verify_chain(*list, key, std::nullopt));
  }
}
