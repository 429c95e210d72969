// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/domain/content/install_commands.h"

#include "kagibin/se/domain/content/management.h"
#include "kagibin/se/domain/content/sequences/load_commands.h"
#include "kagibin/se/open/content.h"
#include "kagibin/se/open/content/hierarchy.h"

namespace kagibin::se {

namespace sw = apdu::sw;

namespace {

Aid domain_of_new(const DomainCommand& command, const Aid& load_file) {
  const auto file = command.platform.registry.find_load_file(load_file);
  const bool managed =
      file && is_within(command.platform.registry, file->security_domain, command.domain.aid);
  return managed ? file->security_domain : command.domain.aid;
}

Result<void> install_new(const DomainCommand& command,
                         const gp::Install& request,
                         const Right& right) {
  const Aid load_file = meant_load_file(*request.load_file);
  const auto system = KB_TRY(gp::InstallParameters::decode(request.parameters));
  return install(command.platform, command.instances,
                 {.load_file = load_file,
                  .module = meant_module(*request.module),
                  .aid = request.application,
                  .privileges = request.privileges,
                  .security_domain = domain_of_new(command, load_file),
                  .granter = granter_of(command, right),
                  .parameters = system.application.value_or(ByteView{}),
                  .life_cycle = request.makes_selectable() ? gp::kSelectable : gp::kInstalled,
                  .system = system});
}

// The load file that came before the last INSTALL of a combined load.
Result<void> load_first(const DomainCommand& command,
                        const gp::Install& request,
                        const LoadSession* load) {
  if (request.purpose != gp::InstallFor::kLoadInstallAndMakeSelectable) {
    return {};
  }
  if (load == nullptr || !load->complete || load->request.load_file != *request.load_file) {
    return fail(Errc::kPolicy,
                "a combined load is INSTALL (0E 01), every LOAD, and INSTALL (0E 03) for an "
                "application of the same load file (GPCS 9.3.8)");
  }
  const Right to_load = KB_TRY(right_to_go_on(command, *load));
  KB_TRY(spend(command.platform, to_load));
  return register_load_file(command.platform, *load);
}

Result<void> change_state(const DomainCommand& command,
                          const gp::Install& request,
                          const Right& right) {
  constexpr std::uint32_t kCardReset = gp::Privileges::kCardReset;
  auto entry = command.platform.registry.find(request.application);
  if (!entry) {
    return fail(Errc::kNotFound, "there is no such application");
  }
  KB_TRY(check_within(command, entry->security_domain));
  const auto system = KB_TRY(gp::InstallParameters::decode(request.parameters));
  if ((request.privileges.bits & ~kCardReset) != 0) {
    return fail(Errc::kValue,
                "INSTALL [for make selectable] gives Card Reset and no other privilege (GPCS "
                "11.5.2.3.3)");
  }
  const bool resets = request.privileges.has(kCardReset);
  const bool says_more = resets || system.implicit_selection.has_value();
  if (entry->is_issuer() || entry->locked() ||
      (entry->life_cycle != gp::kInstalled && !says_more)) {
    return fail(Errc::kPolicy, "only what is INSTALLED is made selectable (GPCS 5.3.1, 9.3.7)");
  }
  if (entry->life_cycle == gp::kInstalled) {
    entry->life_cycle = selectable_state(*entry);
  }
  RegistryChange change{.system = system, .granter = granter_of(command, right)};
  if (resets) {
    change.privileges = gp::Privileges{entry->privileges.bits | kCardReset};
  }
  return update(command.platform, *entry, change);
}

}  // namespace

apdu::ResponseApdu install_application(const DomainCommand& command, const gp::Install& request) {
  const std::unique_ptr<LoadSession> load = std::move(command.channel.load);
  const auto right =
      right_of(command, apdu::ins::kInstall, request.token, ByteView(request.parameters));
  if (!right) {
    return answer(status_of(right.error()));
  }
  const bool was_there = command.platform.registry.find(request.application).has_value();
  NvmTransaction transaction(command.platform.nvm);
  auto changed = load_first(command, request, load.get());
  if (changed) {
    changed = install_new(command, request, *right);
  }
  apdu::ResponseApdu out =
      conclude(command, transaction, changed, *right,
               gp::receipt_for::install(*request.load_file, request.application));
  if (!sw::is_ok(out.sw) && !was_there) {
    command.instances.forget(request.application);  // it ran, but its installation is undone
  }
  return out;
}

apdu::ResponseApdu make_selectable(const DomainCommand& command, const gp::Install& request) {
  const auto right =
      right_of(command, apdu::ins::kInstall, request.token, ByteView(request.parameters));
  if (!right) {
    return answer(status_of(right.error()));
  }
  const auto entry = command.platform.registry.find(request.application);
  const Aid load_file = entry ? entry->load_file : request.application;
  NvmTransaction transaction(command.platform.nvm);
  return conclude(command, transaction, change_state(command, request, *right), *right,
                  gp::receipt_for::install(load_file, request.application));
}

}  // namespace kagibin::se
