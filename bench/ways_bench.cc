// SPDX-License-Identifier: Apache-2.0
// Ways to bring a key set into a domain, side by side, each whole and in process, suite 01: RL1 and
// RL2, where a KDA opens the channel; OS, where the domain opens the envelope itself; and Amendment
// A's scenario 3, which has no KDA and no envelope.
//
//   us           time of all computing, both ends
//   apdus        to the element, enrolment and MANAGE CHANNEL included
//   air          octets between provider and element: messages, or APDUs
//   round_trips  of the provider with the element
#include <chrono>
#include <deque>
#include <string>

#include <benchmark/benchmark.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/confidential/provider_setup.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/gp/select.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/pki/own_memory.h"
#include "kagibin/roles/security_module_manager/card/carried_domain.h"
#include "kagibin/roles/service_provider/confidential/casd_trust.h"
#include "kagibin/scp/scp03/scp03_link.h"
#include "kagibin/se/casd/casd.h"

#include "bench/counting_link.h"
#include "tests/support/deployment.h"
#include "tests/support/must.h"

namespace kagibin::bench {
namespace {

constexpr int kDeliveries = 10;
using Seconds = std::chrono::duration<double>;

enum class Way : std::uint8_t { kRl1, kRl2, kOs, kAgreement };

test::DeploymentOptions options_of(Way way) {
  test::DeploymentOptions out;
  out.by_certificates = way == Way::kRl2;
  out.own_delivery = way == Way::kOs;
  out.attested_by_casd = way == Way::kAgreement;
  return out;
}

std::string payload_of(Way way) {
  switch (way) {
    case Way::kRl2:
      return test::Deployment::payload_by_certificates();
    case Way::kOs:
      return test::Deployment::payload_for_own_delivery();
    default:
      return test::Deployment::payload_text();
  }
}

// The same key set brought into a domain without a KDA: Amendment A, scenario 3. Provider and
// domain agree on a key set with the element's CASD, carried by the manager in his session; then
// the provider opens a session of its own under it and puts the key set. The provider is the
// off-card entity all the time: every command of his is a round trip.
struct AgreedDelivery {
  std::uint64_t apdus = 0;      // to the element
  std::uint64_t air_bytes = 0;  // between provider and element
  std::uint64_t round_trips = 0;
};
void select(apdu::CardLink& link, const Aid& aid) {
  const gp::Select command{.name = Bytes(aid.view().begin(), aid.view().end())};
  KB_CHECK(apdu::sw::is_ok(test::must(apdu::exchange(link, command.encode())).sw));
}

gp::AgreedKeySet agree(test::Deployment& world, apdu::CardLink& air) {
  constexpr std::uint16_t kCasdCertificates = 0x7F21;
  const auto today = pki::CertificateDate::from_unix(world.clock.now());
  select(air, se::casd_aid());
  const auto certificates =
      test::must(apdu::exchange(air, gp::GetData{.tag = kCasdCertificates}.encode()));
  const auto casd = test::must(roles::service_provider::trust_casd(
      world.trust.anchors, certificates.data, today, world.trust.revoked));
  select(air, test::Deployment::domain_aid());
  gp::ProviderSetup setup({.deletes_existing = true,
                           .certified = true,
                           .key_version = test::Deployment::kNewKeyVersion},
                          crypto::CurvePublicKey::from(casd.agreement));
  apdu::ResponseApdu challenge;
  for (const auto& block : setup.show_certificate(world.provider_certificate->encoded())) {
    challenge = test::must(apdu::exchange(air, block));
  }
  const auto ask =
      test::must(setup.ask(challenge.data, test::must(world.keys->signing_key()), world.rng));
  return test::must(setup.finish(test::must(apdu::exchange(air, ask)).data));
}

void put_set(test::Deployment& world, scp::Scp03Link& session) {
  gp::PutKey put{.new_version = 0x32, .first_identifier = 0x01};
  for (int i = 0; i < 3; ++i) {
    const SecretBytes value = test::must(crypto::random_secret(world.rng, 16));
    put.keys.push_back(test::must(gp::seal_key(
        test::must(gp::Key::aes(value.expose())),
        {.encrypt = [&](ByteView clear) { return session.host().encrypt_sensitive(clear); }})));
  }
  test::must(session.send(test::must(put.encode())));
}

AgreedDelivery deliver_by_agreement(test::Deployment& world, test::DeployedCard& card) {
  namespace manager = roles::security_module_manager;
  CountingLink element(*card.element);
  const auto channel = test::must(apdu::ChannelLink::open(element));
  const auto first = test::Deployment::channel_keys(card.domain_keys);
  const scp::Scp03Parameter parameter{first.i};
  manager::CarriedDomain carried(
      *channel,
      {.domain = test::Deployment::domain_aid(),
       .key_version = test::Deployment::kDomainKeyVersion,
       .scp03 = parameter,
       .keys = test::must(scp::Scp03KeySet::create(first.enc.duplicate(), first.mac.duplicate(),
                                                   first.dek.duplicate()))},
      world.rng);
  CountingLink through_manager(carried);
  const gp::AgreedKeySet agreed = agree(world, through_manager);
  CountingLink own_way(*channel);
  select(own_way, test::Deployment::domain_aid());
  auto session = test::must(scp::Scp03Link::open(
      own_way,
      test::must(scp::Scp03KeySet::create(agreed.enc.duplicate(), agreed.mac.duplicate(),
                                          agreed.dek.duplicate())),
      {.key_version_number = test::Deployment::kNewKeyVersion, .s16 = parameter.s16()},
      scp::highest_level(parameter), world.rng));
  put_set(world, session);
  return {.apdus = element.apdus,
          .air_bytes = through_manager.bytes + own_way.bytes,
          .round_trips = through_manager.apdus + own_way.apdus};
}

// A world whose deliveries all go one way.
class World {
 public:
  explicit World(Way way)
      : way_(way), world_("ways bench " + std::to_string(static_cast<int>(way)), options_of(way)) {
    if (way == Way::kRl2) {
      world_.policy.minimum_level = 2;
    }
  }

  // Elements for the next round, made outside the time.
  void refill() {
    const pki::OwnMemory own(others_know_);
    while (cards_.size() < kDeliveries) {
      cards_.push_back(&world_.add_card("device-" + std::to_string(made_++)));
    }
  }

  void round() {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kDeliveries; ++i) {
      way_ == Way::kAgreement ? agree(*cards_.front()) : deliver(*cards_.front());
      cards_.pop_front();
    }
    taken += std::chrono::steady_clock::now() - begin;
  }

  Seconds taken{};
  std::uint64_t apdus = 0;
  std::uint64_t air = 0;
  std::uint64_t round_trips = 0;

 private:
  void deliver(test::DeployedCard& card) {
    const auto order = world_.open_order("order-" + card.device.text(), card, payload_of(way_));
    const auto e0 = world_.request(order.id);
    pki::VerifiedSignatures element_knows;
    const auto in_element = [&](auto step) {
      const pki::OwnMemory own(element_knows);
      return step();
    };
    CountingLink enrolment(*card.element);
    card.middle = &enrolment;
    const Bytes e4 = test::must(in_element([&] { return world_.enrol(card, e0.message); }));
    CountingLink link(*card.element);
    card.middle = &link;
    const Bytes e2 = world_.seal(order.id, e0.attempt, e4);
    const Bytes e3 = test::must(in_element([&] { return world_.relay(card, e2); }));
    const auto judgement = world_.judge(order.id, e0.attempt, e3);
    KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
    card.middle = nullptr;
    apdus = enrolment.apdus + link.apdus;
    air = e0.message.size() + e4.size() + e2.size() + e3.size();
    round_trips = 2;
  }

  void agree(test::DeployedCard& card) {
    pki::VerifiedSignatures everybody_knows;
    const pki::OwnMemory own(everybody_knows);
    const AgreedDelivery done = deliver_by_agreement(world_, card);
    apdus = done.apdus;
    air = done.air_bytes;
    round_trips = done.round_trips;
  }

  Way way_;
  test::Deployment world_;
  std::deque<test::DeployedCard*> cards_;
  int made_ = 0;
  pki::VerifiedSignatures others_know_;
};

void ways_side_by_side(benchmark::State& state) {
  const std::pair<Way, std::string> ways[] = {
      {Way::kRl1, "rl1"}, {Way::kRl2, "rl2"}, {Way::kOs, "os"}, {Way::kAgreement, "amendment_a"}};
  std::deque<World> worlds;
  for (const auto& [way, name] : ways) {
    worlds.emplace_back(way);
  }
  for (auto _ : state) {
    for (World& world : worlds) {
      world.refill();
    }
    const auto begin = std::chrono::steady_clock::now();
    for (World& world : worlds) {
      world.round();
    }
    state.SetIterationTime(Seconds(std::chrono::steady_clock::now() - begin).count());
  }
  const auto deliveries = static_cast<double>(state.iterations() * kDeliveries);
  auto world = worlds.begin();
  for (const auto& [way, name] : ways) {
    state.counters[name + "_us"] = world->taken.count() * 1e6 / deliveries;
    state.counters[name + "_apdus"] = static_cast<double>(world->apdus);
    state.counters[name + "_air"] = static_cast<double>(world->air);
    state.counters[name + "_round_trips"] = static_cast<double>(world->round_trips);
    ++world;
  }
}
BENCHMARK(ways_side_by_side)->UseManualTime();

}  // namespace
}  // namespace kagibin::bench

BENCHMARK_MAIN();
