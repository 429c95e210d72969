// SPDX-License-Identifier: Apache-2.0
// How the key delivery application is to open the channel: the level within reach, and the keys
// that go with it (protocol, section 8).
#include <algorithm>

#include <fmt/format.h>

#include "kagibin/envelope/suite.h"
#include "kagibin/roles/service_provider/keys/exclusive_keys.h"
#include "kagibin/roles/service_provider/keys/static_deks.h"
#include "kagibin/roles/service_provider/opened_answer.h"
#include "kagibin/roles/service_provider/order_annotation.h"
#include "kagibin/roles/service_provider/order_flow.h"
#include "kagibin/roles/service_provider/payload/relay_exposure.h"
#include "kagibin/roles/service_provider/suite_choice.h"

namespace kagibin::roles::service_provider {

using delivery::JournalOrder;

namespace {

constexpr std::uint8_t kScp11aKeyIdentifier = 0x11;  // GPCS Amendment F, 5.1

// What the payload says, of an order or of one that is to be made.
Checked<RelayFacts> facts_of(const OrderAnnotation& notes) {
  return RelayFacts{.agreement_key_version = notes.agreement_key_version,
                    .is_hybrid = KB_TRY(envelope::suite_info(notes.suite)).is_hybrid(),
                    .own_delivery = notes.own_delivery,
                    .key_under_session_alone = notes.key_under_session_alone};
}

}  // namespace

// What we hold of the domain's keys decides, with what the element offers.
Checked<RelayFacts> OrderFlow::relay_facts(const Seid& seid, const OrderAnnotation& notes) const {
  RelayFacts out = KB_TRY(facts_of(notes));
  const ExclusiveKeys exclusive(in_.journal, in_.keys);
  const DomainKeyName set{
      .seid = seid, .security_domain = notes.security_domain, .key_version = notes.key_version};
  out.has_exclusive_keys = KB_TRY(exclusive.holds(set));
  if (!out.has_exclusive_keys) {
    out.why_keys_exposed = KB_TRY(exclusive.why_exposed(set)).value_or(std::string());
  }
  if (notes.agreement_key_version) {
    const auto dek = KB_TRY(StaticDeks(in_.journal, in_.keys)
                                .find({.seid = seid,
                                       .security_domain = notes.security_domain,
                                       .key_version = *notes.agreement_key_version}));
    out.has_static_dek = dek.has_value();
    out.has_exclusive_dek = dek && dek->is_exclusive;
    out.why_dek_exposed = dek ? dek->why_exposed.value_or(std::string()) : std::string();
  }
  return out;
}

Checked<RelayChoice> OrderFlow::relay_of(const JournalOrder& order, const OpenedAnswer& answer) {
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  RelayFacts facts = KB_TRY(relay_facts(order.seid, notes));
  facts.offered = answer.statement.level_bitmap;
  facts.minimum_level = in_.policy.terms_for(order.target).minimum_level;
  return choose_relay(facts);
}

Checked<std::uint8_t> OrderFlow::highest_level(const PayloadFile& payload,
                                               std::span<const delivery::DeviceId> devices,
                                               std::optional<std::uint8_t> suite) const {
  const Terms& terms = in_.policy.terms_for(payload.target);
  const OrderAnnotation notes = OrderAnnotation::of(payload, KB_TRY(choose_suite(terms, suite)));
  const auto level_of = [&](RelayFacts facts) {
    facts.minimum_level = terms.minimum_level;
    return service_provider::highest_level(facts);
  };
  if (devices.empty()) {
    const RelayFacts facts = KB_TRY(facts_of(notes));
    return level_of(facts);
  }
  std::uint8_t out = 0;
  for (const delivery::DeviceId& device : devices) {
    const Seid seid = KB_TRY(in_.policy.element_of(device.text()));
    const RelayFacts facts = KB_TRY(relay_facts(seid, notes));
    const std::uint8_t level = KB_TRY(level_of(facts));
    out = out == 0 ? level : std::min(out, level);
  }
  return out;
}

Checked<void> OrderFlow::add_channel(const JournalOrder& order,
                                     std::uint8_t level,
                                     envelope::EnvelopeHeader& header,
                                     envelope::Payload& payload) const {
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  header.level = level;
  if (header.is_own_delivery()) {
    return {};
  }
  if (header.is_by_certificates()) {
    header.key_identifier = kScp11aKeyIdentifier;
    header.key_version_number = notes.agreement_key_version.value_or(0);
    return header.is_under_static_dek() ? add_static_dek(order, header, payload) : Checked<void>();
  }
  header.key_version_number = notes.key_version;
  header.required_i_mask = in_.policy.terms_for(order.target).required_i_mask;
  auto channel =
      KB_TRY(in_.keys.channel_keys(order.seid, notes.security_domain, notes.key_version));
  if (!channel) {
    return problem(Errc::kNotFound,
                   fmt::format("The channel keys of version {:02X} for security domain {} of "
                               "element {} are not in our store; nothing was sealed. Import the "
                               "manager's key export.",
                               notes.key_version, notes.security_domain.hex(), order.seid.hex()));
  }
  // The level was chosen for the set that was there then.
  if (header.level == std::to_underlying(envelope::RelayLevel::kRl3) &&
      !KB_TRY(ExclusiveKeys(in_.journal, in_.keys)
                  .is_exclusive({.seid = order.seid,
                                 .security_domain = notes.security_domain,
                                 .key_version = notes.key_version},
                                *channel))) {
    return problem(Errc::kConflict,
                   fmt::format("Key set {:02X} of domain {} in element {} was changed while the "
                               "order was worked on; nothing was sealed. Run the same again.",
                               notes.key_version, notes.security_domain.hex(), order.seid.hex()));
  }
  KB_TRY(refuse_answers_in_clear(envelope::own_commands(payload.actions), header.required_i_mask,
                                 "Nothing was sealed."));
  payload.channel_keys = envelope::ChannelKeys{.key_version = notes.key_version,
                                               .enc = std::move(channel->enc),
                                               .mac = std::move(channel->mac),
                                               .dek = std::move(channel->dek)};
  return {};
}

Checked<void> OrderFlow::add_static_dek(const JournalOrder& order,
                                        const envelope::EnvelopeHeader& header,
                                        envelope::Payload& payload) const {
  const OrderAnnotation notes = KB_TRY(OrderAnnotation::parse(order.annotation));
  auto dek = KB_TRY(StaticDeks(in_.journal, in_.keys)
                        .find({.seid = order.seid,
                               .security_domain = notes.security_domain,
                               .key_version = header.key_version_number}));
  if (!dek) {
    return problem(Errc::kNotFound,
                   fmt::format("The static Key-DEK of domain {} in element {} is not in our store; "
                               "nothing was sealed.",
                               notes.security_domain.hex(), order.seid.hex()));
  }
  // As for a key set.
  if (!dek->is_exclusive) {
    return problem(Errc::kConflict,
                   fmt::format("The static Key-DEK of domain {} in element {} became known to "
                               "others while the order was worked on; nothing was sealed. Run the "
                               "same again.",
                               notes.security_domain.hex(), order.seid.hex()));
  }
  payload.channel_keys =
      envelope::ChannelKeys{.key_version = header.key_version_number, .dek = std::move(dek->key)};
  return {};
}

}  // namespace kagibin::roles::service_provider
