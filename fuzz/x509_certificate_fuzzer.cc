// SPDX-License-Identifier: Apache-2.0
// X.509 certificates of secure channels, from DER. libcrypto reads; what it took is what is kept,
// and the facts that we draw from it hold together.
#include "kagibin/crypto/curve/curve_key.h"
#include "kagibin/crypto/x509/x509_certificate.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  namespace crypto = kagibin::crypto;
  static const auto key =
      crypto::CurvePrivateKey::from_scalar(crypto::Curve::kP256, kagibin::Bytes(32, 0x11))
          .value()
          .public_key();
  const auto certificate = crypto::X509Certificate::decode(octets);
  if (certificate) {
    KB_CHECK(kagibin::equal(certificate->encoded(), octets));
    KB_CHECK(octets.size() <= crypto::kX509MaxSize);
    KB_CHECK(!certificate->serial().empty() && certificate->serial().size() <= 21);
    KB_CHECK(certificate->key().point().size() == point_size(certificate->key().curve()));
    static_cast<void>(certificate->signed_by(key));
    static_cast<void>(certificate->signed_by(certificate->key()));
    const auto again = crypto::X509Certificate::decode(certificate->encoded());
    KB_CHECK(again.has_value() && again->subject() == certificate->subject());
  }
}
