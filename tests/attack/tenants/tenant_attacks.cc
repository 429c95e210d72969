// SPDX-License-Identifier: Apache-2.0
// Two service providers on one element: what the one can do to the other's deliveries, a run a
// verb. The attacking one carries the bytes as well: it sees and rules the relay.
#include <algorithm>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/cli/solver/solver.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/gp/select.h"
#include "kagibin/kda/commands.h"

#include "tests/attack/cast/scene.h"
#include "tests/attack/named/named_attack.h"
#include "tests/attack/named/target_channel.h"
#include "tests/attack/tenants/tenant.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::attack {

namespace {

using delivery::Verdict;
using test::Deployment;
using test::must;
using test::SealedScene;

// Of the other's order behind the first, which put version 31.
constexpr std::string_view kNextPayload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31"},)"
    R"("actions":[{"put_key":{"replace":"31","key_version":"31",)"
    R"("key_identifier":"01","keys":[{"random":16},{"random":16},)"
    R"({"random":16}]}}]})";

bool found(const cli::Derived& derived, const SecretBytes& key) {
  return std::ranges::any_of(
      derived.keys, [&](const SecretBytes& one) { return ct_equal(one.expose(), key.expose()); });
}

// What a provider can ask the element without being let in anywhere.
Bytes look(test::DeployedCard& card, const Aid& others_target) {
  Bytes out;
  const auto channel = must(apdu::ChannelLink::open(*card.element));
  const auto ask = [&](const apdu::CommandApdu& command) {
    append(out, must(apdu::exchange(*channel, command)).encode());
  };
  ask(kda::select());
  ask(kda::capabilities());
  for (std::uint8_t guess = 0; guess < 4; ++guess) {
    Handle handle;
    handle.octets.fill(guess);
    ask(kda::status(handle));
    ask(kda::get_receipt(handle));
  }
  const ByteView aid = others_target.view();
  ask(gp::Select{.name = Bytes(aid.begin(), aid.end())}.encode());
  return out;
}

// What the statement of the tenant's own enrolment says, but for what is drawn at random.
struct Seen {
  Bytes answers;
  std::uint32_t enrolments = 0;
  std::uint32_t committed = 0;
  std::uint8_t highest_version = 0;
  std::uint16_t min_epoch = 0;
};

Seen second_look(bool other_delivers) {
  SealedScene scene("tenants, detect");
  Tenant tenant(scene.world, scene.card);
  KB_CHECK(tenant.deliver());
  if (other_delivers) {
    KB_CHECK(scene.finish() == Verdict::kConfirmed);
  }
  Seen out{.answers = look(scene.card, Deployment::domain_aid())};
  const auto statement = must(envelope::EnrolmentStatement::decode(must(tenant.enrol()).statement));
  out.enrolments = statement.enrolment_counter;
  out.committed = statement.last_committed_seq;
  out.highest_version = statement.highest_key_version;
  out.min_epoch = statement.min_epoch;
  return out;
}

// What a provider's own messages count, behind three enrolments and a delivery of another.
struct Counted {
  std::uint32_t enrolments = 0;
  std::uint32_t receipts = 0;
  friend bool operator==(const Counted&, const Counted&) = default;
};

std::uint32_t counter_of(Tenant& tenant, const envelope::AnswerContent& answer, ByteView e3) {
  return must(envelope::open_receipt(must(envelope::Receipt::decode(e3)),
                                     crypto::sha256(answer.statement), tenant.receipt_key(),
                                     must(pki::Certificate::decode(answer.kda_certificate)).key(),
                                     tenant.provider().kem_key()))
      .kda_counter;
}

Counted counted(bool other_is_busy) {
  SealedScene scene("tenants, counter");
  Tenant tenant(scene.world, scene.card);
  must(tenant.enrol());
  if (other_is_busy) {
    KB_CHECK(scene.finish() == Verdict::kConfirmed);
    const auto order = scene.world.open_order("order-2", scene.card, std::string(kNextPayload));
    for (delivery::AttemptNumber at = 0; at < 3; ++at) {
      must(scene.world.enrol(scene.card,
                             must(scene.world.flow->attempt_after(order.id, at)).message));
    }
  }
  const envelope::AnswerContent answer = must(tenant.enrol());
  const Bytes e3 = must(scene.world.relay(scene.card, tenant.seal(answer)));
  return {
      .enrolments = must(envelope::EnrolmentStatement::decode(answer.statement)).enrolment_counter,
      .receipts = counter_of(tenant, answer, e3)};
}

}  // namespace

Finding tenant_read() {
  Finding out;
  Scene scene(find_scheme("p1").value(), {.sees_relay = true}, "tenants, read");
  Tenant tenant(scene.world(), scene.card());
  KB_CHECK(tenant.deliver());
  KB_CHECK(scene.deliver());
  cli::CoalitionView view = scene.view();
  view.key_sets.push_back(key_set_of(tenant.channel()));
  view.key_sets.push_back(must(scp::Scp03KeySet::create(
      tenant.keys()[0].duplicate(), tenant.keys()[1].duplicate(), tenant.keys()[2].duplicate())));
  view.private_keys.push_back(tenant.provider().key().duplicate());
  view.private_keys.push_back(tenant.provider().kem_key().duplicate());
  const cli::Derived derived = cli::derive(view);
  const std::vector<SecretBytes> delivered = scene.delivered();
  out.tried("derive the other's key from the relay, with all keys of one's own",
            !found(derived, delivered.front()),
            std::to_string(view.key_sets.size() + derived.tried) + " keys tried");
  out.control("one's own key, by the same means", found(derived, tenant.keys().front()), "found");
  view.key_sets.push_back(key_set_of(scene.card().domain_keys));
  out.control("the other's key, with the other's channel keys",
              found(cli::derive(view), delivered.front()), "found");
  return out;
}

Finding tenant_change() {
  Finding out;
  SealedScene scene("tenants, change");
  Deployment& world = scene.world;
  Tenant tenant(world, scene.card);
  const Bytes own = tenant.seal(must(tenant.enrol()));
  const auto into_other = world.load(scene.card, scene.handle, own);
  out.tried("one's own envelope into the other's slot", !into_other, said(into_other));
  const auto renamed = world.load(scene.card, scene.handle,
                                  scene.signed_by(tenant.provider().key(), [&](auto& header) {
                                    header.spid = tenant.provider().spid();
                                  }));
  out.tried("the other's envelope in one's own name", !renamed, said(renamed));
  const bool opens = world.opens_with(scene.card, Deployment::kDomainKeyVersion,
                                      Deployment::channel_keys(tenant.channel()));
  out.tried("a session in the other's domain under one's own keys", !opens,
            "the cryptogram is wrong");
  const Verdict verdict = scene.finish();
  const auto keys = must(world.keys->channel_keys(scene.card.seid, Deployment::domain_aid(),
                                                  Deployment::kNewKeyVersion));
  out.tried("something else arrives",
            verdict == Verdict::kConfirmed && keys &&
                world.opens_with(scene.card, Deployment::kNewKeyVersion, *keys),
            "the other's own keys open its domain");
  const auto header =
      must(envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(own)).header));
  const auto right = world.load(scene.card, header.handle, own);
  out.control("the same envelope in one's own slot", right.has_value(), said(right));
  return out;
}

Finding tenant_replace() {
  Finding out;
  SealedScene scene("tenants, replace");
  Deployment& world = scene.world;
  Tenant tenant(world, scene.card);
  const auto asked = world.enrol(scene.card, tenant.provider().request(scene.e0.message));
  out.tried("an enrolment for the other's domain", !asked, said(asked));
  const auto repeated = world.enrol(scene.card, scene.e0.message);
  out.tried("the other's request once more, against its waiting slot",
            !repeated || *repeated == scene.e4, "the same answer again, and the slot stays");
  KB_CHECK(tenant.deliver());
  must(tenant.enrol());
  out.tried("the other's slot, by enrolments and deliveries of one's own",
            scene.finish() == Verdict::kConfirmed, "it keeps its envelope and delivers");
  scene.rewind();
  const auto again = world.flow->attempt_after(scene.order, scene.e0.attempt);
  must(world.enrol(scene.card, must(again).message));
  const auto gone = world.load(scene.card, scene.handle, scene.e2);
  out.control("a request by the other itself replaces its slot", !gone, said(gone));
  return out;
}

Finding tenant_block() {
  Finding out;
  SealedScene scene("tenants, block");
  Deployment& world = scene.world;
  Tenant tenant(world, scene.card, Tenant::kTargets + 1);
  for (std::size_t number = 0; number < Tenant::kTargets; ++number) {
    must(tenant.enrol(number));
  }
  const auto beyond = tenant.enrol(Tenant::kTargets);
  out.control("a target more than a provider may have is refused to oneself", !beyond,
              said(beyond));
  for (int round = 0; round < 12; ++round) {
    must(tenant.enrol());
    const auto bad = world.load(scene.card, scene.handle,
                                scene.signed_by(tenant.provider().key(), [](auto&) {}));
    KB_CHECK(!bad);
  }
  const auto cancelled = [&] {
    device::Channels channels = must(device::Channels::open_logical(scene.card.link()));
    auto session = must(device::KdaSession::select(channels));
    return session.cancel(tenant.provider().request(scene.e0.message, true));
  }();
  out.tried("a cancellation of the other's order", !cancelled, said(cancelled));
  out.tried("every slot that one may have, twelve more enrolments, twelve bad envelopes",
            scene.finish() == Verdict::kConfirmed, "the other's delivery arrives");
  const auto next = world.open_order("order-2", scene.card, std::string(kNextPayload));
  out.tried("the other's next order",
            world.deliver(scene.card, next.id).verdict.verdict == Verdict::kConfirmed,
            "arrives, too");
  return out;
}

Finding tenant_detect() {
  Finding out;
  const Seen quiet = second_look(false);
  const Seen busy = second_look(true);
  out.tried("SELECT, CAPABILITIES, STATUS and GET RECEIPT of handles that are guessed",
            quiet.answers == busy.answers, "the same octets");
  out.tried("SEQ, key version and epoch in one's own statement",
            quiet.committed == busy.committed && quiet.highest_version == busy.highest_version &&
                quiet.min_epoch == busy.min_epoch,
            "the same");
  const Counted alone = counted(false);
  out.tried("the counters in one's own statement and receipt (E1/89, 88 in 8F)",
            counted(true) == alone, "count one's own alone");
  Deployment world("tenants, detect, control");
  test::DeployedCard& card = world.add_card("phone-1");
  Tenant tenant(world, card);
  const auto before = must(envelope::EnrolmentStatement::decode(must(tenant.enrol()).statement));
  out.control("one's own delivery, in the same statement",
              before.last_committed_seq == 0 && before.enrolment_counter == 1 &&
                  quiet.committed == 1 && quiet.enrolments == 2 && alone.enrolments == 2,
              "SEQ 0, then 1; one enrolment, then two");
  return out;
}

// Whoever can send commands sees the sum of free memory (threat model).
Finding tenant_memory() {
  Finding out;
  SealedScene scene("tenants, memory");
  const auto free_memory = [&] {
    const auto channel = must(apdu::ChannelLink::open(*scene.card.element));
    must(apdu::exchange(*channel, gp::Select{}.encode()));
    return must(apdu::exchange(*channel,
                               {.cla = 0x80, .ins = 0xCA, .p1 = 0xFF, .p2 = 0x21, .le = 256}))
        .data;
  };
  Tenant tenant(scene.world, scene.card, Tenant::kTargets);
  must(tenant.enrol());
  const Bytes before = free_memory();
  KB_CHECK(scene.finish() == Verdict::kConfirmed);
  const Bytes behind = free_memory();
  out.open("the sum of free memory before and behind the other's delivery (GET DATA FF21)",
           before != behind, "differs: that something was stored, not whose, nor for what");
  std::size_t taken = 0;
  for (std::size_t number = 0; number < Tenant::kTargets; ++number) {
    taken += tenant.enrol(number) ? 1 : 0;
  }
  out.tried("an answer 6A84, because of what the other has stored", taken == Tenant::kTargets,
            "all four targets are one's own, whatever others have");
  out.control("what one stores oneself, in the same sum", free_memory() != behind, "differs");
  return out;
}

}  // namespace kagibin::attack
