// SPDX-License-Identifier: Apache-2.0
// One lie of the relay at every exchange of every kind of delivery, honest before and afterwards:
// the end is installed, and the receipt says so.
#include <algorithm>
#include <functional>

#include <gtest/gtest.h>

#include "kagibin/apdu/status_words.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/se/applications/built_in_applications.h"
#include "kagibin/se/kda/kda_test_bench.h"

namespace kagibin::se {
namespace {

namespace sw = apdu::sw;

apdu::ResponseApdu says(std::uint16_t status, Bytes data = {}) {
  return {std::move(data), StatusWord{status}};
}

using Lie = std::function<Result<apdu::ResponseApdu>(apdu::ResponseApdu)>;

struct NamedLie {
  std::string_view name;
  Lie lie;
};

std::vector<NamedLie> lies() {
  return {
      {"lost",
       [](apdu::ResponseApdu) -> Result<apdu::ResponseApdu> {
         return fail(Errc::kCardLink, "the answer was lost");
       }},
      {"success", [](apdu::ResponseApdu) { return says(0x9000); }},
      {"empty", [](apdu::ResponseApdu answer) { return says(answer.sw.value); }},
      {"error", [](apdu::ResponseApdu) { return says(0x6A80); }},
      {"error with data", [](apdu::ResponseApdu answer) { return says(0x6985, answer.data); }},
      {"warning", [](apdu::ResponseApdu answer) { return says(0x6300, answer.data); }},
      {"wrong length", [](apdu::ResponseApdu) { return says(0x6700); }},
      {"truncated",
       [](apdu::ResponseApdu answer) {
         if (!answer.data.empty()) {
           answer.data.pop_back();
         }
         return answer;
       }},
      {"longer",
       [](apdu::ResponseApdu answer) {
         answer.data.push_back(0x00);
         return answer;
       }},
      {"very long",
       [](apdu::ResponseApdu answer) {
         answer.data.resize(900, 0x5A);
         return answer;
       }},
      {"first bit",
       [](apdu::ResponseApdu answer) {
         if (!answer.data.empty()) {
           answer.data.front() ^= 0x80U;
         }
         return answer;
       }},
      {"last bit",
       [](apdu::ResponseApdu answer) {
         if (!answer.data.empty()) {
           answer.data.back() ^= 0x01U;
         }
         return answer;
       }},
  };
}

struct Case {
  std::string_view name;
  std::uint8_t i = 0x60;
  std::function<std::vector<envelope::Action>()> actions;
  std::function<bool(KdaBench&)> is_installed;
  std::optional<Aid> target{};
};

std::vector<envelope::Action> list(auto... action) {
  std::vector<envelope::Action> out;
  (out.emplace_back(std::move(action)), ...);
  return out;
}

envelope::PutKeyAction one_key(std::uint8_t old_version,
                               std::uint8_t new_version,
                               std::uint8_t identifier) {
  envelope::PutKeyAction out = KdaBench::put_key(old_version, new_version, 0x60);
  out.keys.resize(1);
  out.first_key_identifier = identifier;
  return out;
}

envelope::StoreDataAction credential() {
  Bytes group = hex("802010");
  append(group, key_octets(0x70).expose());
  return {.application = payment_credential_module(),
          .under_key_dek = true,
          .data = SecretBytes::copy_of(group),
          .probe = {}};
}

envelope::CommandAction digital_key(bool has_probe) {
  const SecretBytes key = key_octets(0x71);
  const auto kcv = crypto::aes_kcv(key.expose()).value();
  Bytes data(key.expose().begin(), key.expose().end());
  append(data, kcv);
  Bytes probe = hex("8054030003");
  append(probe, kcv);
  return {.header = {0x80, 0x52, 0x03, 0x00},
          .data = SecretBytes::copy_of(data),
          .probe = has_probe ? std::optional(probe) : std::nullopt};
}

bool has_record(const KdaBench& bench, std::string_view part) {
  for (const std::string& name : bench.element->nvm().names("key/")) {
    if (name.find(bench.target_aid.hex() + std::string(part)) != std::string::npos) {
      return true;
    }
  }
  return false;
}

// The channel's set with another Key-ENC.
scp::Scp03KeySet mixed_set() {
  scp::Scp03KeySet old = key_set(0x20);
  return scp::Scp03KeySet::create(key_octets(0x60), std::move(old.mac), std::move(old.dek)).value();
}

std::vector<Case> cases() {
  const auto add = [] { return list(KdaBench::put_key(0, 0x31, 0x60)); };
  const auto has_added = [](KdaBench& bench) { return bench.target_holds(0x31, 0x60); };
  const auto replace = [] { return list(KdaBench::put_key(0x20, 0x20, 0x60)); };
  const auto has_replaced = [](KdaBench& bench) { return bench.target_holds(0x20, 0x60); };
  const auto move = [] { return list(KdaBench::put_key(0x20, 0x31, 0x60)); };
  const auto add_and_delete = [] {
    return list(KdaBench::put_key(0, 0x31, 0x60), envelope::DeleteKeyAction{.key_version = 0x20});
  };
  const auto has_only_own = [](KdaBench& bench) {
    return bench.target_holds(0x31, 0x60) && !bench.target_holds(0x20, 0x20);
  };
  const auto has_digital_key = [](KdaBench& bench) {
    return bench.authenticates(digital_key_module(), 0x03, 0x71);
  };
  return {
      {"add", 0x60, add, has_added},
      {"add without R-ENC", 0x20, add, has_added},
      {"add with S16", 0x71, add, has_added},
      {"replace", 0x60, replace, has_replaced},
      {"move", 0x60, move, has_added},
      {"add and delete", 0x60, add_and_delete, has_only_own},
      {"replace without R-MAC", 0x00, replace, has_replaced},
      {"move without R-MAC", 0x00, move, has_added},
      {"add one key", 0x60, [] { return list(one_key(0, 0x32, 0x10)); },
       [](KdaBench& bench) { return has_record(bench, "/32"); }},
      {"replace one key of the channel", 0x60, [] { return list(one_key(0x20, 0x20, 0x01)); },
       [](KdaBench& bench) { return bench.target_holds(0x20, mixed_set()); }},
      {"personalise", 0x60, [] { return list(credential()); },
       [](KdaBench& bench) {
         return bench.authenticates(payment_credential_module(), 0x00, 0x70);
       }},
      {"command with a probe", 0x60, [] { return list(digital_key(true)); }, has_digital_key,
       digital_key_module()},
      {"command without a probe", 0x60, [] { return list(digital_key(false)); }, has_digital_key,
       digital_key_module()},
      {"four actions", 0x60,
       [] {
         return list(KdaBench::put_key(0, 0x31, 0x60), credential(), one_key(0, 0x32, 0x10),
                     envelope::DeleteKeyAction{.key_version = 0x20});
       },
       has_only_own},
  };
}

// The lie at these exchanges, honest otherwise; how many of them there were.
std::size_t lie_at(const Case& chosen,
                   const NamedLie& lie,
                   const std::vector<std::size_t>& places) {
  KdaBench bench({.i = chosen.i});
  Delivery delivery = bench.enrol({.target = chosen.target});
  bench.seal(delivery, bench.payload_of(chosen.actions()));
  EXPECT_EQ(bench.load(delivery), sw::kOk);
  std::size_t exchange = 0;
  std::size_t told = 0;
  bench.tamper = [&](const apdu::CommandApdu&, apdu::ResponseApdu answer) {
    if (std::ranges::find(places, exchange++) == places.end()) {
      return Result<apdu::ResponseApdu>(std::move(answer));
    }
    ++told;
    return lie.lie(std::move(answer));
  };
  Outcome outcome = bench.pump(delivery.handle());
  for (int again = 0; again < 3 && outcome != Outcome::kDone; ++again) {
    bench.restart();
    outcome = bench.pump(delivery.handle());
  }
  bench.tamper = {};
  std::string what = std::string(chosen.name) + ", " + std::string(lie.name) + " at";
  for (const std::size_t place : places) {
    what += " " + std::to_string(place);
  }
  EXPECT_EQ(outcome, Outcome::kDone) << what;
  if (outcome == Outcome::kDone) {
    for (const int result : bench.receipt(delivery).results()) {
      EXPECT_LE(result, 0x01) << what;
    }
  }
  EXPECT_TRUE(chosen.is_installed(bench)) << what;
  return told;
}

class EveryDelivery : public testing::TestWithParam<std::size_t> {};

TEST_P(EveryDelivery, SurvivesOneLieAtAnyExchange) {
  const Case chosen = cases().at(GetParam());
  for (const NamedLie& lie : lies()) {
    std::size_t at = 0;
    while (lie_at(chosen, lie, {at}) == 1) {
      ++at;
    }
    EXPECT_GE(at, 3U) << lie.name;
  }
}

TEST_P(EveryDelivery, SurvivesTwoLostOrForgedAnswers) {
  const Case chosen = cases().at(GetParam());
  std::size_t pairs = 0;
  for (const NamedLie& lie : lies()) {
    if (lie.name != "lost" && lie.name != "error") {
      continue;
    }
    for (std::size_t first = 0; lie_at(chosen, lie, {first}) == 1; ++first) {
      for (std::size_t second = first + 1; lie_at(chosen, lie, {first, second}) == 2; ++second) {
        ++pairs;
      }
    }
  }
  EXPECT_GE(pairs, 10U);
}

INSTANTIATE_TEST_SUITE_P(Relay, EveryDelivery, testing::Range(std::size_t{0}, cases().size()));

}  // namespace
}  // namespace kagibin::se
