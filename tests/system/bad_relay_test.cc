// SPDX-License-Identifier: Apache-2.0
// A device that lies, loses answers or repeats itself, wrong channel keys, and receipts that cannot
// be believed: no state says installed or failed while the element says otherwise, and nothing is
// installed twice (protocol, sections 9 and 10; promises, I1, I3, I4).
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/enrolment/enrolment.h"

#include "tests/support/mutations.h"
#include "tests/support/sealed_scene.h"
#include "tests/support/tampering_link.h"

namespace kagibin::test {
namespace {

using delivery::Verdict;
using envelope::ActionResult;
using roles::service_provider::Sealing;

constexpr std::uint8_t kPutKey = 0xD8;
constexpr std::uint8_t kInitializeUpdate = 0x50;

bool is_for_the_target(const apdu::CommandApdu& command) {
  return command.ins == kPutKey || command.ins == kInitializeUpdate || command.ins == 0x82;
}

class BadRelayTest : public testing::Test {
 protected:
  bool new_keys_open() {
    const auto keys = must(scene_.world.keys->channel_keys(
        scene_.card.seid, Deployment::domain_aid(), Deployment::kNewKeyVersion));
    return keys && scene_.world.opens_with(scene_.card, Deployment::kNewKeyVersion, *keys);
  }
  bool old_keys_open() {
    return scene_.world.opens_with(scene_.card, Deployment::kDomainKeyVersion,
                                   Deployment::channel_keys(scene_.card.domain_keys));
  }
  // The delivery through this device, without judging.
  Result<Bytes> relay_through(TamperingLink& device) {
    scene_.card.middle = &device;
    Result<Bytes> receipt = scene_.world.relay(scene_.card, scene_.e2);
    scene_.card.middle = nullptr;
    return receipt;
  }

  SealedScene scene_{"bad relay"};
};

TEST_F(BadRelayTest, AForgedErrorAfterPutKeyIsUnknownAndThenProved) {
  // From the moment the key has left, every further command of the target is answered by a lie.
  bool key_left = false;
  TamperingLink liar(*scene_.card.element, [&](const apdu::CommandApdu& command) {
    key_left = key_left || command.ins == kPutKey;
    return key_left && is_for_the_target(command) ? Tamper{.answer = StatusWord{0x6A80}} : Tamper{};
  });
  const Bytes first = must(relay_through(liar));
  const auto doubt = scene_.world.judge(scene_.order, 1, first);
  EXPECT_EQ(doubt.verdict.verdict, Verdict::kUnknown) << doubt.verdict.reason;
  EXPECT_EQ(must(scene_.world.flow->find(scene_.order)).state, delivery::State::kUnknown);

  const Bytes second = must(scene_.world.relay(scene_.card, scene_.e2));
  const auto proof = scene_.world.judge(scene_.order, 1, second);
  EXPECT_EQ(proof.verdict.verdict, Verdict::kConfirmed) << proof.verdict.reason;
  EXPECT_EQ(must(envelope::Receipt::decode(second)).results,
            std::vector{ActionResult::kInstalledByProbe});
  EXPECT_TRUE(new_keys_open());
  EXPECT_FALSE(old_keys_open());
}

TEST_F(BadRelayTest, AForgedSuccessInsteadOfPutKeyIsNotBelieved) {
  // The device drops the key and says 9000.
  TamperingLink device(*scene_.card.element, [](const apdu::CommandApdu& command) {
    return command.ins == kPutKey ? Tamper{.instead = StatusWord{0x9000}} : Tamper{};
  });
  scene_.card.middle = &device;
  const Bytes receipt = must(scene_.world.relay(scene_.card, scene_.e2));
  scene_.card.middle = nullptr;
  const auto judgement = scene_.world.judge(scene_.order, 1, receipt);
  EXPECT_NE(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_TRUE(old_keys_open());
  // Honest again: the same order ends with the key in place.
  const auto after = scene_.world.relay(scene_.card, scene_.e2);
  auto verdict = scene_.world.judge(scene_.order, 1, must(after)).verdict.verdict;
  if (verdict != Verdict::kConfirmed) {
    verdict = scene_.world.deliver(scene_.card, scene_.order).verdict.verdict;
  }
  EXPECT_EQ(verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, EveryAnswerLostOnceAndEveryCommandLostOnceStillEndsInTheKey) {
  std::size_t losses = 0;
  for (const bool lose_command : {false, true}) {
    bool lost = true;
    for (std::size_t nth = 1; lost; ++nth) {
      scene_.rewind();
      std::size_t seen = 0;
      lost = false;
      TamperingLink device(*scene_.card.element, [&](const apdu::CommandApdu&) {
        if (++seen != nth) {
          return Tamper{};
        }
        lost = true;
        return lose_command ? Tamper{.drop_command = true} : Tamper{.drop_answer = true};
      });
      Result<Bytes> receipt = relay_through(device);
      for (int again = 0; !receipt && again < 4; ++again) {
        scene_.world.reopen(scene_.card);
        receipt = scene_.world.relay(scene_.card, scene_.e2);
      }
      ASSERT_TRUE(receipt) << nth;
      const auto judgement = scene_.world.judge(scene_.order, 1, *receipt);
      EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed)
          << "command " << nth << (lose_command ? "" : "'s answer")
          << " lost: " << judgement.verdict.reason;
      EXPECT_TRUE(new_keys_open());
      losses += lost ? 1U : 0U;
    }
  }
  fmt::print("{} lost commands and answers\n", losses);
  EXPECT_GT(losses, 10U);
}

// Keeps the first PUT KEY for itself, says that it failed, and resets nothing: what comes after
// goes over other logical channels, while the session of the first stands.
class Hoarder final : public apdu::CardLink {
 public:
  explicit Hoarder(se::Element& element) : element_(element) {}
  Result<Bytes> transmit(ByteView command) override {
    Bytes sent(command.begin(), command.end());
    if (sent[1] == kPutKey) {
      ++puts;
      if (kept_.empty()) {
        kept_ = std::move(sent);
        other_ = KB_TRY(manage({.ins = apdu::ins::kManageChannel, .data = {}, .le = 1})).at(0);
        return apdu::ResponseApdu{.sw = StatusWord{0x6985}}.encode();
      }
    } else if (!kept_.empty() && channel_of(sent) == channel_of(kept_)) {
      sent[0] = static_cast<std::uint8_t>((sent[0] & ~kChannelBits) | other_);
    }
    return element_.transmit(sent);
  }
  Result<void> reset() override {
    ++resets;
    for (std::uint8_t channel = 1; channel <= kChannelBits; ++channel) {
      if (channel != channel_of(kept_)) {
        KB_TRY(manage({.ins = apdu::ins::kManageChannel, .p1 = 0x80, .p2 = channel, .data = {}}));
      }
    }
    return {};
  }
  Result<Bytes> hand_in() { return element_.transmit(kept_); }

  std::size_t puts = 0;
  std::size_t resets = 0;

 private:
  static constexpr std::uint8_t kChannelBits = 0x03;
  static std::uint8_t channel_of(const Bytes& command) { return command[0] & kChannelBits; }
  Result<Bytes> manage(const apdu::CommandApdu& command) {
    return element_.transmit(command.encode());
  }

  se::Element& element_;
  Bytes kept_;
  std::uint8_t other_ = 0;
};

TEST_F(BadRelayTest, ACommandThatWasKeptBackOnAnotherChannelMakesNoReceiptUntrue) {
  Hoarder device(*scene_.card.element);
  scene_.card.middle = &device;
  const Bytes doubt = must(scene_.world.relay(scene_.card, scene_.e2));
  scene_.card.middle = nullptr;
  EXPECT_EQ(scene_.world.judge(scene_.order, 1, doubt).verdict.verdict, Verdict::kUnknown);
  EXPECT_GT(device.resets, 0U);
  EXPECT_EQ(device.puts, 1U) << "the key left a second time, while the first may yet arrive";
  // It does, and the target takes it: no receipt has said that it did not.
  const Bytes answer = must(device.hand_in());
  EXPECT_EQ(must(apdu::ResponseApdu::decode(answer)).sw.value, 0x9000);

  const Bytes proof = must(scene_.world.relay(scene_.card, scene_.e2));
  const auto judgement = scene_.world.judge(scene_.order, 1, proof);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
  EXPECT_EQ(must(envelope::Receipt::decode(proof)).results,
            std::vector{ActionResult::kInstalledByProbe});
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, ADeviceWithoutAResetIsToldToSwitchTheElementOffAndOn) {
  // As a phone's application, which reaches a channel of its UICC alone.
  class WithoutReset final : public apdu::CardLink {
   public:
    explicit WithoutReset(se::Element& element) : element_(element) {}
    Result<Bytes> transmit(ByteView command) override {
      return command[1] == kPutKey ? apdu::ResponseApdu{.sw = StatusWord{0x6985}}.encode()
                                   : element_.transmit(command);
    }

   private:
    se::Element& element_;
  };
  WithoutReset device(*scene_.card.element);
  scene_.card.middle = &device;
  const auto told = scene_.world.relay(scene_.card, scene_.e2);
  scene_.card.middle = nullptr;
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().code, Errc::kNotSupported);
  EXPECT_NE(std::string(told.error().detail.text()).find("switch it off and on"),
            std::string::npos);

  scene_.world.reopen(scene_.card);
  const Bytes proof = must(scene_.world.relay(scene_.card, scene_.e2));
  EXPECT_EQ(scene_.world.judge(scene_.order, 1, proof).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, ReplayedEnrolWhileADeliveryIsOpenChangesNothing) {
  // The key has left and its answer is lost.
  TamperingLink device(*scene_.card.element, [](const apdu::CommandApdu& command) {
    return command.ins == kPutKey ? Tamper{.drop_answer = true} : Tamper{};
  });
  ASSERT_FALSE(relay_through(device));
  const auto again = scene_.world.enrol(scene_.card, scene_.e0.message);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().sw.value, 0x6985);
  // A fresh, honest request has to wait too: probe first.
  const auto fresh = must(scene_.world.flow->attempt_after(scene_.order, 1));
  const auto early = scene_.world.enrol(scene_.card, fresh.message);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().sw.value, 0x6985);
  EXPECT_EQ(scene_.finish(), Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, AResealKeepsSeqAndTheOldEnvelopeIsWorthNothing) {
  const auto second = scene_.world.request(scene_.order);
  ASSERT_EQ(second.attempt, 2U);
  const Bytes e4 = must(scene_.world.enrol(scene_.card, second.message));
  const Bytes e2 = scene_.world.seal(scene_.order, second.attempt, e4);
  const auto header =
      must(envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(e2)).header));
  EXPECT_EQ(header.seq, scene_.header().seq);
  EXPECT_NE(header.handle, scene_.handle);
  const auto old = scene_.world.load(scene_.card, scene_.handle, scene_.e2);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().sw.value, 0x6985);
  const Bytes receipt = must(scene_.world.relay(scene_.card, e2));
  EXPECT_EQ(scene_.world.judge(scene_.order, 2, receipt).verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, ALostReceiptIsMadeUpForByReadingTheElementBack) {
  must(scene_.world.relay(scene_.card, scene_.e2));  // installed; the receipt never arrives
  const auto second = scene_.world.request(scene_.order);
  const Bytes e4 = must(scene_.world.enrol(scene_.card, second.message));
  const auto sealing = must(scene_.world.flow->seal(scene_.order, second.attempt, e4));
  ASSERT_EQ(sealing.outcome, Sealing::Outcome::kReadBack);
  EXPECT_TRUE(sealing.envelope.empty()) << "an installed order must not be sealed again";
  const auto judgement = must(scene_.world.flow->judge_statement(scene_.order, sealing));
  EXPECT_EQ(judgement.attempt, 1U);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed);
  EXPECT_TRUE(new_keys_open());
}

TEST_F(BadRelayTest, EveryFlippedBitOfTheReceiptLeavesTheOutcomeUnknown) {
  const Bytes receipt = must(scene_.world.relay(scene_.card, scene_.e2));
  const Names believed = accepted(bit_flips(receipt), [&](const Bytes& damaged) {
    const auto judgement = scene_.world.judge(scene_.order, 1, damaged);
    return judgement.verdict.verdict != Verdict::kUnknown;
  });
  EXPECT_EQ(believed, Names());
  EXPECT_EQ(scene_.world.judge(scene_.order, 1, receipt).verdict.verdict, Verdict::kConfirmed);
}

TEST_F(BadRelayTest, AReceiptOfAnotherDeliveryIsNotBelieved) {
  DeployedCard& other = scene_.world.add_card("phone-2");
  const auto order = scene_.world.open_order("order-2", other);
  const auto e0 = scene_.world.request(order.id);
  const Bytes e2 =
      scene_.world.seal(order.id, e0.attempt, must(scene_.world.enrol(other, e0.message)));
  const Bytes theirs = must(scene_.world.relay(other, e2));
  EXPECT_EQ(scene_.world.judge(scene_.order, 1, theirs).verdict.verdict, Verdict::kUnknown);
  EXPECT_EQ(scene_.world.judge(order.id, 1, theirs).verdict.verdict, Verdict::kConfirmed);
}

TEST_F(BadRelayTest, AReceiptAfterTheOrdersEndIsUnknownUntilReadBack) {
  const Bytes receipt = must(scene_.world.relay(scene_.card, scene_.e2));
  scene_.world.clock.advance_seconds(std::int64_t{2} * 3600);
  const auto judgement = scene_.world.judge(scene_.order, 1, receipt);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kUnknown);
  const auto next = scene_.world.flow->attempt_after(scene_.order, 1);
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, Errc::kExpired);
}

TEST(WrongChannelKeysTest, AreToldApartWithoutWastingATryAndTheRightOnesWorkAfterwards) {
  // An element that blocks a key set at the second wrong host cryptogram in a row.
  Deployment world("wrong channel keys");
  DeployedCard& card = world.add_card("phone-1", {.authentication_failure_limit = 2});
  const auto right = Deployment::channel_keys(card.domain_keys);
  auto wrong = Deployment::channel_keys(card.domain_keys);
  wrong.mac.expose_mutable()[0] ^= 1;
  must(world.keys->put_channel_keys(card.seid, Deployment::domain_aid(),
                                    Deployment::kDomainKeyVersion, wrong));
  const auto order = world.open_order("order-1", card);
  for (int attempt = 0; attempt < 4; ++attempt) {
    const auto judgement = world.deliver(card, order.id);
    EXPECT_EQ(judgement.verdict.verdict, Verdict::kRefused) << judgement.verdict.reason;
    EXPECT_NE(judgement.verdict.reason.find("channel keys"), std::string::npos);
  }
  must(world.keys->put_channel_keys(card.seid, Deployment::domain_aid(),
                                    Deployment::kDomainKeyVersion, right));
  const auto judgement = world.deliver(card, order.id);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
}

TEST(CancelTest, ACancelledOrderInstallsNothingAndItsEnvelopeIsRefused) {
  SealedScene scene("cancel");
  const auto cancel = must(scene.world.flow->cancel_after(scene.order, 1));
  device::Channels channels = must(device::Channels::open_logical(*scene.card.element));
  device::KdaSession session = must(device::KdaSession::select(channels));
  must(session.cancel(cancel.message));
  const Bytes receipt = must(session.receipt(scene.handle));
  const auto judgement = scene.world.judge(scene.order, cancel.attempt, receipt);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kCancelled) << judgement.verdict.reason;
  EXPECT_FALSE(session.load(scene.handle, scene.e2));
}

TEST(CancelTest, NamesTheLastSealedAttemptByItsKey) {
  SealedScene scene("cancel names");
  const auto kem_of = [](ByteView e0) {
    return must(envelope::EnrolmentRequest::decode(e0)).kem_key;
  };
  const auto first = must(scene.world.flow->cancel_after(scene.order, 1));
  EXPECT_EQ(kem_of(first.message), kem_of(scene.e0.message));
  // A later attempt that was sealed is the one that the element holds.
  const auto again = scene.world.request(scene.order);
  const Bytes e4 = must(scene.world.enrol(scene.card, again.message));
  scene.world.seal(scene.order, again.attempt, e4);
  // One that was only asked for is not.
  const auto asked = scene.world.request(scene.order);
  const auto second = must(scene.world.flow->cancel_after(scene.order, asked.attempt));
  EXPECT_EQ(kem_of(second.message), kem_of(again.message));
  EXPECT_NE(kem_of(second.message), kem_of(asked.message));
  EXPECT_NE(kem_of(second.message), kem_of(scene.e0.message));
}

TEST(CancelTest, OneThatWasHeldBackDoesNotEndALaterAttempt) {
  SealedScene scene("cancel held back");
  const auto held_back = must(scene.world.flow->cancel_after(scene.order, 1));
  const auto e0 = scene.world.request(scene.order);
  const Bytes e4 = must(scene.world.enrol(scene.card, e0.message));
  const Bytes e2 = scene.world.seal(scene.order, e0.attempt, e4);
  const auto play = [&] {
    device::Channels channels = must(device::Channels::open_logical(*scene.card.element));
    device::KdaSession session = must(device::KdaSession::select(channels));
    const auto answer = session.cancel(held_back.message);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().sw.value, 0x6985);
  };
  play();
  const auto header =
      must(envelope::EnvelopeHeader::decode(must(envelope::Envelope::decode(e2)).header));
  must(scene.world.load(scene.card, header.handle, e2));
  play();
  const Bytes e3 = must(scene.world.relay(scene.card, e2));
  const auto judgement = scene.world.judge(scene.order, e0.attempt, e3);
  EXPECT_EQ(judgement.verdict.verdict, Verdict::kConfirmed) << judgement.verdict.reason;
}

TEST(CancelTest, NothingIsCancelledInTheElementBeforeAnEnvelopeWentOut) {
  Deployment world("cancel early");
  const DeployedCard& card = world.add_card("phone-1");
  const auto order = world.open_order("order-1", card);
  world.request(order.id);
  const auto cancel = world.flow->cancel_after(order.id, 1);
  ASSERT_FALSE(cancel);
  EXPECT_EQ(cancel.error().code, Errc::kState);
  EXPECT_EQ(must(world.flow->find(order.id)).current_attempt, 1U);
}

}  // namespace
}  // namespace kagibin::test
