// SPDX-License-Identifier: Apache-2.0
// The device answers for the target: by SCP03 under every key set that the coalition holds, by
// SCP11a under every CERT.SD that it can have or make.
#include <ranges>

#include "kagibin/envelope/delivery_message.h"

#include "tests/attack/ways/false_target.h"
#include "tests/attack/ways/way.h"
#include "tests/support/must.h"

namespace kagibin::attack {

namespace {

using test::must;

constexpr std::string_view kCaught = "sent to the false target";

void claim(const FalseTarget& device, Attempt& attempt) {
  for (const SecretBytes& key : device.caught()) {
    attempt.claims.push_back({kCaught, key.duplicate()});
  }
}

// CERT.SD for this key, by whoever has the issuer's.
Bytes certify_domain(Scene& scene,
                     const crypto::EcPublicKey& key,
                     const crypto::EcPrivateKey& issuer) {
  const pki::CertificateFields fields = scene.card().domain_certificate->fields();
  return must(pki::Certificate::issue(fields, key, issuer, scene.world().rng)).encoded();
}

}  // namespace

Attempt play_the_target(Scene& scene) {
  Attempt out;
  std::optional<Bytes> envelope;
  if (!scene.scheme().is_conventional) {
    envelope = sealed_for(scene, scene.enrol(), out);
    if (!envelope) {
      return out;
    }
  }
  for (const HeldSet& set : scene.holdings().key_sets) {
    FalseKeySet device(*scene.card().element, set.keys.duplicate(), scene.target(),
                       scene.world().rng);
    ++out.tried;
    if (envelope) {
      scene.relay(*envelope, &device);
    } else {
      scene.deliver(&device);
    }
    claim(device, out);
  }
  solve(scene, out);
  return out;
}

Attempt play_the_domain(Scene& scene) {
  Attempt out;
  const crypto::EcPrivateKey& own = scene.holdings().private_keys.front();
  std::vector<Bytes> certificates;
  constexpr std::size_t kIssuers = 4;
  for (const auto& issuer : scene.holdings().private_keys | std::views::take(kIssuers)) {
    certificates.push_back(certify_domain(scene, own.public_key(), issuer));
  }
  if (scene.holdings().domain_root) {
    certificates.push_back(certify_domain(scene, own.public_key(), *scene.holdings().domain_root));
  }
  // The honest one, for a key that is not the attacker's: the receipt has to give it away.
  certificates.push_back(scene.card().domain_certificate->encoded());
  for (const Bytes& certificate : certificates) {
    ++out.tried;
    const auto envelope = sealed_for(scene, scene.enrol_with(certificate), out);
    if (!envelope) {
      continue;
    }
    FalseDomain device(*scene.card().element, own, scene.world().maker->identity().key.public_key(),
                       scene.world().rng);
    scene.relay(*envelope, &device);
    claim(device, out);
    break;  // the slot is full, and A has sealed
  }
  solve(scene, out);
  return out;
}

Attempt hide_domain_certificate(Scene& scene) {
  Attempt out;
  out.tried = 1;
  if (const auto envelope = sealed_for(scene, scene.enrol_with({}), out)) {
    scene.relay(*envelope);
  }
  solve(scene, out);
  return out;
}

}  // namespace kagibin::attack
