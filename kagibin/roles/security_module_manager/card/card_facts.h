// SPDX-License-Identifier: Apache-2.0
// What a GlobalPlatform card tells everybody about itself and one of its security domains: SELECT
// and GET DATA, without a secure channel (GPCS 2.3.1, 11.3 and 11.9; annex H).
//
// An object that the card does not have, or that does not decode, is empty: cards differ, and one
// odd object must not hide the others. Ownership: values. Thread-safety: functions.
//
//   const CardFacts facts = KB_TRY(read_card_facts(link, std::nullopt));   // the ISD
//   if (facts.parameter_of(scp::kScp03)) { ... }
#pragma once

#include <cstdint>
#include <optional>

#include "kagibin/apdu/card_link.h"
#include "kagibin/base/aid.h"
#include "kagibin/gp/card_data.h"
#include "kagibin/gp/key_information.h"

namespace kagibin::roles::security_module_manager {

struct CardFacts {
  std::optional<Aid> domain{};                     // 84 of the FCI: what is selected
  std::optional<std::uint16_t> longest_command{};  // 9F65 of the FCI
  std::optional<gp::CardData> card_data{};         // 66
  std::optional<gp::KeyInformation> keys{};        // E0
  Bytes capabilities{};                            // 67, value
  Bytes iin{};                                     // 42, value
  Bytes cin{};                                     // 45, value
  Bytes cplc{};                                    // 9F7F, value
  Bytes derivation_data{};                         // CF, value
  Bytes sequence_counter{};                        // C1, value

  std::optional<std::uint16_t> parameter_of(std::uint8_t scp) const {
    return card_data ? card_data->parameter_of(scp) : std::nullopt;
  }
  // Type of the first component of a key, where the card tells it.
  std::optional<std::uint8_t> type_of(std::uint8_t version, std::uint8_t identifier) const;
};

// Selects the domain, or the ISD by the empty name, and asks. kCardStatus when it cannot be
// selected; kCardLink.
Result<CardFacts> read_card_facts(apdu::CardLink& link, const std::optional<Aid>& domain);

// The value of one data object; empty when the card does not have it.
Result<Bytes> read_data_object(apdu::CardLink& link, std::uint16_t tag);

}  // namespace kagibin::roles::security_module_manager
