// SPDX-License-Identifier: Apache-2.0
// PUT KEY (GPCS 2.3.1, 11.8), and what must be thought of before keys of a domain are changed or
// deleted: a card whose last key set is gone, or is one that nobody has, is lost.
//
//   if (const auto danger = danger_of(facts, change)) { refuse; }
//   KB_TRY(put_keys(port, change));
//   KB_TRY(ChannelOpening(link, facts, rng).check(new_set, {}));     // proves it
#pragma once

#include <optional>
#include <vector>

#include "kagibin/gp/content/delete.h"
#include "kagibin/roles/security_module_manager/card/card_facts.h"
#include "kagibin/roles/security_module_manager/card/command_port.h"

namespace kagibin::roles::security_module_manager {

struct KeyChange {
  std::uint8_t replaced_version = 0;  // 00: adds
  std::uint8_t version = 0;           // 01 to 7F
  std::uint8_t first_identifier = 1;
  std::vector<gp::Key> keys{};

  // Three symmetric keys of one kind from KID 01 on: what opens SCP02 or SCP03.
  bool is_channel_set() const;
};

// Sends PUT KEY and compares the check values of the answer with the keys' own. kAuthentication
// when they differ: then the card holds other keys than those sent.
Result<void> put_keys(CommandPort& port, const KeyChange& change);

// Why the change or deletion may cost the domain its last way in; empty: it cannot, as far as the
// card's key information (E0) and card data (66) say.
std::optional<Detail> danger_of(const CardFacts& facts, const KeyChange& change);
std::optional<Detail> danger_of(const CardFacts& facts, const gp::DeleteKeys& deletion);
// The same of a command as octets: SET STATUS of the card to TERMINATED (11.10), DELETE of keys
// and PUT KEY that replaces (their content is not looked at).
std::optional<Detail> danger_of(const CardFacts& facts, const scp::PlainCommand& command);

}  // namespace kagibin::roles::security_module_manager
