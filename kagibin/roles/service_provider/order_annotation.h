// SPDX-License-Identifier: Apache-2.0
// The public notes that the service provider keeps with an order in its journal: which payload it
// stands for, and whose key set opens the channel. JSON, for people who read the journal; strict
// when read back.
//
//   { "payload_sha256": "<64 digits>", "security_domain": "A0...", "key_version": "30",
//     "agreement_key_version": "03", "suite": "10", "own_delivery": true,
//     "key_under_session_alone": true, "masters": [["fleet"], []], "campaign": "spring",
//     "attributes": { "site": "lab" } }
//
// agreement_key_version where the payload names one, suite where it is not 01, own_delivery where
// the domain takes the delivery by itself: then no key set opens a channel, and key_version is 00.
// key_under_session_alone where a key is not under a Key-DEK (payload_file.h). masters: for each
// action the master keys that its PUT KEY takes keys from, which tells what a receipt puts into the
// domain (keys/key_origin.h); orders of older programs have none. campaign and attributes where the
// order joins a campaign of the distributor (delivery/campaign.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/aid.h"
#include "kagibin/delivery/campaign.h"
#include "kagibin/roles/service_provider/keys/key_origin.h"
#include "kagibin/roles/service_provider/payload/payload_file.h"

namespace kagibin::roles::service_provider {

struct OrderAnnotation {
  std::string payload_sha256;
  Aid security_domain;
  std::uint8_t key_version = 0;
  std::optional<std::uint8_t> agreement_key_version{};
  std::uint8_t suite = 0x01;
  bool own_delivery = false;
  bool key_under_session_alone = false;
  std::optional<std::vector<KeyOrigin>> masters{};
  std::optional<delivery::CampaignId> campaign{};
  delivery::Attributes attributes{};

  static OrderAnnotation of(const PayloadFile& payload, std::uint8_t suite);
  static Checked<OrderAnnotation> parse(std::string_view text);
  std::string text() const;
  // Of an action; none where it was not noted.
  std::optional<KeyOrigin> origin_of(std::size_t action) const;
};

}  // namespace kagibin::roles::service_provider
