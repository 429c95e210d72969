// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/status_query.h"

#include <algorithm>
#include <span>
#include <vector>

#include "kagibin/gp/registry/get_status.h"
#include "kagibin/se/open/content/executables.h"
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

constexpr std::size_t kPageOctets = 239;

// What belongs to this security domain (GPCS 6.6.1, Global Registry; 11.4.2.1).
bool sees(const DomainCommand& command, const Aid& domain) {
  return command.domain.privileges.has(gp::Privileges::kGlobalRegistry) ||
         is_within(command.platform.registry, domain, command.domain.aid);
}

void collect_load_files(const DomainCommand& command,
                        const gp::GetStatus& query,
                        std::vector<gp::StatusEntry>& out) {
  for (const LoadFileEntry& entry : command.platform.registry.load_files()) {
    const auto file = executables_of(command.platform, entry);
    if (!query.matches(entry.aid) || !file || !sees(command, entry.security_domain)) {
      continue;
    }
    out.push_back({.aid = entry.aid,
                   .state = entry.life_cycle,
                   .security_domain = entry.security_domain,
                   .version = Bytes(file->version.begin(), file->version.end()),
                   .modules = file->modules});
  }
}

void collect_entries(const DomainCommand& command,
                     const gp::GetStatus& query,
                     std::vector<gp::StatusEntry>& out) {
  const bool issuer = query.scope == gp::StatusScope::kIssuerSecurityDomain;
  const Registry& registry = command.platform.registry;
  for (const RegistryEntry& entry : registry.entries()) {
    if (entry.is_issuer() != issuer || !query.matches(entry.aid) ||
        (entry.aid != command.domain.aid && !sees(command, entry.security_domain))) {
      continue;
    }
    gp::StatusEntry found{
        .aid = entry.aid, .state = entry.life_cycle, .privileges = entry.privileges};
    if (!issuer) {
      found.load_file = entry.load_file;
      found.security_domain = entry.security_domain;
      if (entry.implicit_selection) {
        found.implicit_selection = entry.implicit_selection->octet;
      }
    }
    out.push_back(std::move(found));
  }
}

bool is_same_question(const gp::GetStatus& one, const gp::GetStatus& other) {
  return one.scope == other.scope && one.tlv_format == other.tlv_format &&
         one.filter == other.filter && one.tags == other.tags;
}

}  // namespace

apdu::ResponseApdu process_get_status(const DomainCommand& command) {
  if (!command.authenticated()) {
    return answer(sw::kSecurityStatusNotSatisfied.because(
        "GET STATUS is taken in a session that the domain's provider opened (GPCS table 11-2)"));
  }
  const auto before = std::exchange(command.channel.status, std::nullopt);
  const bool known_scope =
      command.p1 == 0x80 || command.p1 == 0x40 || command.p1 == 0x20 || command.p1 == 0x10;
  if (!known_scope || (command.p2 & 0xFCU) != 0) {
    return answer(sw::kIncorrectP1P2.because(
        "P1 of GET STATUS is 80, 40, 20 or 10, P2 is 00 to 03 (GPCS 11.4.2.1, 11.4.2.2)"));
  }
  const auto query = gp::GetStatus::decode(command.p1, command.p2, command.data);
  if (!query) {
    return answer(sw::kWrongData.because(query.error().detail));
  }
  if (query->next && (!before || !is_same_question(before->query, *query))) {
    return answer(sw::kConditionsNotSatisfied.because(
        "the next occurrence goes on with the question that 6310 answered, and any other command "
        "in between ends it (GPCS 11.4.2.2)"));
  }
  std::vector<gp::StatusEntry> entries;
  if (query->scope == gp::StatusScope::kLoadFiles ||
      query->scope == gp::StatusScope::kLoadFilesAndModules) {
    collect_load_files(command, *query, entries);
  } else {
    collect_entries(command, *query, entries);
  }
  std::ranges::sort(entries, {}, &gp::StatusEntry::aid);
  if (query->next) {
    std::erase_if(entries, [&](const gp::StatusEntry& entry) { return entry.aid <= before->last; });
  }
  if (entries.empty()) {
    return answer(sw::kReferencedDataNotFound.because(
        "the domain sees nothing that matches (GPCS 11.4.3.2)"));
  }
  gp::StatusPage page = gp::status_page(entries, *query, kPageOctets);
  if (page.more) {
    command.channel.status = StatusContinuation{*query, entries[page.count - 1].aid};
  }
  return answer(page.more ? sw::kMoreData : sw::kOk, std::move(page.data));
}

}  // namespace kagibin::se
