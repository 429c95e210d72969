// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/card_output.h"

#include <string>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/cli/gp/input/privilege_names.h"
#include "kagibin/gp/key/key_type.h"
#include "kagibin/gp/registry/life_cycle.h"

namespace kagibin::cli {

namespace {

using roles::security_module_manager::CardFacts;
using roles::security_module_manager::RegistryListing;

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

// The fields of CPLC (GlobalPlatform Card Customization Guidelines): name and octets.
struct CplcField {
  std::string_view name;
  std::size_t size;
};
constexpr std::array<CplcField, 18> kCplcFields = {{
    {"ic_fabricator", 2},
    {"ic_type", 2},
    {"operating_system", 2},
    {"operating_system_date", 2},
    {"operating_system_level", 2},
    {"ic_fabrication_date", 2},
    {"ic_serial_number", 4},
    {"ic_batch", 2},
    {"ic_module_fabricator", 2},
    {"ic_module_date", 2},
    {"icc_manufacturer", 2},
    {"ic_embedding_date", 2},
    {"pre_personalizer", 2},
    {"pre_personalization_date", 2},
    {"pre_personalization_equipment", 4},
    {"personalizer", 2},
    {"personalization_date", 2},
    {"personalization_equipment", 4},
}};

boost::json::object cplc_object(ByteView cplc) {
  boost::json::object out;
  std::size_t at = 0;
  for (const CplcField& field : kCplcFields) {
    if (cplc.size() - at < field.size) {
      break;
    }
    out[field.name] = to_hex(cplc.subspan(at, field.size));
    at += field.size;
  }
  return out;
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

void add(boost::json::object& out, std::string_view name, ByteView octets) {
  if (!octets.empty()) {
    out[name] = to_hex(octets);
  }
}

struct ListedEntry {
  EntryKind kind;
  const gp::StatusEntry& entry;
};

std::string_view kind_name(EntryKind kind) {
  switch (kind) {
    case EntryKind::kIssuerDomain:
      return "issuer_security_domain";
    case EntryKind::kDomain:
      return "security_domain";
    case EntryKind::kApplication:
      return "application";
    default:
      return "load_file";
  }
}

std::string_view kind_letters(EntryKind kind) {
  switch (kind) {
    case EntryKind::kIssuerDomain:
      return "ISD";
    case EntryKind::kDomain:
      return "SSD";
    case EntryKind::kApplication:
      return "APP";
    default:
      return "ELF";
  }
}

boost::json::object entry_object(const ListedEntry& listed) {
  const gp::StatusEntry& entry = listed.entry;
  boost::json::object out{{"kind", kind_name(listed.kind)},
                          {"aid", entry.aid.hex()},
                          {"state", state_name(listed.kind, entry.state)},
                          {"state_octet", fmt::format("{:02X}", entry.state)}};
  if (entry.privileges) {
    boost::json::array names;
    for (const std::string_view name : privilege_names(*entry.privileges)) {
      names.emplace_back(name);
    }
    out["privileges"] = std::move(names);
  }
  if (entry.load_file) {
    out["load_file"] = entry.load_file->hex();
  }
  if (entry.security_domain) {
    out["security_domain"] = entry.security_domain->hex();
  }
  add(out, "version", entry.version);
  if (entry.implicit_selection) {
    out["implicit_selection"] = fmt::format("{:02X}", *entry.implicit_selection);
  }
  if (listed.kind == EntryKind::kLoadFile) {
    boost::json::array modules;
    for (const Aid& module : entry.modules) {
      modules.emplace_back(module.hex());
    }
    out["modules"] = std::move(modules);
  }
  return out;
}

std::string entry_text(const ListedEntry& listed) {
  const gp::StatusEntry& entry = listed.entry;
  std::string more;
  if (entry.privileges && entry.privileges->bits != 0) {
    more += fmt::format("{}", fmt::join(privilege_names(*entry.privileges), ","));
  }
  if (entry.load_file) {
    more += fmt::format("{}from {}", more.empty() ? "" : "  ", entry.load_file->hex());
  }
  if (entry.security_domain) {
    more += fmt::format("{}under {}", more.empty() ? "" : "  ", entry.security_domain->hex());
  }
  for (const Aid& module : entry.modules) {
    more += fmt::format("{}module {}", more.empty() ? "" : "  ", module.hex());
  }
  return fmt::format("{:<4} {:<32} {:<24} {}", kind_letters(listed.kind), entry.aid.hex(),
                     state_name(listed.kind, entry.state), more);
}

}  // namespace

std::string state_name(EntryKind kind, std::uint8_t state) {
  if (kind == EntryKind::kIssuerDomain) {
    const auto card = gp::card_state_from(state);
    return card ? std::string(gp::name(*card)) : fmt::format("{:02X}", state);
  }
  if (kind == EntryKind::kLoadFile) {
    return state == gp::kExecutableLoadFileLoaded ? "LOADED" : fmt::format("{:02X}", state);
  }
  const std::uint8_t unlocked = state & 0x7FU;
  std::string out = unlocked == gp::kInstalled      ? "INSTALLED"
                    : unlocked == gp::kSelectable   ? "SELECTABLE"
                    : unlocked != gp::kPersonalized ? fmt::format("{:02X}", unlocked)
                    : kind == EntryKind::kDomain    ? "PERSONALIZED"
                                                    : "0F";
  return (state & gp::kLockedBit) != 0 ? "LOCKED (" + out + ")" : out;
}

boost::json::object facts_object(const CardFacts& facts) {
  boost::json::object out;
  if (facts.domain) {
    out["security_domain"] = facts.domain->hex();
  }
  add(out, "iin", facts.iin);
  add(out, "cin", facts.cin);
  if (facts.card_data) {
    out["globalplatform"] = fmt::format("{}", fmt::join(facts.card_data->version, "."));
    boost::json::array protocols;
    for (const gp::ChannelProtocol& protocol : facts.card_data->protocols) {
      protocols.push_back(boost::json::object{{"scp", fmt::format("{:02X}", protocol.scp)},
                                              {"i", parameter_text(protocol)}});
    }
    out["secure_channel_protocols"] = std::move(protocols);
  }
  add(out, "capabilities", facts.capabilities);
  if (!facts.cplc.empty()) {
    out["cplc"] = cplc_object(facts.cplc);
  }
  add(out, "key_derivation_data", facts.derivation_data);
  add(out, "sequence_counter", facts.sequence_counter);
  if (facts.longest_command) {
    out["longest_command"] = *facts.longest_command;
  }
  if (facts.keys) {
    boost::json::array keys;
    for (const gp::KeyEntry& key : facts.keys->keys) {
      keys.push_back(key_object(key));
    }
    out["keys"] = std::move(keys);
  }
  return out;
}

std::string facts_text(const CardFacts& facts) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      out += fmt::format("{}{:<24} {}", out.empty() ? "" : "\n", name, value);
    }
  };
  line("security domain", facts.domain ? facts.domain->hex() : "");
  line("IIN", to_hex(facts.iin));
  line("CIN", to_hex(facts.cin));
  if (facts.card_data) {
    line("GlobalPlatform", fmt::format("{}", fmt::join(facts.card_data->version, ".")));
    for (const gp::ChannelProtocol& protocol : facts.card_data->protocols) {
      line("secure channel protocol",
           fmt::format("SCP{:02X} i={}", protocol.scp, parameter_text(protocol)));
    }
  }
  line("capabilities (67)", to_hex(facts.capabilities));
  line("CPLC", to_hex(facts.cplc));
  line("key derivation data", to_hex(facts.derivation_data));
  line("sequence counter", to_hex(facts.sequence_counter));
  if (facts.longest_command) {
    line("longest command", std::to_string(*facts.longest_command));
  }
  if (facts.keys) {
    for (const gp::KeyEntry& key : facts.keys->keys) {
      std::string parts;
      for (const gp::KeyComponent& component : key.components) {
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", type_name(component.type),
                             component.length_bytes == 0
                                 ? "256 octets or more"
                                 : std::to_string(component.length_bytes) + " octets");
      }
      line(fmt::format("key KVN {:02X} KID {:02X}", key.version, key.identifier), parts);
    }
  }
  return out;
}

void print_listing(Console& console, const RegistryListing& listing) {
  const auto print = [&](EntryKind kind, const gp::StatusEntry& entry) {
    const ListedEntry listed{kind, entry};
    console.result(entry_object(listed), "{}", entry_text(listed));
  };
  for (const gp::StatusEntry& entry : listing.issuer_domain) {
    print(EntryKind::kIssuerDomain, entry);
  }
  for (const gp::StatusEntry& entry : listing.applications) {
    const bool domain = entry.privileges && entry.privileges->has(gp::Privileges::kSecurityDomain);
    print(domain ? EntryKind::kDomain : EntryKind::kApplication, entry);
  }
  for (const gp::StatusEntry& entry : listing.load_files) {
    print(EntryKind::kLoadFile, entry);
  }
}

}  // namespace kagibin::cli
