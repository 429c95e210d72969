// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/ways/false_enrolment.h"

#include <ranges>

#include "kagibin/envelope/enrolment/answer_seal.h"
#include "kagibin/kda/instructions.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/controlling_authority/authority.h"
#include "kagibin/se/kda/key_delivery_application.h"
#include "kagibin/se/kda/own/own_delivery.h"

#include "tests/support/must.h"

namespace kagibin::attack {

namespace {

using roles::element_maker::MakerIdentity;
using test::must;

// What takes deliveries: the key delivery application, or the domain itself.
Aid application_of(const Scene& scene) {
  return scene.scheme().is_own_delivery ? scene.target() : kda::aid();
}

crypto::Digest256 code_hash_of(Scene& scene) {
  const Aid file = scene.scheme().is_own_delivery ? se::own_delivery_load_file().aid
                                                  : se::key_delivery_load_file().aid;
  return scene.world().modules.load_file(file)->code_hash();
}

struct Forgery {
  Bytes answer;  // E4
  crypto::Digest256 statement_hash;
};

// What the honest element would say of itself, but for its keys.
Forgery forge(Scene& scene,
              const crypto::EcPrivateKey& key,
              ByteView kda_certificate,
              ByteView maker_certificate) {
  test::Deployment& world = scene.world();
  const auto request = must(envelope::EnrolmentRequest::decode(scene.request()));
  envelope::EnrolmentStatement statement;
  statement.nonce_a = request.nonce_a;
  must(world.rng.fill(statement.nonce_k.octets));
  must(world.rng.fill(statement.handle.octets));
  const crypto::EcPoint point = key.public_key().point();
  statement.enrolment_key = Bytes(point.begin(), point.end());
  statement.seid = scene.card().seid;
  statement.kda = application_of(scene);
  statement.code_hash = code_hash_of(scene);
  statement.level_bitmap = scene.scheme().is_own_delivery ? 0x10 : 0x01;
  statement.enrolment_counter = 1;
  statement.target = request.target;
  statement.min_epoch = 1;
  statement.spid = request.spid;
  envelope::AnswerContent content{
      .statement = {},
      .kda_certificate = Bytes(kda_certificate.begin(), kda_certificate.end()),
      .maker_certificate = Bytes(maker_certificate.begin(), maker_certificate.end()),
      .security_domain_certificate = std::nullopt};
  if (const auto& domain = scene.card().domain_certificate) {
    statement.level_bitmap = 0x03;
    statement.security_domain_certificate = domain->fingerprint();
    content.security_domain_certificate = domain->encoded();
  }
  const Handle handle = statement.handle;
  content.statement = must(envelope::sign_statement(std::move(statement), key, world.rng));
  return {.answer = must(envelope::seal_answer(
              content, request.suite, handle, request.nonce_a,
              must(crypto::EcPublicKey::from_point(request.kem_key)), world.rng)),
          .statement_hash = crypto::sha256(content.statement)};
}

}  // namespace

pki::Certificate certify_kda(Scene& scene,
                             const MakerIdentity& maker,
                             const crypto::EcPublicKey& key) {
  test::Deployment& world = scene.world();
  const std::int64_t now = world.clock.now();
  constexpr std::int64_t kYear = std::int64_t{86'400} * 365;
  const Aid kda = application_of(scene);
  pki::CertificateFields fields;
  fields.serial = {0x01};
  fields.issuer = Bytes(maker.name.begin(), maker.name.end());
  fields.subject = scene.card().seid.octets;
  fields.kind = pki::CertificateKind::kKda;
  fields.effective = pki::CertificateDate::from_unix(now);
  fields.expiration = pki::CertificateDate::from_unix(now + kYear);
  fields.aids = {Bytes(kda.view().begin(), kda.view().end())};
  fields.code_hash = code_hash_of(scene);
  fields.attestation = pki::AttestationProfile::kAtt1;
  return must(pki::Certificate::issue(fields, key, maker.key, world.rng));
}

MakerIdentity certified_maker(Scene& scene, const crypto::EcPrivateKey& root) {
  namespace authority_role = roles::controlling_authority;
  test::Deployment& world = scene.world();
  const ByteView name = ascii("KAGIBIN-AUTH");
  authority_role::MemoryIssuanceLog log;
  authority_role::Authority authority(
      {.name = Bytes(name.begin(), name.end()), .current = root.duplicate(), .successor = {}}, log,
      world.clock, world.rng);
  auto out = must(MakerIdentity::create("another-maker", world.rng));
  const Bytes request = must(out.request(world.rng));
  auto certificate =
      must(authority.certify_maker(must(pki::CertificationRequest::decode(request)), {}, 365));
  must(out.adopt(std::move(certificate), root.public_key()));
  return out;
}

void Substitution::by_maker(const MakerIdentity& maker) {
  const pki::Certificate kda = certify_kda(scene_, maker, key_.public_key());
  delivery::ShippedElement shipped = scene_.card().shipped;
  if (scene_.scheme().is_own_delivery) {
    shipped.own_delivery_sha256 = {kda.fingerprint()};
  } else {
    shipped.kda_certificate_sha256 = kda.fingerprint();
  }
  MakerIdentity own{.name = maker.name, .key = maker.key};
  own.certificate = maker.certificate;
  own.authority = maker.authority;
  roles::element_maker::ElementMaker intruder(std::move(own), scene_.world().clock,
                                              scene_.world().rng);
  const std::string list = must(intruder.sign_shipment(std::span(&shipped, 1)));
  hand_in(kda.encoded(), maker.certificate->encoded());
  if (scene_.hand_over(list)) {
    hand_in(kda.encoded(), maker.certificate->encoded());
  }
}

void Substitution::hand_in(ByteView kda_certificate, ByteView maker_certificate) {
  const Forgery forged = forge(scene_, key_, kda_certificate, maker_certificate);
  ++attempt_.tried;
  if (const auto envelope = scene_.offer(forged.answer)) {
    ++sealed_;
    scene_.knows_envelope(*envelope, forged.statement_hash);
  } else {
    attempt_.stopped_by = scene_.refusal();
  }
}

Attempt substitute_enrolment_key(Scene& scene) {
  Attempt out;
  const auto answer = scene.enrol();
  if (!answer) {
    out.stopped_by = answer.error().detail.text();
    return out;
  }
  const envelope::AnswerContent honest = scene.honest_answer(*answer);
  Substitution substitution(scene, out);
  // Honest certificates, for a key that is not in them; then one's own under the honest maker's
  // name.
  substitution.hand_in(honest.kda_certificate, honest.maker_certificate);
  const MakerIdentity impostor{.name = scene.world().maker->identity().name,
                               .key = substitution.key().duplicate()};
  const pki::Certificate own = certify_kda(scene, impostor, substitution.key().public_key());
  substitution.hand_in(own.encoded(), honest.maker_certificate);
  // Everybody can be an authority that nobody believes.
  constexpr std::size_t kAuthorities = 4;
  for (const auto& key : scene.holdings().private_keys | std::views::take(kAuthorities)) {
    substitution.by_maker(certified_maker(scene, key));
  }
  if (scene.holdings().maker) {
    substitution.by_maker(*scene.holdings().maker);
  }
  if (scene.holdings().root) {
    substitution.by_maker(certified_maker(scene, *scene.holdings().root));
  }
  solve(scene, out);
  return out;
}

}  // namespace kagibin::attack
