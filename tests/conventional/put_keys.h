// SPDX-License-Identifier: Apache-2.0
// What the conventional operator does to a card: entrusted keys by PUT KEY, in an SCP03 session
// under channel keys that the manager gave it (RL0). Function.
//
//   KB_TRY(put_keys(*device, {.channel = std::move(set), .target = aid, ...}, keys, rng));
#pragma once

#include <vector>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/scp/scp03/scp03.h"

namespace kagibin::conventional {

struct Setting {
  scp::Scp03KeySet channel;
  std::uint8_t channel_version = 0;
  Aid target;
  std::uint8_t replaced_version = 0;
  std::uint8_t key_version = 0;
};

// kAuthentication for wrong channel keys, kCardStatus with the card's word.
Result<void> put_keys(apdu::CardLink& device,
                      const Setting& setting,
                      const std::vector<SecretBytes>& keys,
                      crypto::Rng& rng);

}  // namespace kagibin::conventional
