// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/facts_output.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/cli/gp/decoding/capability_words.h"
#include "kagibin/cli/gp/decoding/card_resources.h"
#include "kagibin/cli/gp/decoding/cplc.h"
#include "kagibin/cli/gp/input/privilege_names.h"
#include "kagibin/gp/card/card_capability.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/scp/protocol_identifier.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::cli {

namespace {

constexpr tlv::Tag kCapability = 0x67;

std::string_view type_name(std::uint8_t type) {
  namespace key_type = gp::key_type;
  switch (type) {
    case key_type::kDes:
    case key_type::kDesCbc:
      return "3DES";
    case key_type::kAes:
      return "AES";
    case key_type::kRsaPublicExponent:
    case key_type::kRsaPublicModulus:
      return "RSA public";
    case key_type::kRsaPrivateModulus:
    case key_type::kRsaPrivateExponent:
    case key_type::kRsaP:
    case key_type::kRsaQ:
    case key_type::kRsaQInverse:
    case key_type::kRsaDp:
    case key_type::kRsaDq:
      return "RSA private";
    case key_type::kEcPublic:
      return "EC public";
    case key_type::kEcPrivate:
      return "EC private";
    case key_type::kEcParameterReference:
      return "EC parameters";
    default:
      return "other";
  }
}

// An arc of 66 as tools write i: one octet, or SCP11's two.
std::string parameter_text(const gp::ChannelProtocol& protocol) {
  if (protocol.parameter > 0x7F) {
    return fmt::format("{:02X}{:02X}", 0x80U | (protocol.parameter >> 7U),
                       protocol.parameter & 0x7FU);
  }
  return fmt::format("{:02X}", protocol.parameter);
}

boost::json::object key_object(const gp::KeyEntry& key) {
  boost::json::array components;
  for (const gp::KeyComponent& component : key.components) {
    components.push_back(boost::json::object{{"type", fmt::format("{:02X}", component.type)},
                                             {"name", type_name(component.type)},
                                             {"octets", component.length_bytes}});
  }
  return {{"version", fmt::format("{:02X}", key.version)},
          {"identifier", fmt::format("{:02X}", key.identifier)},
          {"components", std::move(components)}};
}

// Words, with commas for people.
template <typename Names>
boost::json::array array_of(const Names& names) {
  boost::json::array out;
  for (const auto& name : names) {
    out.emplace_back(name);
  }
  return out;
}

// Values of i in 67: one octet each; of SCP11 more where b8 says so (Amendment F, 7.1), as in 66.
std::vector<std::string> options_of(const gp::CardCapability::Protocol& protocol) {
  constexpr unsigned kFollows = 0x80;
  std::vector<std::string> out;
  bool goes_on = false;
  for (const std::uint8_t octet : protocol.options) {
    if (!goes_on) {
      out.emplace_back();
    }
    out.back() += fmt::format("{:02X}", octet);
    goes_on = protocol.scp == scp::kScp11 && (octet & kFollows) != 0;
  }
  return out;
}

// "ic_serial_number" for people.
std::string spaced(std::string_view name) {
  std::string out(name);
  std::ranges::replace(out, '_', ' ');
  return out;
}

}  // namespace

FactsOutput::FactsOutput(const roles::security_module_manager::CardFacts& facts) {
  if (facts.domain) {
    object_["security_domain"] = facts.domain->hex();
    line("security domain", facts.domain->hex());
  }
  octets("iin", "IIN", facts.iin);
  octets("cin", "CIN", facts.cin);
  if (facts.card_data) {
    add_protocols(*facts.card_data);
  }
  add_capabilities(facts.capabilities);
  add_cplc(facts.cplc);
  octets("key_derivation_data", "key derivation data", facts.derivation_data);
  octets("sequence_counter", "sequence counter", facts.sequence_counter);
  if (facts.longest_command) {
    object_["longest_command"] = *facts.longest_command;
    line("longest command", std::to_string(*facts.longest_command));
  }
  if (facts.keys) {
    add_keys(*facts.keys);
  }
}

void FactsOutput::line(std::string_view name, const std::string& value) {
  if (!value.empty()) {
    text_ += fmt::format("{}{:<36} {}", text_.empty() ? "" : "\n", name, value);
  }
}

void FactsOutput::octets(std::string_view key, std::string_view name, ByteView value) {
  if (!value.empty()) {
    object_[key] = to_hex(value);
    line(name, to_hex(value));
  }
}

void FactsOutput::add_protocols(const gp::CardData& data) {
  const std::string version = fmt::format("{}", fmt::join(data.version, "."));
  object_["globalplatform"] = version;
  line("GlobalPlatform", version);
  boost::json::array protocols;
  for (const gp::ChannelProtocol& protocol : data.protocols) {
    const std::string scp = fmt::format("{:02X}", protocol.scp);
    const std::string i = parameter_text(protocol);
    protocols.push_back(boost::json::object{{"scp", scp}, {"i", i}});
    line("secure channel protocol", fmt::format("SCP{} i={}", scp, i));
  }
  object_["secure_channel_protocols"] = std::move(protocols);
}

void FactsOutput::add_capabilities(ByteView value) {
  const auto decoded = gp::CardCapability::decode(tlv::encode(kCapability, value));
  if (value.empty() || !decoded) {
    return octets("capabilities", "capabilities (67)", value);
  }
  boost::json::object out{{"octets", to_hex(value)}};
  boost::json::array protocols;
  for (const gp::CardCapability::Protocol& protocol : decoded->protocols) {
    const std::vector<std::string> options = options_of(protocol);
    const std::vector<std::string> sizes =
        protocol.key_sizes ? key_size_names(*protocol.key_sizes) : std::vector<std::string>{};
    boost::json::object one{{"scp", fmt::format("{:02X}", protocol.scp)}, {"i", array_of(options)}};
    if (!sizes.empty()) {
      one["key_sizes"] = array_of(sizes);
    }
    protocols.push_back(std::move(one));
    line("capability: protocol",
         fmt::format("SCP{:02X} i={}{}{}", protocol.scp, fmt::join(options, ","),
                     sizes.empty() ? "" : "  ", fmt::join(sizes, ", ")));
  }
  out["secure_channel_protocols"] = std::move(protocols);
  const auto words = [&](std::string_view key, std::string_view name, const auto& names) {
    if (!names.empty()) {
      out[key] = array_of(names);
      line(name, fmt::format("{}", fmt::join(names, ", ")));
    }
  };
  if (decoded->domain_privileges) {
    words("domain_privileges", "capability: domains", privilege_names(*decoded->domain_privileges));
  }
  words("application_privileges", "capability: applications",
        privilege_names(decoded->application_privileges));
  words("load_file_hashes", "capability: hashes", hash_names(decoded->hashes));
  if (decoded->block_ciphers) {
    words("load_file_ciphers", "capability: ciphers", block_cipher_names(*decoded->block_ciphers));
  }
  words("token_signatures", "capability: tokens", signature_names(decoded->token_schemes));
  words("receipt_signatures", "capability: receipts", signature_names(decoded->receipt_schemes));
  words("dap_signatures", "capability: DAP blocks", signature_names(decoded->dap_schemes));
  words("curves", "capability: curves", curve_names(decoded->curves));
  object_["capabilities"] = std::move(out);
}

void FactsOutput::add_cplc(ByteView value) {
  if (value.empty()) {
    return;
  }
  boost::json::object out;
  boost::json::object dates;
  for (const CplcField& field : cplc_fields(value)) {
    const std::string octets = to_hex(field.octets);
    out[field.name] = octets;
    if (field.date) {
      dates[field.name] = boost::json::object{{"year_ends_in", field.date->year_digit},
                                              {"day_of_year", field.date->day}};
    }
    line("CPLC " + spaced(field.name),
         field.is_date ? fmt::format("{}  {}", octets, date_text(field)) : octets);
  }
  out["dates"] = std::move(dates);
  object_["cplc"] = std::move(out);
}

void FactsOutput::add_keys(const gp::KeyInformation& keys) {
  boost::json::array all;
  for (const gp::KeyEntry& key : keys.keys) {
    all.push_back(key_object(key));
    std::string parts;
    for (const gp::KeyComponent& component : key.components) {
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", type_name(component.type),
                           component.length_bytes == 0
                               ? "256 octets or more"
                               : std::to_string(component.length_bytes) + " octets");
    }
    line(fmt::format("key KVN {:02X} KID {:02X}", key.version, key.identifier), parts);
  }
  object_["keys"] = std::move(all);
}

void FactsOutput::add_session(std::uint8_t scp, std::uint8_t level) {
  const std::string protocol = fmt::format("{:02X}", scp);
  const std::string octet = fmt::format("{:02X}", level);
  object_["session"] = boost::json::object{{"scp", protocol}, {"level", octet}};
  line("secure channel", fmt::format("SCP{} opened, level {}", protocol, octet));
}

void FactsOutput::add_resources(ByteView answer) {
  const auto decoded = CardResources::decode(answer);
  if (!decoded) {
    return octets("extended_resources", "resources (FF21)", answer);
  }
  boost::json::object out{{"octets", to_hex(answer)}};
  const auto number = [&](std::string_view key, std::string_view name,
                          const std::optional<std::uint32_t>& value) {
    if (value) {
      out[key] = *value;
      line(name, std::to_string(*value));
    }
  };
  number("applications", "applications installed", decoded->applications);
  number("free_non_volatile_octets", "free non-volatile octets", decoded->free_non_volatile_octets);
  number("free_volatile_octets", "free volatile octets", decoded->free_volatile_octets);
  object_["extended_resources"] = std::move(out);
}

}  // namespace kagibin::cli
