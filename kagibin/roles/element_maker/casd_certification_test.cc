// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/casd_certification.h"

#include <gtest/gtest.h>

#include "kagibin/apdu/exchange.h"
#include "kagibin/pki/certificate.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/se/casd/casd.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/fake_clock.h"
#include "tests/support/fixed_rng.h"

namespace kagibin::roles::element_maker {
namespace {

class CasdCertificationTest : public ::testing::Test {
 protected:
  std::unique_ptr<se::Element> make(bool with_casd) {
    se::ElementProfile profile;
    if (with_casd) {
      const auto point = authority_.public_key().point();
      profile.casd = se::InitialCasd{.authority_key = Bytes(point.begin(), point.end())};
    }
    return se::Element::create(profile, std::make_unique<se::NvmMemory>(), rng_, clock_, modules_)
        .value();
  }
  // What the controlling authority makes of a request.
  Bytes certify(const Bytes& octets, const crypto::EcPrivateKey& authority) {
    const auto request = pki::CertificationRequest::decode(octets).value();
    const Aid casd = se::casd_aid();
    pki::CertificateFields fields;
    fields.serial = {0x01};
    fields.issuer = {0x41};
    fields.subject = request.name();
    fields.kind = request.kind();
    fields.effective = {20270101};
    fields.expiration = {20271231};
    fields.aids = {Bytes(casd.view().begin(), casd.view().end())};
    fields.platform = std::array<std::uint8_t, 16>{0x50};
    return pki::Certificate::issue(fields, request.key(), authority, rng_)->encoded();
  }

  test::FixedRng rng_{"certification"};
  test::FakeClock clock_;
  se::ModuleRegistry modules_;
  crypto::EcPrivateKey authority_ = crypto::EcPrivateKey::generate(rng_).value();
};

TEST_F(CasdCertificationTest, BringsTheElementsRequestsToCertificatesThatItTells) {
  const auto element = make(true);
  const auto requests = casd_requests(*element, Seid{{0x5E}});
  ASSERT_TRUE(requests.has_value());
  ASSERT_EQ(requests->size(), 2U);
  std::vector<Bytes> certificates;
  Bytes both;
  for (const Bytes& request : *requests) {
    certificates.push_back(certify(request, authority_));
    append(both, certificates.back());
  }
  ASSERT_TRUE(store_casd_certificates(*element, certificates).has_value());
  const auto told =
      apdu::exchange(*element, {.ins = 0xCA, .p1 = 0x7F, .p2 = 0x21, .le = 256}).value();
  EXPECT_EQ(told.data, both);
}

TEST_F(CasdCertificationTest, RefusesCertificatesOfSomebodyElseAndElementsWithoutACasd) {
  const auto element = make(true);
  const auto requests = casd_requests(*element, Seid{{0x5E}}).value();
  const auto other = crypto::EcPrivateKey::generate(rng_).value();
  const std::vector<Bytes> wrong{certify(requests.front(), other)};
  const auto refused = store_casd_certificates(*element, wrong);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().sw.value, 0x6A80);
  const auto without = make(false);
  EXPECT_EQ(casd_requests(*without, Seid{{0x5E}}).error().code, Errc::kCardStatus);
}

}  // namespace
}  // namespace kagibin::roles::element_maker
