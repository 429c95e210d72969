// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/channel_link.h"
#include "kagibin/envelope/delivery_seal.h"
#include "kagibin/pki/certification_request.h"

#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/other_provider.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using delivery::Verdict;
using test::Deployment;
using test::must;
using test::SealedScene;

// An order for this element, sealed: E4's handle and E2.
struct Other {
  delivery::OrderId order;
  Handle handle;
  Bytes e2;
};

Other seal_other(Deployment& world, test::DeployedCard& card, std::string_view payload) {
  const auto order = world.open_order("order-2", card, payload);
  const auto e0 = world.request(order.id);
  const Bytes e4 = must(world.enrol(card, e0.message));
  return {order.id, must(envelope::EnrolmentAnswer::decode(e4)).handle,
          world.seal(order.id, e0.attempt, e4)};
}

}  // namespace

Finding swap_target() {
  Finding out;
  SealedScene scene("swap target");
  Deployment& world = scene.world;
  const Aid second = *Aid::from_hex("A00000015153504B02");
  {
    auto channel = must(apdu::ChannelLink::open(*scene.card.element));
    roles::security_module_manager::CardManager manager(*channel, scene.card.issuer_keys,
                                                        world.rng);
    const auto keys = must(manager.create_domain({.aid = second}, world.manager_master_key()));
    must(world.keys->put_channel_keys(scene.card.seid, second, keys.key_version_number,
                                      Deployment::channel_keys(keys)));
  }
  std::string payload = Deployment::payload_text();
  const std::string first = Deployment::domain_aid().hex();
  payload.replace(payload.find(first), first.size(), second.hex());
  const Other other = seal_other(world, scene.card, payload);
  const auto into_first = world.load(scene.card, scene.handle, other.e2);
  out.tried("the second domain's envelope under the first one's handle", !into_first,
            said(into_first));
  const auto into_second = world.load(scene.card, other.handle, scene.e2);
  out.tried("the first domain's envelope under the second one's handle", !into_second,
            said(into_second));
  const auto renamed = world.load(
      scene.card, other.handle, scene.signed_by(must(world.keys->signing_key()), [&](auto& header) {
        header.handle = other.handle;
      }));
  out.tried("the same, with the handle in its header changed and signed by the provider itself",
            !renamed, said(renamed));
  const auto right = world.load(scene.card, other.handle, other.e2);
  out.control("each under its own handle", right && scene.finish() == Verdict::kConfirmed,
              said(right));
  return out;
}

Finding swap_element() {
  Finding out;
  SealedScene scene("swap element");
  Deployment& world = scene.world;
  test::DeployedCard& other_card = world.add_card("phone-2");
  const Other other = seal_other(world, other_card, Deployment::payload_text());
  const auto into_ours = world.load(scene.card, scene.handle, other.e2);
  out.tried("another element's envelope into this one", !into_ours, said(into_ours));
  const auto into_other = world.load(other_card, other.handle, scene.e2);
  out.tried("this element's envelope into another one", !into_other, said(into_other));
  // A genuine element answers for another.
  const auto third = world.open_order("order-3", scene.card);
  const auto e0 = world.request(third.id);
  const Bytes answer = must(world.enrol(other_card, e0.message));
  const auto before = world.journal.state();
  const auto sealing = world.flow->seal(third.id, e0.attempt, answer);
  out.tried("an enrolment that another genuine element answers", !sealing,
            sealing ? "sealed" : sealing.error().text);
  world.journal.restore(before);
  // A provider that takes any element a list names: the order is bound to the other one.
  const auto bound = world.open_order("order-4", other_card);
  const auto request = world.request(bound.id);
  const auto taken =
      world.flow->seal(bound.id, request.attempt, must(world.enrol(other_card, request.message)));
  out.control("the same answer, where the user's device is bound to that element",
              taken.has_value(), taken ? "sealed" : taken.error().text);
  return out;
}

Finding swap_provider() {
  Finding out;
  SealedScene scene("swap provider");
  Deployment& world = scene.world;
  const OtherProvider other(world, {*from_hex("F04F5448455253")});
  const auto foreign_target = world.enrol(scene.card, other.request(scene.e0.message));
  out.tried("another certified provider asks for this provider's domain", !foreign_target,
            said(foreign_target));
  envelope::EnrolmentRequest in_our_name =
      must(envelope::EnrolmentRequest::decode(scene.e0.message));
  in_our_name.nonce_a.octets[0] ^= 1U;
  const auto our_name =
      world.enrol(scene.card, must(envelope::sign_request(in_our_name, other.key(), world.rng)));
  out.tried("the same in this provider's name, under this provider's certificate", !our_name,
            said(our_name));
  const auto cancelled = [&] {
    device::Channels channels = must(device::Channels::open_logical(scene.card.link()));
    auto session = must(device::KdaSession::select(channels));
    return session.cancel(other.request(scene.e0.message, true));
  }();
  out.tried("a cancellation by another provider", !cancelled, said(cancelled));
  const auto resigned =
      world.load(scene.card, scene.handle,
                 scene.signed_by(other.key(), [&](auto& header) { header.spid = other.spid(); }));
  out.tried("this provider's envelope in the other one's name", !resigned, said(resigned));
  out.tried("the delivery is spoilt", scene.finish() == Verdict::kConfirmed,
            "it arrives all the same");

  // Where the authority gave the other provider this provider's prefix, the element lets it ask: in
  // a slot of its own, whose envelope it would need the domain's keys for.
  SealedScene weak("swap provider, control");
  const OtherProvider admitted(weak.world, {*from_hex("A000000151")});
  const auto admitted_answer = weak.world.enrol(weak.card, admitted.request(weak.e0.message));
  out.control("another provider whom the authority gave this provider's AID prefix",
              admitted_answer.has_value(), said(admitted_answer));

  // At RL2 CERT.SD names its owner besides.
  test::DeploymentOptions options;
  options.by_certificates = true;
  options.manager_exports_keys = false;
  Deployment by_certificates("swap provider, RL2", options);
  test::DeployedCard& card = by_certificates.add_card("phone-1");
  const auto order =
      by_certificates.open_order("order-1", card, Deployment::payload_by_certificates());
  const auto e0 = by_certificates.request(order.id);
  const OtherProvider owner(by_certificates, {*from_hex("A000000151")});
  const auto foreign_domain = by_certificates.enrol(card, owner.request(e0.message));
  out.tried("at RL2, with that prefix: CERT.SD is another provider's", !foreign_domain,
            said(foreign_domain));
  return out;
}

}  // namespace kagibin::attack
