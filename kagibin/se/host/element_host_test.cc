// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/element_host.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "kagibin/base/byte_io.h"
#include "kagibin/se/element_test_support.h"
#include "kagibin/se/nvm/nvm_memory.h"

#include "tests/support/must.h"

namespace kagibin::se {
namespace {

using test::must;

constexpr std::uint32_t kMany = 3'000;

// Everything that differs between two elements comes from the number.
Result<ElementProfile> profile_of(std::uint32_t number) {
  ElementProfile out;
  out.scp03 = scp::Scp03Parameter{0x70};  // challenges come from the sequence counter
  out.cin = ByteWriter().u32(number).take();
  out.cplc = Bytes(42, 0x11);
  std::ranges::copy(out.cin, out.cplc.begin() + 12);
  std::ranges::copy(out.cin, out.diversification_data.begin() + 6);
  out.key_sets.push_back({out.isd_aid, 0x30, test_keys(static_cast<std::uint8_t>(number))});
  return out;
}

class ElementHostTest : public testing::Test {
 protected:
  ElementHost::Environment environment() {
    return {.rng = rng_, .clock = clock_, .modules = modules_};
  }
  std::unique_ptr<ElementHost> make(std::uint32_t count, ElementHost::Options options = {}) {
    return must(
        ElementHost::create({.count = count, .label = "test", .profile = profile_of, .threads = 1},
                            environment(), std::move(options)));
  }
  static Bytes ask(ElementHost& host, std::uint32_t number, std::string_view c_apdu) {
    auto lease = must(host.take(number));
    return must(lease.element().transmit(hex(c_apdu)));
  }

  test::FixedRng rng_{"host"};
  test::FakeClock clock_;
  ModuleRegistry modules_ = test_modules();
};

// A host's side of a session that puts one more application on the element and reads its status:
// what the card answered, all in one.
Bytes use(Element& element, std::uint32_t number, const std::string& application) {
  test::FixedRng challenges(application);
  Bytes answers;
  const auto send = [&](const apdu::CommandApdu& command) {
    const Bytes answer = must(element.transmit(command.encode()));
    append(answers, answer);
    return *apdu::ResponseApdu::decode(answer);
  };
  scp::Scp03Host session(test_keys(static_cast<std::uint8_t>(number)), {});
  const auto update = send(must(session.initialize_update(challenges)));
  const auto authenticate = must(session.external_authenticate(update, scp::SecurityLevel{0x33}));
  EXPECT_TRUE(session.finish_authentication(send(authenticate)).has_value());
  const auto install = install_test_application(application, "5A");
  const Bytes everything = hex("4F00");
  for (const scp::PlainCommand& command :
       {scp::PlainCommand{.ins = install.ins, .p1 = install.p1, .data = install.data, .le = 256},
        scp::PlainCommand{.ins = 0xF2, .p1 = 0x40, .p2 = 0x02, .data = everything, .le = 256}}) {
    const auto answer = must(session.unwrap(send(must(session.wrap(command)))));
    append(answers, answer.response.data);
  }
  return answers;
}

TEST_F(ElementHostTest, MakesThousandsOfElementsInThreadsAndNoTwoAreAlike) {
  crypto::SystemRng rng;
  std::vector<std::uint32_t> told;
  auto host =
      must(ElementHost::create({.count = kMany,
                                .label = "test",
                                .profile = profile_of,
                                .threads = 4,
                                .progress = [&](std::uint32_t made) { told.push_back(made); }},
                               {.rng = rng, .clock = clock_, .modules = modules_}, {.awake = 8}));
  EXPECT_EQ(host->count(), kMany);
  EXPECT_EQ(told.size(), 20U);
  EXPECT_EQ(told.back(), kMany);
  EXPECT_EQ(host->awake(), 0U);
  EXPECT_LT(host->sleeping_octets() / kMany, 2'048U);
  std::set<Bytes> cins;
  std::set<Bytes> cplcs;
  for (std::uint32_t number = 0; number < kMany; ++number) {
    cins.insert(ask(*host, number, "80CA004500"));
    cplcs.insert(ask(*host, number, "80CA9F7F00"));
    ASSERT_LE(host->awake(), 8U);
  }
  EXPECT_EQ(cins.size(), kMany);
  EXPECT_EQ(cplcs.size(), kMany);
}

TEST_F(ElementHostTest, AnElementThatSleptAnswersWhatOneThatNeverSleptAnswers) {
  constexpr std::uint32_t kCount = 200;
  auto restless = make(kCount, {.awake = kCount});  // nobody sleeps
  auto sleepy = make(kCount, {.awake = 0});         // everybody sleeps between two uses
  for (int round = 0; round < 5; ++round) {
    const std::string application = "F00000000202" + std::string(1, '0') + std::to_string(round);
    for (std::uint32_t number = 0; number < kCount; ++number) {
      const Bytes one = [&] {
        auto lease = must(restless->take(number));
        return use(lease.element(), number, application);
      }();
      auto lease = must(sleepy->take(number));
      ASSERT_EQ(to_hex(use(lease.element(), number, application)), to_hex(one))
          << number << " in round " << round;
    }
    EXPECT_EQ(restless->awake(), kCount);
    EXPECT_EQ(sleepy->awake(), 0U);
  }
  EXPECT_LE(sleepy->sleeping_octets(), restless->sleeping_octets());
}

TEST_F(ElementHostTest, SleepMakesAMemoryCompactThatGrewByManyWrites) {
  auto host = make(1, {.awake = 0});
  const std::uint64_t fresh = host->sleeping_octets();
  for (int i = 0; i < 300; ++i) {
    ask(*host, 0, "8050000008010203040506070800");  // stores a counter each time
  }
  EXPECT_LT(host->sleeping_octets(), fresh + 2'048);
}

TEST_F(ElementHostTest, AnElementIsOneTakersAlone) {
  auto host = make(2);
  {
    auto first = must(host->take(0));
    EXPECT_EQ(host->take(0).error().code, Errc::kConflict);
    EXPECT_TRUE(host->take(1).has_value());
    std::jthread other([&] { EXPECT_TRUE(host->take(0, std::chrono::seconds(20)).has_value()); });
    auto moved = std::move(first);
    EXPECT_EQ(moved.number(), 0U);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(host->take(0).error().code, Errc::kConflict);
    {
      const auto over = std::move(moved);
    }
  }
  EXPECT_TRUE(host->take(0).has_value());
  EXPECT_EQ(host->take(2).error().code, Errc::kNotFound);
}

TEST_F(ElementHostTest, ManyThreadsUseManyElementsAtOnce) {
  crypto::SystemRng rng;
  auto host =
      must(ElementHost::create({.count = 40, .profile = profile_of},
                               {.rng = rng, .clock = clock_, .modules = modules_}, {.awake = 3}));
  std::vector<std::jthread> threads;
  for (std::uint32_t thread = 0; thread < 6; ++thread) {
    threads.emplace_back([&host, thread] {
      for (std::uint32_t i = 0; i < 200; ++i) {
        const std::uint32_t number = (i * 7 + thread) % 40;
        auto lease = must(host->take(number, std::chrono::seconds(60)));
        const Bytes cin = must(lease.element().transmit(hex("80CA004500")));
        EXPECT_EQ(to_hex(cin), "4504" + to_hex(ByteWriter().u32(number).view()) + "9000");
        must(lease.element().transmit(hex("8050000008010203040506070800")));
      }
    });
  }
  threads.clear();
  EXPECT_LE(host->awake(), 3U);
  EXPECT_TRUE(ElementSnapshot::decode(must(host->snapshot()).expose()).has_value());
}

TEST_F(ElementHostTest, LosesItsSessionsWithItsPowerAndNothingElse) {
  auto host = make(1, {.awake = 1});
  {
    auto lease = must(host->take(0));
    use(lease.element(), 0, "F0000000020201");
  }
  EXPECT_EQ(host->awake(), 1U);
  EXPECT_EQ(to_hex(ask(*host, 0, "80F24002024F00")), "6982");
  EXPECT_EQ(to_hex(ask(*host, 0, "00A4040007F0000000020201")).substr(0, 2), "6F");
}

TEST_F(ElementHostTest, StopsMakingElementsWhenItIsAskedTo) {
  std::atomic<int> made = 0;
  const auto host = ElementHost::create({.count = 100,
                                         .profile =
                                             [&](std::uint32_t number) {
                                               ++made;
                                               return profile_of(number);
                                             },
                                         .threads = 1,
                                         .stopped = [&] { return made == 10; }},
                                        environment(), {});
  EXPECT_EQ(host.error().code, Errc::kInterrupted);
  EXPECT_EQ(made, 10);
}

TEST_F(ElementHostTest, MakesNoneWhenOneCannotBeMade) {
  const auto broken =
      ElementHost::create({.count = 10,
                           .profile = [](std::uint32_t number) -> Result<ElementProfile> {
                             ElementProfile out = must(profile_of(number));
                             out.channel_count = number == 7 ? 0 : 4;
                             return out;
                           }},
                          environment(), {});
  EXPECT_EQ(broken.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(
      ElementHost::create({.count = 0, .profile = profile_of}, environment(), {}).error().code,
      Errc::kLimit);
}

TEST_F(ElementHostTest, ASnapshotHoldsEveryElementAsItWas) {
  auto host = make(50, {.awake = 4});
  {
    auto lease = must(host->take(7));
    use(lease.element(), 7, "F0000000020201");
    const SecretBytes file = must(host->snapshot());  // while 7 is awake and taken
    auto again =
        must(ElementHost::restore(must(ElementSnapshot::decode(file.expose())), environment(), {}));
    EXPECT_EQ(again->label(), "test");
    EXPECT_EQ(again->count(), 50U);
    EXPECT_EQ(to_hex(ask(*again, 7, "00A4040007F0000000020201")).substr(0, 2), "6F");
    EXPECT_EQ(to_hex(ask(*again, 8, "00A4040007F0000000020201")), "6A82");
  }
}

}  // namespace
}  // namespace kagibin::se
