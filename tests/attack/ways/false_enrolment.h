// SPDX-License-Identifier: Apache-2.0
// Enrolments answered by somebody who has no element: a statement over a key of the attacker's,
// under certificates that it has or makes. What A then seals, the attacker opens (Scene::view).
//
//   Substitution substitution(scene, attempt);
//   substitution.by_maker(certified_maker(scene, root));
#pragma once

#include "tests/attack/ways/way.h"

namespace kagibin::attack {

// A maker whom an authority with this root certified; its name is not the honest one's.
roles::element_maker::MakerIdentity certified_maker(Scene& scene, const crypto::EcPrivateKey& root);

// CERT.KDA for this key under the scene's SEID, by this maker.
pki::Certificate certify_kda(Scene& scene,
                             const roles::element_maker::MakerIdentity& maker,
                             const crypto::EcPublicKey& key);

class Substitution {
 public:
  // Counts its tries in `attempt`, and says there what refused the last one.
  Substitution(Scene& scene, Attempt& attempt)
      : scene_(scene), attempt_(attempt), key_(scene.holdings().private_keys.front().duplicate()) {}

  // CERT.KDA by this maker; then with a shipment list of its that names the element.
  void by_maker(const roles::element_maker::MakerIdentity& maker);
  void hand_in(ByteView kda_certificate, ByteView maker_certificate);

  const crypto::EcPrivateKey& key() const { return key_; }
  // How often A sealed.
  std::size_t sealed() const { return sealed_; }

 private:
  Scene& scene_;
  Attempt& attempt_;
  crypto::EcPrivateKey key_;
  std::size_t sealed_ = 0;
};

}  // namespace kagibin::attack
