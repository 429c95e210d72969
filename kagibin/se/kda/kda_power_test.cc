// SPDX-License-Identifier: Apache-2.0
// Power cut at every write of the element, the target's own included, and again during recovery:
// the end is DONE with R-MAC, and never a receipt that says otherwise than the element
// (promises.md). A domain that takes deliveries by itself ends in DONE or proved absent, never in
// doubt.
#include <functional>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/commands.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;
using test::Cut;

struct Shape {
  std::string_view name;
  std::uint8_t i;
  std::function<envelope::Payload(const KdaBench&)> payload;
  std::function<bool(KdaBench&)> is_installed;
  bool may_end_unknown = false;
  // A domain that takes deliveries by itself: what the receipt says in the end, and nothing else.
  std::vector<int> own_results{};
  kda::State own_state = kda::State::kDone;

  bool is_own() const { return !own_results.empty(); }
};

std::vector<Shape> shapes() {
  const auto add = [](const KdaBench& bench) { return bench.add_keys(0x31); };
  const auto has_added = [](KdaBench& bench) { return bench.target_holds(0x31, 0x60); };
  const auto replace = [](const KdaBench& bench) { return bench.replace_keys(0x20, 0x20); };
  const auto has_replaced = [](KdaBench& bench) { return bench.target_holds(0x20, 0x60); };
  const auto three = [](const KdaBench& bench) {
    Bytes group = hex("802010");
    append(group, key_octets(0x70).expose());
    std::vector<envelope::Action> actions;
    actions.emplace_back(KdaBench::put_key(0, 0x31, 0x60));
    actions.emplace_back(envelope::StoreDataAction{.application = payment_credential_module(),
                                                   .under_key_dek = true,
                                                   .data = SecretBytes::copy_of(group),
                                                   .probe = {}});
    actions.emplace_back(envelope::DeleteKeyAction{.key_version = 0x20});
    return bench.payload_of(std::move(actions));
  };
  const auto has_three = [](KdaBench& bench) {
    return bench.target_holds(0x31, 0x60) && !bench.target_holds(0x20, 0x20) &&
           bench.authenticates(payment_credential_module(), 0x00, 0x70);
  };
  const auto add_and_refused = [](const KdaBench& bench) {
    std::vector<envelope::Action> actions;
    actions.emplace_back(KdaBench::put_key(0, 0x31, 0x60));
    actions.emplace_back(KdaBench::put_key(0x44, 0x44, 0x70));  // there is nothing to replace
    return bench.payload_of(std::move(actions));
  };
  return {{"add", 0x60, add, has_added},
          {"replace", 0x60, replace, has_replaced},
          {"three actions", 0x70, three, has_three},
          {"replace without R-MAC", 0x00, replace, has_replaced},
          {"add without R-MAC", 0x00, add, has_added, true},
          {"own: replace", 0x60, replace, has_replaced, false, {0}},
          {"own: three actions", 0x70, three, has_three, false, {0, 0, 0}},
          {"own: refused", 0x60, add_and_refused, has_added, false, {0, 2}, kda::State::kAbsent}};
}

struct Plan {
  std::uint64_t first = 0;  // write at which power fails, from 1; 0: never
  Cut first_cut = Cut::kBefore;
  std::uint64_t second = 0;  // write after the restart
  Cut second_cut = Cut::kBefore;
};

// The agent's whole job, from E0 to the receipt, over as many power cuts as are planned.
class Job {
 public:
  explicit Job(const Shape& shape)
      : shape_(shape), bench_({.i = shape.i, .own_delivery = shape.is_own()}) {
    delivery_ = bench_.request();
  }

  // The outcome of the last run; how many of the planned cuts came.
  Outcome run(const Plan& plan) {
    std::vector<std::pair<std::uint64_t, Cut>> cuts{{plan.first, plan.first_cut},
                                                    {plan.second, plan.second_cut}};
    std::size_t next = 0;
    bench_.power->cut_at(cuts[next].first, cuts[next].second);
    for (int tries = 0; tries < 8; ++tries) {
      const Outcome outcome = attempt();
      if (bench_.power->on) {
        bench_.power->restore();  // what is looked at from here on is not part of the job
        return outcome;
      }
      ++cuts_;
      bench_.restart();
      ++next;
      if (next < cuts.size()) {
        bench_.power->cut_at(cuts[next].first, cuts[next].second);
      }
    }
    return Outcome::kFailed;
  }
  int cuts() const { return cuts_; }
  KdaBench& bench() { return bench_; }
  const Delivery& delivery() const { return delivery_; }
  bool is_installed() { return shape_.is_installed(bench_); }

 private:
  // As an agent that asks again for everything it has no answer to.
  Outcome attempt() {
    if (delivery_.answer.empty()) {
      auto answer = bench_.kda(kda::enrol(delivery_.request));
      if (!answer || !sw::is_ok(answer->sw)) {
        return Outcome::kNoPower;
      }
      delivery_.answer = answer->data;
      bench_.open_answer(delivery_);
      bench_.seal(delivery_, shape_.payload(bench_));
    }
    const auto state = bench_.kda(kda::status(delivery_.handle()));
    if (!state) {
      return Outcome::kNoPower;
    }
    const auto status = kda::Status::decode(state->data);
    if (status && status->state == kda::State::kEnrolled) {
      const auto loaded = bench_.kda(kda::load(delivery_.handle(), delivery_.envelope));
      if (!loaded || !sw::is_ok(loaded->sw)) {
        return Outcome::kNoPower;
      }
    }
    const Outcome outcome = bench_.pump(delivery_.handle());
    if (outcome == Outcome::kNoPower || !bench_.raw_receipt(delivery_.handle())) {
      return Outcome::kNoPower;
    }
    return outcome;
  }

  const Shape& shape_;
  KdaBench bench_;
  Delivery delivery_;
  int cuts_ = 0;
};

std::string describe(const Shape& shape, const Plan& plan) {
  return std::string(shape.name) + ": cut at write " + std::to_string(plan.first) + "/" +
         std::to_string(static_cast<int>(plan.first_cut)) + ", then " +
         std::to_string(plan.second) + "/" + std::to_string(static_cast<int>(plan.second_cut));
}

// How many of the planned cuts came: fewer when the sequence is not that long.
int survives(const Shape& shape, const Plan& plan) {
  Job job(shape);
  const Outcome outcome = job.run(plan);
  const std::string what = describe(shape, plan);
  const auto raw = job.bench().raw_receipt(job.delivery().handle());
  if (!raw || !sw::is_ok(raw->sw)) {
    ADD_FAILURE() << what << ": no receipt, outcome " << static_cast<int>(outcome);
    return job.cuts();
  }
  const ReadReceipt receipt = job.bench().receipt(job.delivery());
  const bool is_installed = job.is_installed();
  const auto state = job.bench().status(job.delivery().handle()).state;
  if (shape.is_own()) {
    EXPECT_EQ(outcome, Outcome::kDone) << what;
    EXPECT_EQ(state, shape.own_state) << what;
    EXPECT_TRUE(is_installed) << what;
    EXPECT_EQ(receipt.results(), shape.own_results) << what;
  } else if (outcome == Outcome::kDone) {
    EXPECT_EQ(state, kda::State::kDone) << what;
    EXPECT_TRUE(is_installed) << what;
    for (const int result : receipt.results()) {
      EXPECT_LE(result, 0x01) << what;
    }
  } else {
    EXPECT_TRUE(shape.may_end_unknown) << what;
    EXPECT_EQ(state, kda::State::kUnknown) << what;
    EXPECT_EQ(receipt.results(), std::vector<int>{0x03}) << what;
  }
  EXPECT_TRUE(receipt.opened.mac_valid) << what;
  return job.cuts();
}

constexpr std::array kCuts{Cut::kBefore, Cut::kHalfWay, Cut::kAfter};

class EveryShape : public testing::TestWithParam<std::size_t> {};

TEST_P(EveryShape, SurvivesACutAtEveryWrite) {
  const Shape shape = shapes().at(GetParam());
  std::uint64_t writes = 0;
  for (const Cut cut : kCuts) {
    for (std::uint64_t write = 1; survives(shape, {.first = write, .first_cut = cut}) == 1;
         ++write) {
      writes = std::max(writes, write);
    }
  }
  // ENROL, LOAD, SENT, the target's PUT KEY, DONE; a domain's own: the last three are one
  EXPECT_GE(writes, shape.is_own() ? 2U + shape.own_results.size() : 5U);
}

TEST_P(EveryShape, SurvivesASecondCutDuringRecovery) {
  const Shape shape = shapes().at(GetParam());
  std::uint64_t pairs = 0;
  for (const Cut first_cut : kCuts) {
    for (std::uint64_t first = 1; survives(shape, {.first = first, .first_cut = first_cut}) == 1;
         ++first) {
      for (const Cut second_cut : kCuts) {
        for (std::uint64_t second = 1;; ++second) {
          const Plan plan{
              .first = first, .first_cut = first_cut, .second = second, .second_cut = second_cut};
          if (survives(shape, plan) < 2) {
            break;
          }
          ++pairs;
        }
      }
    }
  }
  EXPECT_GE(pairs, shape.is_own() ? 20U : 50U);
  RecordProperty("pairs", static_cast<int>(pairs));
}

INSTANTIATE_TEST_SUITE_P(KdaPower, EveryShape, testing::Range(std::size_t{0}, shapes().size()));

// A target that loses its own power has no open channel afterwards; the KDA's RAM is gone too.
TEST(KdaPower, AResetAfterEveryExchangeResumes) {
  for (std::size_t at = 0;; ++at) {
    KdaBench bench;
    Delivery delivery = bench.enrol();
    bench.seal(delivery, bench.add_keys(0x31));
    ASSERT_EQ(bench.load(delivery), sw::kOk);
    kda::Pump pump(delivery.handle());
    kda::Pump::Step step = pump.start();
    std::size_t exchange = 0;
    while (step.need == kda::Pump::Need::kTransmit && exchange <= at) {
      const auto answer = step.channel == kda::Pump::Channel::kKda ? bench.kda(step.command)
                                                                   : bench.target(step.command);
      ASSERT_TRUE(answer.has_value());
      step = pump.answered(*answer);
      ++exchange;
    }
    const bool has_ended = step.need != kda::Pump::Need::kTransmit;
    bench.restart();
    ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone) << at;
    EXPECT_TRUE(bench.target_holds(0x31, 0x60)) << at;
    if (has_ended) {
      EXPECT_GE(at, 6U);
      return;
    }
  }
}

TEST(KdaPower, ARandomSourceThatFailsOnceLosesNothing) {
  std::uint64_t call = 1;
  for (bool has_failed = true; has_failed; ++call) {
    KdaBench bench;
    Delivery delivery = bench.request();
    bench.rng.fail_at(call);
    const auto enrolled = bench.kda(kda::enrol(delivery.request));
    ASSERT_TRUE(enrolled.has_value());
    if (sw::is_ok(enrolled->sw)) {
      delivery.answer = enrolled->data;
      bench.open_answer(delivery);
    } else {
      EXPECT_EQ(enrolled->sw, sw::kNoDiagnosis);
      ASSERT_EQ(bench.send(delivery), sw::kOk);
    }
    // The provider draws from the same source: it must not be the one that fails.
    has_failed = bench.rng.has_failed();
    bench.rng.fail_at(0);
    bench.seal(delivery, bench.add_keys(0x31));
    ASSERT_EQ(bench.load(delivery), sw::kOk);
    bench.rng.fail_at(has_failed ? 0 : call);
    Outcome outcome = bench.pump(delivery.handle());
    has_failed = bench.rng.has_failed();
    bench.rng.fail_at(0);
    if (outcome != Outcome::kDone) {
      outcome = bench.pump(delivery.handle());
    }
    ASSERT_EQ(outcome, Outcome::kDone) << call;
    EXPECT_TRUE(bench.target_holds(0x31, 0x60)) << call;
  }
  EXPECT_GT(call, 5U);
}

TEST(KdaPower, AFullMemoryLosesNothing) {
  KdaBench bench;
  Delivery delivery = bench.request();
  bench.power->full = true;
  EXPECT_EQ(bench.kda_sw(kda::enrol(delivery.request)), sw::kNotEnoughMemory);
  bench.power->full = false;
  ASSERT_EQ(bench.send(delivery), sw::kOk);
  bench.seal(delivery, bench.add_keys(0x31));
  bench.power->full = true;
  EXPECT_EQ(bench.load(delivery), sw::kNotEnoughMemory);
  bench.power->full = false;
  ASSERT_EQ(bench.load(delivery), sw::kOk);
  bench.power->full = true;
  EXPECT_EQ(bench.pump(delivery.handle()), Outcome::kFailed);
  EXPECT_FALSE(bench.target_holds(0x31, 0x60));
  bench.power->full = false;
  ASSERT_EQ(bench.pump(delivery.handle()), Outcome::kDone);
  EXPECT_TRUE(bench.target_holds(0x31, 0x60));
}

}  // namespace
}  // namespace kagibin::se
