// SPDX-License-Identifier: Apache-2.0
// Envelopes that are not what this slot of this element was promised: each is refused, nothing is
// installed, and the right one still works afterwards (protocol, section 6).
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/envelope/enrolment/enrolment.h"

#include "tests/support/mutations.h"
#include "tests/support/sealed_scene.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::EnvelopeHeader;

// What the element said, as one number: 0 when it accepted, FFFF for anything but a status word.
std::uint16_t status_of(const Result<void>& result) {
  if (result) {
    return 0;
  }
  return result.error().code == Errc::kCardStatus ? result.error().sw.value : std::uint16_t{0xFFFF};
}

class BadEnvelopesTest : public testing::Test {
 protected:
  std::uint16_t load(ByteView envelope) {
    return status_of(scene_.world.load(scene_.card, scene_.handle, envelope));
  }
  Bytes signed_with(const std::function<void(EnvelopeHeader&)>& change) {
    return scene_.signed_by(must(scene_.world.keys->signing_key()), change);
  }

  SealedScene scene_{"bad envelopes"};
};

TEST_F(BadEnvelopesTest, EveryFlippedBitIsRefusedAndTheRightEnvelopeStillWorks) {
  const Names taken = accepted(bit_flips(scene_.e2), [&](const Bytes& damaged) {
    const std::uint16_t sw = load(damaged);
    return sw != 0x6A80 && sw != 0x6A81 && sw != 0x6985;
  });
  EXPECT_EQ(taken, Names());
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, EveryTruncationAndAnyOctetBehindItAreRefused) {
  const Names taken = accepted(truncations(scene_.e2), [&](const Bytes& damaged) {
    const std::uint16_t sw = load(damaged);
    return sw != 0x6A80 && sw != 0x6985;
  });
  EXPECT_EQ(taken, Names());
  Bytes longer = scene_.e2;
  longer.push_back(0x00);
  EXPECT_EQ(load(longer), 0x6A80);
  longer.resize(1100);
  EXPECT_NE(load(longer), 0);
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, AHeaderThatWasNotSealedWithThePayloadIsRefusedFieldByField) {
  const std::vector<std::pair<std::string, std::function<void(EnvelopeHeader&)>>> changes{
      {"suite", [](auto& header) { header.suite = 0x02; }},
      {"SPID", [](auto& header) { header.spid.octets[0] ^= 1; }},
      {"handle", [](auto& header) { header.handle.octets[15] ^= 1; }},
      {"level", [](auto& header) { header.level = 0x02; }},
      {"level, with the same parameters", [](auto& header) { header.level = 0x03; }},
      {"KVN", [](auto& header) { header.key_version_number = 0x2F; }},
      {"i mask", [](auto& header) { header.required_i_mask = 0x00; }},
      {"SEQ", [](auto& header) { header.seq += 1; }},
      {"issuedAt", [](auto& header) { header.issued_at += 1; }},
      {"notAfter", [](auto& header) { header.not_after += 1; }},
      {"next nA", [](auto& header) { header.next_nonce_a = Nonce16{}; }}};
  for (const auto& [field, change] : changes) {
    scene_.rewind();
    const std::uint16_t sw = load(signed_with(change));
    EXPECT_TRUE(sw == 0x6985 || sw == 0x6A81 || sw == 0x6A80) << field << " " << sw;
    EXPECT_EQ(scene_.finish(), Verdict::kConfirmed) << field;
  }
  // The control: the same way of signing without a change is taken.
  scene_.rewind();
  EXPECT_EQ(load(signed_with([](auto&) {})), 0);
}

TEST_F(BadEnvelopesTest, ThreeEnvelopesThatDoNotOpenEndTheSlotAndTheReceiptSaysSo) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(load(signed_with([](auto& header) { header.issued_at += 1; })), 0x6985);
  }
  EXPECT_NE(load(scene_.e2), 0);
  const Bytes e3 = must(scene_.world.relay(scene_.card, scene_.e2));
  const auto judgement = scene_.world.judge(scene_.order, 1, e3);
  EXPECT_NE(judgement.verdict.verdict, Verdict::kConfirmed);
  // A new attempt under the same SEQ brings the key.
  EXPECT_EQ(scene_.world.deliver(scene_.card, scene_.order).verdict.verdict, Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, AnEnvelopeForAnotherElementIsRefused) {
  DeployedCard& other = scene_.world.add_card("phone-2");
  const auto order = scene_.world.open_order("order-2", other);
  const auto e0 = scene_.world.request(order.id);
  const Bytes e4 = must(scene_.world.enrol(other, e0.message));
  const Bytes e2 = scene_.world.seal(order.id, e0.attempt, e4);
  const Handle others = must(envelope::EnrolmentAnswer::decode(e4)).handle;

  EXPECT_EQ(load(e2), 0x6985);
  EXPECT_EQ(status_of(scene_.world.load(scene_.card, others, e2)), 0x6985);
  EXPECT_EQ(status_of(scene_.world.load(other, others, scene_.e2)), 0x6985);
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
  EXPECT_EQ(scene_.world.judge(order.id, 1, must(scene_.world.relay(other, e2))).verdict.verdict,
            Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, AnEnvelopeForAnotherTargetOfTheSameElementIsRefused) {
  // A second domain of the same provider in the same element.
  const Aid second = *Aid::from_hex("A00000015153504B02");
  {
    auto channel = must(apdu::ChannelLink::open(*scene_.card.element));
    roles::security_module_manager::CardManager manager(*channel, scene_.card.issuer_keys,
                                                        scene_.world.rng);
    const auto keys =
        must(manager.create_domain({.aid = second}, scene_.world.manager_master_key()));
    must(scene_.world.keys->put_channel_keys(scene_.card.seid, second, keys.key_version_number,
                                             Deployment::channel_keys(keys)));
  }
  std::string payload = Deployment::payload_text();
  const std::string first = Deployment::domain_aid().hex();
  payload.replace(payload.find(first), first.size(), second.hex());
  const auto order = scene_.world.open_order("order-2", scene_.card, payload);
  const auto e0 = scene_.world.request(order.id);
  const Bytes e4 = must(scene_.world.enrol(scene_.card, e0.message));
  const Bytes e2 = scene_.world.seal(order.id, e0.attempt, e4);
  const Handle others = must(envelope::EnrolmentAnswer::decode(e4)).handle;

  EXPECT_EQ(load(e2), 0x6985);
  EXPECT_EQ(status_of(scene_.world.load(scene_.card, others, scene_.e2)), 0x6985);
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
  EXPECT_EQ(
      scene_.world.judge(order.id, 1, must(scene_.world.relay(scene_.card, e2))).verdict.verdict,
      Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, AnEnvelopeSignedByAnotherCertifiedProviderIsRefused) {
  const auto intruder = must(crypto::EcPrivateKey::generate(scene_.world.rng));
  EXPECT_EQ(load(scene_.signed_by(intruder, [](auto&) {})), 0x6985);
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
}

TEST_F(BadEnvelopesTest, ADeliveredEnvelopeInstallsNothingTwice) {
  ASSERT_EQ(scene_.finish(), Verdict::kConfirmed);
  EXPECT_NE(load(scene_.e2), 0);
  EXPECT_FALSE(scene_.world.enrol(scene_.card, scene_.e0.message)) << "E0 was replayed";
  scene_.world.reopen(scene_.card);
  EXPECT_NE(load(scene_.e2), 0);
  // Nor in the slot of the next order: another handle, another key, and its SEQ is committed.
  std::string payload = Deployment::payload_text();
  for (const auto& [from, to] : {std::pair{"\"31\"", "\"32\""}, std::pair{"\"30\"", "\"31\""}}) {
    for (std::size_t at = payload.find(from); at != std::string::npos; at = payload.find(from)) {
      payload.replace(at, 4, to);
    }
  }
  const auto next = scene_.world.open_order("order-2", scene_.card, payload);
  EXPECT_EQ(next.seq, 2U);
  const auto e0 = scene_.world.request(next.id);
  const Bytes e4 = must(scene_.world.enrol(scene_.card, e0.message));
  const Handle handle = must(envelope::EnrolmentAnswer::decode(e4)).handle;
  EXPECT_EQ(status_of(scene_.world.load(scene_.card, handle, scene_.e2)), 0x6985);
  const Bytes e2 = scene_.world.seal(next.id, e0.attempt, e4);
  EXPECT_EQ(
      scene_.world.judge(next.id, 1, must(scene_.world.relay(scene_.card, e2))).verdict.verdict,
      Verdict::kConfirmed);
}

}  // namespace
}  // namespace kagibin::test
