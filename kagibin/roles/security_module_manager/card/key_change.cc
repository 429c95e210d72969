// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/key_change.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "kagibin/gp/registry/life_cycle.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/roles/security_module_manager/card/ways_in.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::size_t kSetSize = 3;
constexpr std::uint8_t kFirstOfSet = 0x01;

std::optional<Detail> danger_of_deletion(const CardFacts& facts,
                                         std::optional<std::uint8_t> version,
                                         std::optional<std::uint8_t> identifier) {
  if (!facts.keys) {
    return Detail("the card does not tell its keys (E0): this may delete the last key set");
  }
  gp::KeyInformation left = *facts.keys;
  std::erase_if(left.keys, [&](const gp::KeyEntry& key) {
    return (!version || key.version == *version) && (!identifier || key.identifier == *identifier);
  });
  const auto sure = sure_ways_in(facts, left);
  const bool loses_one = possible_ways_in(left) != possible_ways_in(*facts.keys) ||
                         sure != sure_ways_in(facts, *facts.keys);
  if (loses_one && sure.empty()) {
    return Detail(
        "this deletes the last key set that opens a secure channel with the domain, as far as the "
        "card tells (E0, 66): nobody could manage it afterwards");
  }
  return std::nullopt;
}

bool is_des(const KeyChange& change) { return change.keys.front().kind() == gp::KeyKind::kDes; }

// What the domain holds once the change is made.
gp::KeyInformation after(const gp::KeyInformation& before, const KeyChange& change) {
  gp::KeyInformation out = before;
  std::uint8_t identifier = change.first_identifier;
  for (const gp::Key& key : change.keys) {
    std::erase_if(out.keys, [&](const gp::KeyEntry& told) {
      return told.identifier == identifier &&
             (told.version == change.replaced_version || told.version == change.version);
    });
    gp::KeyEntry entry{.identifier = identifier++, .version = change.version};
    for (const gp::KeyPart& part : key.parts()) {
      entry.components.push_back(
          {.type = part.type, .length_bytes = static_cast<std::uint16_t>(part.value.size())});
    }
    entry.policy = key.policy();
    out.keys.push_back(std::move(entry));
  }
  return out;
}

constexpr Detail kUnspoken(
    "the new keys are of a type whose protocol the card does not name in its card data (66), so "
    "that they cannot be verified, and may take the place of those that open it: AES keys are for "
    "SCP03, 3DES keys for SCP02");

}  // namespace

bool KeyChange::is_channel_set() const {
  return keys.size() == kSetSize && first_identifier == kFirstOfSet &&
         gp::is_symmetric(keys.front().kind()) &&
         std::ranges::all_of(keys,
                             [&](const gp::Key& key) { return key.kind() == keys.front().kind(); });
}

Result<void> put_keys(CommandPort& port, const KeyChange& change) {
  gp::PutKey put{.old_version = change.replaced_version,
                 .new_version = change.version,
                 .first_identifier = change.first_identifier};
  std::vector<gp::KeyCheckValue> expected;
  const gp::SensitiveCipher cipher = KB_TRY(port.cipher());
  for (const gp::Key& key : change.keys) {
    put.keys.push_back(KB_TRY(gp::seal_key(key, cipher)));
    if (const auto kcv = KB_TRY(gp::key_check_value(key))) {
      expected.push_back(*kcv);
    }
  }
  const apdu::CommandApdu command = KB_TRY(put.encode());
  const Bytes data = KB_TRY(port.send(command, "the card refuses PUT KEY"));
  if (data.empty()) {
    return {};  // some cards answer nothing; the proof is a session under the new keys
  }
  const gp::PutKeyAnswer answer = KB_TRY(gp::PutKeyAnswer::decode(data));
  const bool told = !answer.kcvs.empty();
  if (answer.version != change.version || (told && answer.kcvs != expected)) {
    return fail(
        Errc::kAuthentication,
        "the card answers PUT KEY with another version or other key check values than ours");
  }
  return {};
}

std::optional<Detail> danger_of(const CardFacts& facts, const KeyChange& change) {
  if (change.replaced_version == 0) {
    // A card may drop its factory set for any set that is complete.
    const bool unspoken = change.is_channel_set() && facts.card_data &&
                          !facts.parameter_of(is_des(change) ? scp::kScp02 : scp::kScp03);
    return unspoken ? std::optional(kUnspoken) : std::nullopt;
  }
  const bool replaces_a_way_in =
      !facts.keys || possible_ways_in(*facts.keys).contains(change.replaced_version);
  if (!replaces_a_way_in || !gp::is_symmetric(change.keys.front().kind())) {
    return std::nullopt;
  }
  if (!change.is_channel_set()) {
    return Detail(
        "this replaces a part of a key set that opens the domain, and a part cannot be verified "
        "afterwards: replace the whole set, ENC, MAC and DEK");
  }
  if (facts.card_data && !facts.parameter_of(is_des(change) ? scp::kScp02 : scp::kScp03)) {
    return kUnspoken;
  }
  if (facts.keys && sure_ways_in(facts, after(*facts.keys, change)).empty()) {
    return Detail(
        "the new keys would stand where no secure channel is opened with them (their version, or "
        "their access), and no other key set opens the domain");
  }
  return std::nullopt;
}

std::optional<Detail> danger_of(const CardFacts& facts, const gp::DeleteKeys& deletion) {
  return danger_of_deletion(facts, deletion.version, deletion.identifier);
}

std::optional<Detail> danger_of(const CardFacts& facts, const scp::PlainCommand& command) {
  switch (command.ins) {
    case apdu::ins::kSetStatus:
      if (command.p1 == static_cast<std::uint8_t>(gp::SetStatusScope::kCard) &&
          command.p2 == static_cast<std::uint8_t>(gp::CardState::kTerminated)) {
        return Detail("this sets the card to TERMINATED: no command is possible afterwards, ever");
      }
      return std::nullopt;
    case apdu::ins::kDelete: {
      const auto decoded = gp::decode_delete(command.p1, command.p2, command.data);
      const auto* keys = decoded ? std::get_if<gp::DeleteKeys>(&*decoded) : nullptr;
      return keys != nullptr ? danger_of(facts, *keys) : std::nullopt;
    }
    case apdu::ins::kPutKey:
      if ((command.p1 & 0x7FU) != 0 &&
          (!facts.keys ||
           possible_ways_in(*facts.keys).contains(static_cast<std::uint8_t>(command.p1 & 0x7FU)))) {
        return Detail(
            "this replaces a key set that opens the domain by keys that are not verified: kagibin "
            "gp put-key verifies them");
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace kagibin::roles::security_module_manager
