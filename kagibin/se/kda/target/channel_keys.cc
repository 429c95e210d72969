// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/kda/target/channel_keys.h"

#include <algorithm>
#include <vector>

namespace kagibin::se {

namespace {

constexpr std::uint8_t kEncIdentifier = 0x01;
constexpr std::uint8_t kMacIdentifier = 0x02;
constexpr std::uint8_t kDekIdentifier = 0x03;

// Follows the actions one by one.
struct Follower {
  std::optional<ChannelKeySet> current;
  std::vector<ChannelKeySet> own;  // whole sets that the delivery put and that are there, in order

  void operator()(const envelope::PutKeyAction& action) {
    const bool replaces_current = current && action.old_key_version == current->version;
    if (is_whole_set(action)) {
      forget(action.old_key_version);
      forget(action.new_key_version);
      own.push_back(set_of(action));
      if (replaces_current || !current) {
        current = own.back();
      }
      return;
    }
    if (replaces_current && action.new_key_version == current->version) {
      for (std::size_t i = 0; i < action.keys.size(); ++i) {
        replace(static_cast<std::uint8_t>(action.first_key_identifier + i), action.keys[i].value);
      }
    }
  }
  void operator()(const envelope::DeleteKeyAction& action) {
    forget(action.key_version);
    if (current && current->version == action.key_version) {
      current = own.empty() ? std::nullopt : std::optional(own.back());
    }
  }
  void operator()(const envelope::StoreDataAction&) {}
  void operator()(const envelope::CommandAction&) {}

  void forget(std::uint8_t version) {
    std::erase_if(own, [&](const ChannelKeySet& set) { return set.version == version; });
  }
  void replace(std::uint8_t identifier, const SecretBytes& value) {
    switch (identifier) {
      case kEncIdentifier:
        current->enc = &value;
        break;
      case kMacIdentifier:
        current->mac = &value;
        break;
      case kDekIdentifier:
        current->dek = &value;
        break;
      default:
        break;
    }
  }
};

}  // namespace

Result<scp::Scp03KeySet> ChannelKeySet::duplicate_set() const {
  return scp::Scp03KeySet::create(enc->duplicate(), mac->duplicate(), dek->duplicate());
}

std::optional<ChannelKeySet> channel_keys_after(const envelope::Payload& payload,
                                                std::size_t actions) {
  Follower follower;
  if (payload.channel_keys && !payload.channel_keys->is_dek_alone()) {
    const envelope::ChannelKeys& keys = *payload.channel_keys;
    follower.current = ChannelKeySet{keys.key_version, &keys.enc, &keys.mac, &keys.dek};
  }
  for (std::size_t i = 0; i < std::min(actions, payload.actions.size()); ++i) {
    std::visit(follower, payload.actions[i]);
  }
  return follower.current;
}

bool is_whole_set(const envelope::PutKeyAction& action) {
  return action.first_key_identifier == kEncIdentifier && action.keys.size() == 3 &&
         std::ranges::all_of(action.keys, [&](const envelope::PutKeyAction::Key& key) {
           return key.value.size() == action.keys[0].value.size();
         });
}

ChannelKeySet set_of(const envelope::PutKeyAction& action) {
  KB_CHECK(is_whole_set(action));
  return {action.new_key_version, &action.keys[0].value, &action.keys[1].value,
          &action.keys[2].value};
}

}  // namespace kagibin::se
