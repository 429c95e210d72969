// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/cast/scene.h"

#include "kagibin/apdu/channel_link.h"
#include "kagibin/envelope/enrolment/answer_open.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/service_provider/order_records.h"

#include "tests/conventional/put_keys.h"
#include "tests/support/must.h"

namespace kagibin::attack {

namespace provider = roles::service_provider;
using test::Deployment;
using test::must;

namespace {

constexpr std::string_view kDevice = "phone-1";
constexpr std::string_view kRogueSeed = "the manager's own seed";
constexpr std::uint32_t kRogueCalls = 120;
constexpr std::size_t kKeySize = 16;
// The next key set in the place of the one that was rotated in.
constexpr std::string_view kSecondPayload =
    R"({"target":"A00000015153504B01","channel":{"key_version":"31"},"actions":[{"put_key":{)"
    R"("replace":"31","key_version":"31","key_identifier":"01","keys":[{"random":16},)"
    R"({"random":16},{"random":16}]}}]})";

scp::Scp03KeySet set_of(const delivery::KeyExport& record) {
  return must(scp::Scp03KeySet::create(record.key_enc.duplicate(), record.key_mac.duplicate(),
                                       record.key_dek.duplicate()));
}

// The key set of GlobalPlatform's test cards, and nothing.
std::vector<HeldSet> published_sets() {
  Bytes first;
  for (std::uint8_t octet = 0x40; octet < 0x50; ++octet) {
    first.push_back(octet);
  }
  std::vector<HeldSet> out;
  for (const Bytes& key : {first, Bytes(kKeySize)}) {
    out.push_back({"a published key set", must(scp::Scp03KeySet::create(
                                              SecretBytes::copy_of(key), SecretBytes::copy_of(key),
                                              SecretBytes::copy_of(key)))});
  }
  return out;
}

}  // namespace

Result<Bytes> Tap::transmit(ByteView command) {
  seen.push_back({.command = Bytes(command.begin(), command.end()), .response = {}});
  Bytes answer = KB_TRY(card_->transmit(command));
  seen.back().response = answer;
  return answer;
}

Scene::Scene(const Scheme& scheme, Coalition coalition, std::string_view seed)
    : scheme_(scheme), coalition_(coalition) {
  test::DeploymentOptions options;
  options.by_certificates = scheme.by_certificates;
  options.own_delivery = scheme.is_own_delivery;
  options.manager_exports_keys = !scheme.by_certificates && !scheme.is_own_delivery;
  options.basic_channel_reserved = !scheme.is_conventional;  // the operator's commands come on it
  if (scheme.is_kda_by_manager) {
    rogue_ = std::make_unique<RogueRng>(kRogueSeed);
    options.change_kda = [this](se::BuiltIn& kda) { plant_rogue_kda(kda, *rogue_); };
  }
  world_ = std::make_unique<Deployment>(seed, options);
  card_ = &world_->add_card(kDevice);
  if (scheme.by_certificates || scheme.is_own_delivery) {
    world_->policy.minimum_level = scheme.is_own_delivery ? 5 : 2;
    world_->policy.accept_rl1.reset();
  }
  tap_ = std::make_unique<Tap>(*card_->element);
  card_->middle = tap_.get();
  if (scheme.is_conventional) {
    for (int at = 0; at < 3; ++at) {
      entrusted_.push_back(must(crypto::random_secret(world_->rng, kKeySize)));
    }
  } else {
    if (scheme.rotates_first) {
      put_first(Deployment::payload_text());
    }
    if (scheme.goes_on_at_rl3) {
      put_first(Deployment::payload_by_certificates());
      world_->policy.minimum_level = 3;
    }
    const bool is_second = scheme.rotates_first || scheme.goes_on_at_rl3;
    order_ = world_->open_order("order-1", *card_,
                                is_second                ? kSecondPayload
                                : scheme.is_own_delivery ? Deployment::payload_for_own_delivery()
                                : scheme.by_certificates ? Deployment::payload_by_certificates()
                                                         : Deployment::payload_text());
    const provider::Outgoing first = world_->request(order_->id);
    e0_ = first.message;
    attempt_ = first.attempt;
  }
  give_holdings();
}

void Scene::put_first(std::string_view payload) {
  const auto order = world_->open_order("rotation", *card_, payload);
  const auto judgement = world_->deliver(*card_, order.id);
  KB_CHECK(judgement.verdict.verdict == delivery::Verdict::kConfirmed);
}

void Scene::give_holdings() {
  crypto::Rng& rng = world_->rng;
  holdings_.key_sets = published_sets();
  holdings_.private_keys.push_back(must(crypto::EcPrivateKey::generate(rng)));
  if (scheme_.has_other_maker) {
    auto maker = must(roles::element_maker::MakerIdentity::create("other-maker", rng));
    const Bytes request = must(maker.request(rng));
    auto certificate = must(world_->authority->certify_maker(
        must(pki::CertificationRequest::decode(request)), {}, 365));
    must(maker.adopt(std::move(certificate), world_->trust.anchors.roots.front()));
    holdings_.private_keys.push_back(maker.key.in_memory()->duplicate());
    holdings_.maker = std::move(maker);
  }
  if (coalition_.has_operator) {
    holdings_.private_keys.push_back(must(crypto::EcPrivateKey::generate(rng)));  // transport CA
    if (scheme_.is_conventional) {
      for (const SecretBytes& key : entrusted_) {
        holdings_.keys.push_back({"entrusted by the service provider", key.duplicate()});
      }
      holdings_.key_sets.push_back({"the manager's export", set_of(card_->domain_keys)});
    }
  }
  if (coalition_.has_manager) {
    if (!scheme_.is_own_delivery) {
      holdings_.key_sets.push_back({"the domain's first key set", set_of(card_->domain_keys)});
    }
    holdings_.key_sets.push_back({"the issuer domain's key set", set_of(card_->issuer_keys)});
    holdings_.keys.push_back({"the manager's master key", world_->manager_master.duplicate()});
    holdings_.private_keys.push_back(world_->manager_key().duplicate());
    if (scheme_.is_kda_by_manager) {
      for (crypto::EcPrivateKey& key : RogueRng::keys(kRogueSeed, kRogueCalls)) {
        holdings_.private_keys.push_back(std::move(key));
      }
    }
  }
  const crypto::EcPrivateKey& root = *world_->authority->keys().current.in_memory();
  const bool knows_root = scheme_.root == Scheme::RootKnownTo::kEverybody ||
                          (scheme_.root == Scheme::RootKnownTo::kManager && coalition_.has_manager);
  if (knows_root) {
    holdings_.root = root.duplicate();
  }
  if (knows_root || (scheme_.manager_certifies_domains && coalition_.has_manager)) {
    holdings_.domain_root = root.duplicate();
  }
}

Result<Bytes> Scene::enrol(apdu::CardLink* device) {
  tap_->listen_to(device != nullptr ? *device : *card_->element);
  Result<Bytes> answer = world_->enrol(*card_, e0_);
  tap_->listen_to(*card_->element);
  return answer;
}

Result<Bytes> Scene::enrol_with(ByteView domain_certificate) {
  return world_->enrol_with(*card_, e0_, domain_certificate);
}

std::optional<Bytes> Scene::offer(ByteView answer) {
  const test::MemoryJournal::State before = world_->journal.state();
  auto sealing = world_->flow->seal(order_->id, attempt_, answer);
  if (!sealing) {
    refusal_ = sealing.error().text;
    world_->journal.restore(before);
    return std::nullopt;
  }
  return std::move(sealing->envelope);
}

bool Scene::hand_over(std::string_view list) {
  const test::MemoryJournal::State before = world_->journal.state();
  if (!scheme_.is_maker_pinned) {
    test::MemoryJournal::State unpinned = before;
    std::erase_if(unpinned.records, [](const auto& one) { return one.first.first == "element"; });
    world_->journal.restore(unpinned);
  }
  const auto taken = world_->shipments.import(list, world_->trust,
                                              pki::CertificateDate::from_unix(world_->clock.now()));
  if (!taken) {
    refusal_ = taken.error().text;
    world_->journal.restore(before);
  }
  return taken.has_value();
}

std::optional<Bytes> Scene::relay(ByteView envelope, apdu::CardLink* device) {
  tap_->listen_to(device != nullptr ? *device : *card_->element);
  Result<Bytes> receipt = world_->relay(*card_, envelope);
  tap_->listen_to(*card_->element);
  return receipt ? std::optional(std::move(*receipt)) : std::nullopt;
}

bool Scene::deliver(apdu::CardLink* device) {
  if (scheme_.is_conventional) {
    tap_->listen_to(device != nullptr ? *device : *card_->element);
    push(*tap_);
    tap_->listen_to(*card_->element);
    return refusal_.empty();
  }
  const auto answer = enrol(device);
  if (!answer) {
    return false;
  }
  const auto envelope = offer(*answer);
  if (!envelope) {
    return false;
  }
  const Bytes statement = honest_answer(*answer).statement;
  knows_envelope(*envelope, crypto::sha256(statement));
  const auto receipt = relay(*envelope, device);
  return receipt && world_->judge(order_->id, attempt_, *receipt).verdict.verdict ==
                        delivery::Verdict::kConfirmed;
}

// The operator's side of the old way. Whether the card takes the keys is not asked: a false target
// took them.
void Scene::push(apdu::CardLink& device) {
  const auto pushed = conventional::put_keys(device,
                                             {.channel = set_of(card_->domain_keys),
                                              .channel_version = Deployment::kDomainKeyVersion,
                                              .target = target(),
                                              .replaced_version = Deployment::kDomainKeyVersion,
                                              .key_version = Deployment::kNewKeyVersion},
                                             entrusted_, world_->rng);
  refusal_ = pushed ? "" : std::string(pushed.error().detail.text());
}

cli::CoalitionView Scene::view() const {
  cli::CoalitionView out{.envelopes = envelopes_};
  for (const HeldSet& set : holdings_.key_sets) {
    out.key_sets.push_back(set.keys.duplicate());
  }
  for (const crypto::EcPrivateKey& key : holdings_.private_keys) {
    out.private_keys.push_back(key.duplicate());
  }
  if (coalition_.sees_relay || scheme_.is_conventional) {
    out.apdus = tap_->seen;
  }
  if (card_->domain_certificate) {
    out.agreement_keys.push_back(crypto::CurvePublicKey::from(card_->domain_certificate->key()));
  }
  return out;
}

envelope::AnswerContent Scene::honest_answer(ByteView answer) {
  const auto attempt = *must(world_->journal.find_attempt(order_->id, attempt_));
  const SecretBytes scalar =
      must(world_->keys->unseal(provider::kem_label(order_->id, attempt_), attempt.sealed_kem_key));
  return must(envelope::open_answer(must(envelope::EnrolmentAnswer::decode(answer)),
                                    must(crypto::EcPrivateKey::from_scalar(scalar.expose()))));
}

void Scene::knows_envelope(ByteView envelope, ByteView statement_hash) {
  envelopes_.push_back({.envelope = Bytes(envelope.begin(), envelope.end()),
                        .statement_hash = Bytes(statement_hash.begin(), statement_hash.end())});
}

std::vector<SecretBytes> Scene::delivered() {
  std::vector<SecretBytes> out;
  if (scheme_.is_conventional) {
    for (const SecretBytes& key : entrusted_) {
      out.push_back(key.duplicate());
    }
    return out;
  }
  const SecretBytes octets =
      must(world_->keys->unseal(provider::payload_label(order_->id), order_->sealed_payload));
  envelope::Payload payload = must(envelope::Payload::decode(octets.expose()));
  for (envelope::Action& action : payload.actions) {
    for (auto& key : std::get<envelope::PutKeyAction>(action).keys) {
      out.push_back(std::move(key.value));
    }
  }
  return out;
}

}  // namespace kagibin::attack
