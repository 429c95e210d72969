// SPDX-License-Identifier: Apache-2.0
// PROBE: how the KDA finds out what became of an action whose answer proved nothing (protocol,
// section 9). Pure decisions; the exchange is target_session.h's.
//
//   PUT KEY, whole set      card cryptogram of the new version under the new set: present. The same
//                           version under the set that was there before: absent. Else the key list
//                           when a version was added or moved; when another version than the
//                           channel's was replaced in place, sent again.
//   PUT KEY, fewer keys     added: key list. Replaced: sent again.
//   DELETE KEY              key list
//   STORE DATA, COMMAND     the payload's probe where it has one; without one, or when that proves
//                           nothing, sent again (idempotent by definition)
// The key list is GET DATA 00E0 under R-MAC; a card cryptogram proves by itself.
#pragma once

#include "kagibin/gp/key_information.h"
#include "kagibin/se/kda/target/channel_keys.h"

namespace kagibin::se {

enum class ProbeKind : std::uint8_t { kCardCryptogram, kKeyList, kCommand, kSendAgain };
enum class Finding : std::uint8_t { kPresent, kAbsent, kOpen };

ProbeKind probe_for(const envelope::Action& action);

// What the card's answer to INITIALIZE UPDATE with the new version says about action `index`, a PUT
// KEY of a whole set.
Finding judge_cryptogram(const envelope::Payload& payload,
                         std::size_t index,
                         ByteView host_challenge,
                         const scp::InitializeUpdateAnswer& answer);
// What to do when that leaves it open. kCardCryptogram: nothing else is left, ask again later.
ProbeKind after_open_cryptogram(const envelope::Payload& payload, std::size_t index);

Finding judge_key_list(const envelope::Action& action, const gp::KeyInformation& keys);

// True when a channel under `before` proves that action `index` has not taken effect: it moves that
// very set to another version.
bool is_disproved_by_channel(const envelope::Action& action, const ChannelKeySet& before);

// Whether an action can be proved on a target without R-MAC.
bool works_without_rmac(const envelope::Action& action);

// A valid card cryptogram under `set`.
bool card_holds(const ChannelKeySet& set,
                ByteView host_challenge,
                const scp::InitializeUpdateAnswer& answer);

}  // namespace kagibin::se
