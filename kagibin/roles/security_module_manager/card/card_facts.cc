// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/security_module_manager/card/card_facts.h"

#include "kagibin/apdu/exchange.h"
#include "kagibin/apdu/status_words.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/select.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::roles::security_module_manager {
namespace {

constexpr std::uint16_t kCplc = 0x9F7F;
constexpr std::uint16_t kDerivationData = 0x00CF;

Result<Bytes> answer_of(apdu::CardLink& link, std::uint16_t tag) {
  apdu::ResponseApdu answer = KB_TRY(apdu::exchange(link, gp::GetData{.tag = tag}.encode()));
  return apdu::sw::is_ok(answer.sw) ? std::move(answer.data) : Bytes{};
}

}  // namespace

std::optional<std::uint8_t> CardFacts::type_of(std::uint8_t version,
                                               std::uint8_t identifier) const {
  if (keys) {
    for (const gp::KeyEntry& key : keys->keys) {
      if (key.version == version && key.identifier == identifier && !key.components.empty()) {
        return key.components.front().type;
      }
    }
  }
  return std::nullopt;
}

// Some cards answer the value alone, most the object with its tag and length.
Result<Bytes> read_data_object(apdu::CardLink& link, std::uint16_t tag) {
  Bytes answer = KB_TRY(answer_of(link, tag));
  const auto object = tlv::read_single(answer, tag);
  return object ? Bytes(object->value.begin(), object->value.end()) : answer;
}

Result<CardFacts> read_card_facts(apdu::CardLink& link, const std::optional<Aid>& domain) {
  gp::Select select;
  if (domain) {
    select.name.assign(domain->view().begin(), domain->view().end());
  }
  const apdu::ResponseApdu selected = KB_TRY(apdu::exchange(link, select.encode()));
  // A warning (6283: the card is locked) still selects.
  if (!apdu::sw::is_ok(selected.sw) && selected.sw.sw1() != 0x62) {
    return fail(Errc::kCardStatus, "the security domain cannot be selected", selected.sw);
  }
  CardFacts out;
  if (const auto fci = gp::FileControlInformation::decode(selected.data)) {
    out.longest_command = fci->longest_command;
    if (const auto aid = Aid::from(fci->name)) {
      out.domain = *aid;
    }
  }
  if (!out.domain) {
    out.domain = domain;
  }
  if (auto data = gp::CardData::decode(KB_TRY(answer_of(link, gp::data_object::kCardData)))) {
    out.card_data = std::move(*data);
  }
  if (auto keys =
          gp::KeyInformation::decode(KB_TRY(answer_of(link, gp::data_object::kKeyInformation)))) {
    out.keys = std::move(*keys);
  }
  out.capabilities = KB_TRY(read_data_object(link, gp::data_object::kCardCapabilityInformation));
  out.iin = KB_TRY(read_data_object(link, gp::data_object::kIssuerIdentification));
  out.cin = KB_TRY(read_data_object(link, gp::data_object::kCardImageNumber));
  out.cplc = KB_TRY(read_data_object(link, kCplc));
  out.derivation_data = KB_TRY(read_data_object(link, kDerivationData));
  out.sequence_counter = KB_TRY(read_data_object(link, gp::data_object::kSequenceCounter));
  return out;
}

}  // namespace kagibin::roles::security_module_manager
