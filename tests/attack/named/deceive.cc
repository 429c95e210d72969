// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/kda/key_delivery_application.h"

#include "tests/attack/judge.h"
#include "tests/attack/named/named_attack.h"
#include "tests/support/must.h"

namespace kagibin::attack {

using test::Deployment;
using test::must;

Finding rogue_code() {
  Finding out;
  const Scheme attested = find_scheme("i").value();
  const Coalition manager{.has_manager = true};
  // The maker certifies what it finds under the KDA's AID, and the provider does not know it.
  Scene scene(attested, manager, "rogue code");
  test::Deployment& world = scene.world();
  auto honest = se::key_delivery_load_file();
  world.policy.kda_code_hashes = {honest.code_hash()};
  const auto answer = scene.enrol();
  const auto envelope = answer ? scene.offer(*answer) : std::nullopt;
  out.tried("C's code under the KDA's AID, certified by the maker", !envelope, scene.refusal());
  // Loaded by C after the element was sold, beside the real one.
  Scene later(find_scheme("p1").value(), manager, "rogue code, later");
  const Aid own = *Aid::from_hex("F04B41474942494E02");
  {
    auto channel = must(apdu::ChannelLink::open(*later.card().element));
    roles::security_module_manager::CardManager card_manager(*channel, later.card().issuer_keys,
                                                             later.world().rng);
    must(card_manager.install_application(later.card().issuer_keys,
                                          {.purpose = gp::InstallFor::kInstallAndMakeSelectable,
                                           .load_file = honest.aid,
                                           .module = honest.modules.front(),
                                           .application = own,
                                           .parameters = gp::with_application_parameters({})}));
    const ByteView name = own.view();
    must(apdu::exchange(*channel, gp::Select{.name = Bytes(name.begin(), name.end())}.encode()));
    StatusWord sw{};
    for (const apdu::CommandApdu& block : kda::enrol(later.request())) {
      sw = must(apdu::exchange(*channel, block)).sw;
    }
    out.tried("a KDA that C installs itself: it has no certificate", sw.value != 0x9000,
              to_hex(std::array{sw.sw1(), sw.sw2()}));
  }
  const Cell leak = attack_cell(attested, manager);
  out.control("C's code, certified and on the provider's allow-list", leak.leaks(),
              leak.leaks() ? "K = " + to_hex(leak.key->expose()) : "secret");
  return out;
}

Finding lower_level() {
  Finding out;
  const Scheme by_certificates = find_scheme("c3").value();
  const Coalition them{.has_manager = true, .sees_relay = true, .rules_relay = true};
  {
    Scene scene(by_certificates, them, "lower level");
    const Attempt attempt = lower_what_the_header_says(scene);
    out.tried("level and suite in the header of E2, " + std::to_string(attempt.tried) + " tries",
              !attempt.stopped_by.empty(), attempt.stopped_by);
  }
  {
    Scene scene(by_certificates, them, "lower level, E0");
    auto request = must(envelope::EnrolmentRequest::decode(scene.request()));
    Bytes changed = scene.request();
    const Bytes suite{0x81, 0x01, request.suite};
    const auto at = std::ranges::search(changed, suite).begin();
    *(at + 2) = 0x02;
    const auto answer = scene.world().enrol_with(scene.card(), changed, {});
    out.tried("another suite in E0", !answer, said(answer));
  }
  {
    Scene scene(by_certificates, them, "lower level, CERT.SD hidden");
    const auto answer = scene.enrol_with({});
    const auto envelope = answer ? scene.offer(*answer) : std::nullopt;
    out.tried("CERT.SD kept back, so that the element offers RL1", !envelope, scene.refusal());
  }
  {
    Scene scene(by_certificates, them, "lower level, floor");
    KB_CHECK(scene.deliver());
    const auto order =
        scene.world().open_order("order-2", scene.card(), Deployment::payload_by_certificates());
    const auto e0 = scene.world().request(order.id);
    const Bytes answer = must(scene.world().enrol_with(scene.card(), e0.message, {}));
    scene.world().policy.minimum_level = 1;
    scene.world().policy.accept_rl1 = "to show the floor";
    scene.world().policy.issuer_is_carrier = false;
    const auto sealing = scene.world().flow->seal(order.id, e0.attempt, answer);
    out.tried("the same after one delivery at RL2, and A takes RL1: the element's floor", !sealing,
              sealing ? "" : sealing.error().text);
  }
  // A provider whose policy takes RL1, and that has the manager's keys.
  test::DeploymentOptions options;
  options.by_certificates = true;
  Deployment weak("lower level, control", options);
  test::DeployedCard& card = weak.add_card("phone-1");
  const auto order = weak.open_order("order-1", card, Deployment::payload_by_certificates());
  const auto e0 = weak.request(order.id);
  const auto sealing =
      weak.flow->seal(order.id, e0.attempt, must(weak.enrol_with(card, e0.message, {})));
  const bool lowered =
      sealing && must(envelope::EnvelopeHeader::decode(
                          must(envelope::Envelope::decode(sealing->envelope)).header))
                         .level == 1;
  out.control("CERT.SD kept back from a provider whose policy takes RL1", lowered,
              sealing ? "sealed at RL1" : sealing.error().text);
  return out;
}

}  // namespace kagibin::attack
