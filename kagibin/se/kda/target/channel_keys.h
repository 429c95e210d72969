// SPDX-License-Identifier: Apache-2.0
// Under which static keys the target's channel opens after the first n actions of a delivery: C1 of
// the payload, as the delivery itself changes, moves or deletes them (protocol, sections 6 and 9).
//
// PUT KEY that replaces keys 01 to 03 of the channel's own version changes them; one that replaces
// the whole set under another version moves them; DELETE KEY of the channel's version falls back to
// the last whole set of the delivery that is left. Nothing else touches them.
//
//   const auto before = channel_keys_after(payload, i);
//   scp::Scp03Host host(KB_TRY(before->duplicate_set()), {.key_version_number = before->version});
#pragma once

#include <cstddef>
#include <optional>

#include "kagibin/envelope/payload/payload.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::se {

// Views keys inside the payload it was made from.
struct ChannelKeySet {
  std::uint8_t version = 0;  // KVN
  const SecretBytes* enc = nullptr;
  const SecretBytes* mac = nullptr;
  const SecretBytes* dek = nullptr;

  // kInvalidArgument when the keys are of different sizes.
  Result<scp::Scp03KeySet> duplicate_set() const;
  // Same version and same keys: compares addresses, which is enough within one payload.
  friend bool operator==(const ChannelKeySet&, const ChannelKeySet&) = default;
};

// Empty when the actions leave no set that the KDA knows.
std::optional<ChannelKeySet> channel_keys_after(const envelope::Payload& payload,
                                                std::size_t actions);

// Whether this PUT KEY puts a set that opens a channel by itself: keys 01 to 03, one size.
bool is_whole_set(const envelope::PutKeyAction& action);
// The set that it puts. Precondition: is_whole_set (KB_CHECK).
ChannelKeySet set_of(const envelope::PutKeyAction& action);

}  // namespace kagibin::se
