// SPDX-License-Identifier: Apache-2.0
// Certificates signed by an operator: by B's transport CA, by C's signing key, by a maker that is
// not the element's. Each kind goes where it is looked at.
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/scp/scp11/certificate_commands.h"

#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/other_provider.h"
#include "tests/attack/named/target_channel.h"
#include "tests/attack/ways/false_enrolment.h"
#include "tests/support/must.h"

namespace kagibin::attack {

namespace {

using test::Deployment;
using test::must;

struct Minter {
  std::string_view who;
  const crypto::EcPrivateKey& key;
};

pki::Certificate again(const pki::Certificate& certificate,
                       const crypto::EcPrivateKey& issuer,
                       crypto::Rng& rng) {
  return must(pki::Certificate::issue(certificate.fields(), certificate.key(), issuer, rng));
}

std::string by(const Minter& minter, std::string_view what) {
  return std::string(what) + " by " + std::string(minter.who);
}

// CERT.SP, to the key delivery application.
Result<Bytes> request_with(Scene& scene, const crypto::EcPrivateKey& issuer) {
  const OtherProvider other(scene.world(), {*from_hex("A000000151")});
  auto request = must(envelope::EnrolmentRequest::decode(other.request(scene.request())));
  request.certificate = again(other.certificate(), issuer, scene.world().rng).encoded();
  // Without CERT.SD, which names another owner.
  const Bytes e0 = must(envelope::sign_request(request, other.key(), scene.world().rng));
  return scene.world().enrol_with(scene.card(), e0, {});
}

// CERT.OCE for a host of the minter's own, to the domain.
StatusWord host_with(Scene& scene, const crypto::EcPrivateKey& issuer) {
  Deployment& world = scene.world();
  const auto key = must(crypto::EcPrivateKey::generate(world.rng));
  const auto certificate = host_certificate(world, scene.card(), key.public_key(), issuer);
  TargetChannel channel(scene.card());
  channel.select();
  const std::array chain{certificate.encoded()};
  StatusWord sw{};
  for (const apdu::CommandApdu& command :
       must(scp::verify_certificate_commands(chain, {.identifier = scp::kKidCaKloc}))) {
    sw = channel.ask(command).sw;
  }
  return sw;
}

}  // namespace

Finding mint_certificates() {
  Finding out;
  Scene scene(find_scheme("c3").value(), {.has_operator = true, .has_manager = true}, "mint");
  Deployment& world = scene.world();
  const crypto::EcPrivateKey transport_ca = must(crypto::EcPrivateKey::generate(world.rng));
  const crypto::EcPrivateKey& root = *world.authority->keys().current.in_memory();
  const std::array<Minter, 3> minters = {
      {{"B's transport CA", transport_ca},
       {"C's signing key", world.manager_key()},
       {"another certified maker", *scene.holdings().maker->key.in_memory()}}};
  Attempt attempt;
  Substitution substitution(scene, attempt);
  for (const Minter& minter : minters) {
    const std::size_t sealed = substitution.sealed();
    substitution.by_maker(certified_maker(scene, minter.key));
    out.tried(by(minter, "CERT.EUM and CERT.KDA"), substitution.sealed() == sealed,
              attempt.stopped_by);
    const auto provider = request_with(scene, minter.key);
    out.tried(by(minter, "CERT.SP"), !provider, said(provider));
    const auto domain =
        scene.enrol_with(again(*scene.card().domain_certificate, minter.key, world.rng).encoded());
    out.tried(by(minter, "CERT.SD"), !domain, said(domain));
    const StatusWord host = host_with(scene, minter.key);
    out.tried(by(minter, "CERT.OCE"), host.value != 0x9000,
              to_hex(std::array{host.sw1(), host.sw2()}));
  }
  pki::CertificateFields on_their_word = scene.card().domain_certificate->fields();
  on_their_word.maker_key = crypto::sha256(scene.holdings().maker->key.public_key().point());
  const auto theirs = scene.enrol_with(
      must(pki::Certificate::issue(on_their_word, scene.card().domain_certificate->key(), root,
                                   world.rng))
          .encoded());
  out.tried("CERT.SD by the authority on another maker's word", !theirs, said(theirs));
  const auto provider = request_with(scene, root);
  out.control("CERT.SP by the authority", provider.has_value(), said(provider));
  const auto domain =
      scene.enrol_with(again(*scene.card().domain_certificate, root, world.rng).encoded());
  out.control("CERT.SD by the authority", domain.has_value(), said(domain));
  const StatusWord host = host_with(scene, *world.maker->identity().key.in_memory());
  out.control("CERT.OCE by the domain's own maker", host.value == 0x9000,
              to_hex(std::array{host.sw1(), host.sw2()}));
  Scene weak(find_scheme("b1").value(), {.has_manager = true}, "mint, control");
  Attempt leak;
  Substitution by_authority(weak, leak);
  by_authority.by_maker(certified_maker(weak, *weak.holdings().root));
  out.control("CERT.EUM and CERT.KDA by an authority that C runs", by_authority.sealed() > 0,
              "sealed to C's key");
  return out;
}

}  // namespace kagibin::attack
