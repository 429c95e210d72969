// SPDX-License-Identifier: Apache-2.0
// Points that are not on the curve, to everybody who multiplies one with a private key: to the key
// delivery application (E0, E2), to the provider (E4), to the domain (MUTUAL AUTHENTICATE).
#include "kagibin/crypto/ec/ecdh.h"
#include "kagibin/scp/scp11/certificate_commands.h"
#include "kagibin/scp/scp11/key_agreement.h"

#include "tests/attack/named/naive_curve.h"
#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/target_channel.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using test::must;
using test::SealedScene;

struct BadPoint {
  std::string_view what;
  Bytes point;
};

std::vector<BadPoint> bad_points(const crypto::EcPoint& good) {
  Bytes off(good.begin(), good.end());
  off.back() ^= 0x01U;
  Bytes large(good.size(), 0xFF);
  large.front() = 0x04;
  Bytes zero(good.size());
  zero.front() = 0x04;
  Bytes infinity(good.size());
  Bytes hybrid(good.begin(), good.end());
  hybrid.front() = static_cast<std::uint8_t>(0x06U | (good.back() & 1U));
  return {{"off by one bit", off},     {"of order 2 of another curve", point_of_order_two(7)},
          {"beyond the prime", large}, {"zero", zero},
          {"infinity", infinity},      {"in hybrid form", hybrid}};
}

std::string to(std::string_view receiver, std::string_view what) {
  return std::string(receiver) + ": a point " + std::string(what);
}

void to_the_key_delivery_application(Finding& out) {
  SealedScene scene("invalid curve");
  const auto signing_key = must(scene.world.keys->signing_key());
  const envelope::Envelope honest = must(envelope::Envelope::decode(scene.e2));
  const crypto::EcPoint good = signing_key.public_key().point();
  for (const BadPoint& bad : bad_points(good)) {
    scene.rewind();
    envelope::Envelope changed = honest;
    std::ranges::copy(bad.point, changed.ephemeral_key.begin());
    changed.signature = must(
        crypto::ecdsa_sign_der(*signing_key.in_memory(),
                               {ascii(envelope::kLabelEnvelope), changed.header,
                                changed.sealed_tlv(), crypto::sha256(scene.answer().statement)},
                               scene.world.rng));
    const auto loaded = scene.world.load(scene.card, scene.handle, changed.encode());
    out.tried(to("LOAD, signed by the provider", bad.what), !loaded, said(loaded));

    auto request = must(envelope::EnrolmentRequest::decode(scene.e0.message));
    std::ranges::copy(bad.point, request.kem_key.begin());
    must(scene.world.rng.fill(request.nonce_a.octets));
    // By hand: sign_request() looks at the point.
    request.signature = must(crypto::ecdsa_sign_der(
        *signing_key.in_memory(), {ascii(envelope::kLabelRequest), request.signed_part()},
        scene.world.rng));
    const auto enrolled = scene.world.enrol_with(scene.card, request.encode(), {});
    out.tried(to("ENROL, signed by the provider", bad.what), !enrolled, said(enrolled));
  }
}

void to_the_provider(Finding& out) {
  SealedScene scene("invalid curve, provider");
  const auto next = must(scene.world.flow->attempt_after(scene.order, scene.e0.attempt));
  envelope::EnrolmentAnswer answer = must(envelope::EnrolmentAnswer::decode(scene.e4));
  for (const BadPoint& bad : bad_points(scene.kem_key().public_key().point())) {
    std::ranges::copy(bad.point, answer.ephemeral_key.begin());
    const auto before = scene.world.journal.state();
    const auto sealing = scene.world.flow->seal(scene.order, next.attempt, answer.encode());
    out.tried(to("the provider, in E4", bad.what), !sealing,
              sealing ? "sealed" : "as for every answer that does not open");
    scene.world.journal.restore(before);
  }
}

void to_the_domain(Finding& out) {
  test::DeploymentOptions options;
  options.by_certificates = true;
  options.manager_exports_keys = false;
  test::Deployment world("invalid curve, domain", options);
  test::DeployedCard& card = world.add_card("phone-1");
  // A host that the domain lets in: its maker certified it.
  const auto key = must(crypto::EcPrivateKey::generate(world.rng));
  const auto certificate =
      host_certificate(world, card, key.public_key(), *world.maker->identity().key.in_memory());
  TargetChannel channel(card);
  const auto agree = [&](ByteView point) {
    channel.select();
    const std::array chain{certificate.encoded()};
    for (const apdu::CommandApdu& command :
         must(scp::verify_certificate_commands(chain, {.identifier = scp::kKidCaKloc}))) {
      KB_CHECK(channel.ask(command).sw.value == 0x9000);
    }
    const scp::KeyAgreementRequest request{.variant = scp::Scp11Variant::kA,
                                           .ephemeral_point = Bytes(point.begin(), point.end())};
    return channel
        .ask({.cla = 0x80,
              .ins = scp::ins::kMutualAuthenticate,
              .p1 = test::Deployment::kAgreementKeyVersion,
              .p2 = scp::kKidScp11a,
              .data = request.encode(),
              .le = 256})
        .sw;
  };
  const crypto::EcPoint good = key.public_key().point();
  for (const BadPoint& bad : bad_points(good)) {
    const StatusWord sw = agree(bad.point);
    out.tried(to("the domain, in MUTUAL AUTHENTICATE", bad.what), sw.value != 0x9000,
              to_hex(std::array{sw.sw1(), sw.sw2()}));
  }
  out.control("the domain, in MUTUAL AUTHENTICATE: a point on the curve",
              agree(good).value == 0x9000, "9000");
}

// A receiver that multiplies whatever it gets tells by its success whether its key is even.
void to_a_careless_receiver(Finding& out) {
  test::FixedRng rng("careless receivers");
  constexpr int kKeys = 16;
  int right = 0;
  for (int at = 0; at < kKeys; ++at) {
    const auto key = must(crypto::EcPrivateKey::generate(rng));
    const bool is_odd = naive_multiply(key.expose_scalar(), point_of_order_two(7)).has_value();
    right += is_odd == ((key.expose_scalar().back() & 1U) != 0) ? 1 : 0;
  }
  out.control("a receiver that does not look: the lowest bit of its private key", right == kKeys,
              std::to_string(right) + " of " + std::to_string(kKeys) + " keys");
  const auto key = must(crypto::EcPrivateKey::generate(rng));
  const auto peer = must(crypto::EcPrivateKey::generate(rng));
  const auto naive = naive_multiply(key.expose_scalar(), peer.public_key().point());
  const auto real = must(crypto::ecdh(key, peer.public_key()));
  out.control("the same receiver on a point of the curve", naive && equal(*naive, real.expose()),
              "the agreed secret, as libcrypto has it");
}

}  // namespace

Finding invalid_curve() {
  Finding out;
  to_the_key_delivery_application(out);
  to_the_provider(out);
  to_the_domain(out);
  to_a_careless_receiver(out);
  return out;
}

}  // namespace kagibin::attack
