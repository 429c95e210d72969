// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/key_use.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/demo/cast.h"
#include "kagibin/gp/select.h"
#include "kagibin/scp/scp03/scp03_link.h"

namespace kagibin::cli::demo {

namespace {

Result<scp::Scp03Link> open_session(apdu::CardLink& card,
                                    const scp::Scp03KeySet& keys,
                                    std::uint8_t key_version,
                                    crypto::Rng& rng) {
  const Aid target = KB_TRY(Aid::from_hex(kTarget));
  const gp::Select select{.name = Bytes(target.view().begin(), target.view().end())};
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(card, select.encode()));
  if (!apdu::sw::is_ok(selected.sw)) {
    return fail(Errc::kCardStatus, "the target cannot be selected", selected.sw);
  }
  return scp::Scp03Link::open(card, keys, {.key_version_number = key_version, .aid = target},
                              scp::SecurityLevel{0x33}, rng);
}

}  // namespace

Outcome<void> use_key(const std::string& reader,
                      const scp::Scp03KeySet* first,
                      const scp::Scp03KeySet& delivered,
                      Narrator& narrator) {
  crypto::SystemRng rng;
  const auto card = KB_TRY(open_card(reader));
  narrator.restart();
  const auto session = open_session(*card, delivered, kNewKeyVersion, rng);
  if (!session) {
    return failure(fmt::format("the element does not authenticate under the new key: {}",
                               session.error().detail.text()));
  }
  narrator.step("A", "its server authenticated the user's element under the new key");
  if (first == nullptr) {
    return {};
  }
  const auto named = open_session(*card, *first, kFirstKeyVersion, rng);
  const auto unnamed = open_session(*card, *first, 0x00, rng);
  if (named || unnamed) {
    return failure("the element still takes the old key set");
  }
  if (named.error().code != Errc::kCardStatus || unnamed.error().code != Errc::kAuthentication) {
    return failure(fmt::format("the old key set was not refused as it should be: {}; {}",
                               named.error().detail.text(), unnamed.error().detail.text()));
  }
  narrator.step(
      "A",
      fmt::format("the old key set is refused: version {:02X} {:04X}, and its keys open nothing",
                  kFirstKeyVersion, named.error().sw.value));
  return {};
}

}  // namespace kagibin::cli::demo
