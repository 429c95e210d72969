// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/card_output.h"

#include <string>

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "kagibin/cli/gp/input/privilege_names.h"
#include "kagibin/gp/registry/life_cycle.h"

namespace kagibin::cli {

namespace {

using roles::security_module_manager::RegistryListing;

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
