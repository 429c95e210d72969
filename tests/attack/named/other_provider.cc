// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/named/other_provider.h"

#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/pki/certification_request.h"

#include "tests/support/must.h"

namespace kagibin::attack {

using test::must;

OtherProvider::OtherProvider(test::Deployment& world, const std::vector<Bytes>& prefixes)
    : world_(world),
      key_(must(crypto::EcPrivateKey::generate(world.rng))),
      kem_(must(crypto::EcPrivateKey::generate(world.rng))) {
  must(world.rng.fill(spid_.octets));
  const Bytes request = must(pki::sign_certification_request(pki::CertificateKind::kServiceProvider,
                                                             spid_.octets, key_, world.rng));
  certificate_ = must(world.authority->certify_service_provider(
      must(pki::CertificationRequest::decode(request)), prefixes, 1, 365));
}

Bytes OtherProvider::request(ByteView original, bool cancel) const {
  auto out = must(envelope::EnrolmentRequest::decode(original));
  out.spid = spid_;
  out.certificate = certificate_->encoded();
  out.kem_key = kem_.public_key().point();
  out.cancel = cancel;
  must(world_.rng.fill(out.nonce_a.octets));
  return must(envelope::sign_request(std::move(out), key_, world_.rng));
}

}  // namespace kagibin::attack
