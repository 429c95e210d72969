// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/delete_commands.h"

#include "kagibin/se/domain/content/management.h"
#include "kagibin/se/domain/content/sequences/standing.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/open/content/authority.h"

namespace kagibin::se {

namespace {

Result<void> check_may_delete(const DomainCommand& command, const Aid& from, Content content) {
  if (command.domain.privileges.has(gp::Privileges::kGlobalDelete)) {
    return {};
  }
  KB_TRY(check_within(command, from));
  const auto domain = command.platform.registry.find(from);
  if (!takes_request(command.platform.registry, *domain, command.domain, Request::kDeletion,
                     content)) {
    return fail(Errc::kPolicy,
                "the associated security domain does not let this domain delete its content (83 of "
                "its parameters; GPCS 9.5)");
  }
  return {};
}

Result<void> delete_entry(const DomainCommand& command, const RegistryEntry& entry) {
  KB_TRY(check_may_delete(command, entry.security_domain, Content::kApplication));
  if (entry.aid == command.domain.aid || command.channels.is_selected(entry.aid)) {
    return fail(Errc::kPolicy,
                "what is selected on a logical channel is not deleted: select something else there "
                "(GPCS 9.5)");
  }
  return remove(command.platform, command.instances, entry);
}

// None of them is a security domain, which only a built-in load file makes.
Result<void> delete_instances(const DomainCommand& command, const Aid& load_file) {
  for (const RegistryEntry& entry : command.platform.registry.entries()) {
    if (entry.load_file == load_file) {
      KB_TRY(delete_entry(command, entry));
    }
  }
  return {};
}

Result<void> delete_file(const DomainCommand& command, const LoadFileEntry& file, bool related) {
  KB_TRY(check_may_delete(command, file.security_domain, Content::kLoadFile));
  if (related && file.loaded) {
    KB_TRY(delete_instances(command, file.aid));
  }
  return remove_load_file(command.platform, file);
}

Result<void> delete_one(const DomainCommand& command, const gp::DeleteObject& which) {
  const Registry& registry = command.platform.registry;
  if (const auto entry = registry.find(which.aid)) {
    return delete_entry(command, *entry);
  }
  if (const auto file = registry.find_load_file(which.aid)) {
    return delete_file(command, *file, which.related);
  }
  return fail(Errc::kNotFound,
              "there is no such application, security domain or load file (GPCS 11.2.3.2)");
}

}  // namespace

apdu::ResponseApdu delete_object(const DomainCommand& command, const gp::DeleteObject& which) {
  const auto right = right_of(command, apdu::ins::kDelete, which.token, std::nullopt);
  if (!right) {
    return answer(status_of(right.error()));
  }
  NvmTransaction transaction(command.platform.nvm);
  apdu::ResponseApdu out = conclude(command, transaction, delete_one(command, which), *right,
                                    gp::receipt_for::remove(which.aid));
  if (apdu::sw::is_ok(out.sw)) {
    end_sequences_of_deleted(command);
  }
  return out;
}

}  // namespace kagibin::se
