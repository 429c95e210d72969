// SPDX-License-Identifier: Apache-2.0
// For tests only: an element with a CASD, the controlling authority and a provider beside it.
#pragma once

#include <utility>
#include <vector>

#include "kagibin/gp/confidential/provider_setup.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::se {

inline constexpr std::string_view kCasdAid = "A00000015153504341534400";

inline crypto::EcPrivateKey seeded_key(std::string_view seed) {
  test::FixedRng rng(seed);
  return crypto::EcPrivateKey::generate(rng).value();
}

inline ElementProfile casd_profile(bool mandated_dap = false) {
  ElementProfile out;
  const auto point = seeded_key("authority").public_key().point();
  out.casd =
      InitialCasd{.authority_key = Bytes(point.begin(), point.end()), .mandated_dap = mandated_dap};
  out.iin = hex("42121001");
  out.cin = hex("49490000C117");
  return out;
}

class CasdBench : public Bench {
 public:
  explicit CasdBench(ElementProfile profile = casd_profile())
      : CasdBench(test_modules(), std::move(profile)) {}
  CasdBench(ModuleRegistry built_in, ElementProfile profile)
      : Bench(std::move(built_in), std::move(profile)) {}

  // Good at the bench's clock, 2027-01-15.
  pki::CertificateFields fields(pki::CertificateKind kind) const {
    pki::CertificateFields out;
    out.serial = {0x01};
    out.issuer = hex("41555448");
    out.subject.fill(0x5E);
    out.kind = kind;
    out.effective = {20270101};
    out.expiration = {20271231};
    if (kind == pki::CertificateKind::kServiceProvider) {
      out.aids = {hex("F000000001")};
    } else {
      out.aids = {hex(kCasdAid)};
      out.platform = std::array<std::uint8_t, 16>{0x50};
    }
    return out;
  }
  Bytes certify(const pki::CertificateFields& of, const crypto::EcPublicKey& key) {
    return pki::Certificate::issue(of, key, authority, rng)->encoded();
  }
  Bytes provider_certificate() {
    return certify(fields(pki::CertificateKind::kServiceProvider), provider.public_key());
  }

  // One that is longer than a command: of more AID prefixes.
  Bytes long_provider_certificate() {
    auto of = fields(pki::CertificateKind::kServiceProvider);
    for (std::uint8_t other = 1; other < 5; ++other) {
      Bytes prefix = hex("F0A0A1A2A3A4A5A6A7A8A9AAABACAD00");
      prefix.back() = other;
      of.aids.push_back(std::move(prefix));
    }
    return certify(of, provider.public_key());
  }

  // What the CASD asks to be certified for.
  pki::CertificationRequest request(pki::CertificateKind kind) {
    select(kCasdAid);
    const Bytes data =
        tlv::TlvWriter().put_u8(0x81, std::to_underlying(kind)).put(0x82, Bytes(16, 0x5E)).take();
    const auto answer = send({.cla = 0x80, .ins = 0xCA, .p2 = 0xE5, .data = data, .le = 256});
    EXPECT_EQ(answer.sw.value, 0x9000);
    return pki::CertificationRequest::decode(answer.data).value();
  }
  crypto::CurvePublicKey casd_point(pki::CertificateKind kind) {
    return crypto::CurvePublicKey::from(request(kind).key());
  }
  // STORE DATA of a certificate to the CASD, which is selected.
  StatusWord store(const Bytes& certificate) {
    return send({.cla = 0x80, .ins = 0xE2, .p1 = 0x90, .data = certificate}).sw;
  }

  crypto::EcPrivateKey authority = seeded_key("authority");
  crypto::EcPrivateKey provider = seeded_key("provider");
};

}  // namespace kagibin::se
