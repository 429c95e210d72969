// SPDX-License-Identifier: Apache-2.0
// Another service provider, certified by the same authority as the deployment's own. It signs what
// it likes. Thread-safety: none.
//
//   const OtherProvider other(world, {prefix});
//   world.enrol(card, other.request(e0));       // our request in the other provider's name
#pragma once

#include <vector>

#include "tests/support/deployment.h"

namespace kagibin::attack {

class OtherProvider {
 public:
  OtherProvider(test::Deployment& world, const std::vector<Bytes>& prefixes);

  // The same request by this provider: its SPID, certificate, KEM key and signature, a fresh nA.
  Bytes request(ByteView original, bool cancel = false) const;
  const crypto::EcPrivateKey& key() const { return key_; }
  const crypto::EcPrivateKey& kem_key() const { return kem_; }
  const Spid& spid() const { return spid_; }
  const pki::Certificate& certificate() const { return *certificate_; }

 private:
  test::Deployment& world_;
  crypto::EcPrivateKey key_;
  crypto::EcPrivateKey kem_;
  Spid spid_;
  std::optional<pki::Certificate> certificate_{};
};

}  // namespace kagibin::attack
