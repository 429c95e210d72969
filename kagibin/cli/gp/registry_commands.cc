// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/registry_commands.h"

#include "kagibin/cli/gp/content_options.h"
#include "kagibin/cli/gp/input/privilege_names.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"

namespace kagibin::cli {

namespace card = roles::security_module_manager;

namespace {

// What a command that is sent alone is called.
struct Words {
  std::string_view what;
  Detail refusal;
  std::string_view done;
  std::string_view sentence;
};

int one_command(
    const GpOptions& options,
    Console& console,
    const Words& words,
    const std::function<Result<apdu::CommandApdu>(std::filesystem::path& failed)>& make) {
  std::filesystem::path failed;
  const auto command = make(failed);
  if (!command) {
    return console.failed_file(command.error(), words.what, failed);
  }
  CardAccess access(options, console);
  return access.manage(words.what, [&](card::CommandPort& port) -> Result<void> {
    KB_TRY(port.send(*command, words.refusal));
    if (!access.is_dry()) {
      const std::string object = options.aid.empty() ? "the card" : options.aid;
      console.result({{words.done, object}}, "{} {}.", object, words.sentence);
    }
    return {};
  });
}

}  // namespace

int make_selectable(const GpOptions& options, Console& console) {
  return one_command(options, console,
                     {.what = "nothing was made selectable",
                      .refusal = "the card refuses INSTALL [for make selectable]",
                      .done = "made_selectable",
                      .sentence = "can be selected"},
                     [&](std::filesystem::path& failed) -> Result<apdu::CommandApdu> {
                       gp::Install install{.purpose = gp::InstallFor::kMakeSelectable,
                                           .application = KB_TRY(Aid::from_hex(options.aid)),
                                           .parameters = KB_TRY(other_parameters(options)),
                                           .token = KB_TRY(optional_file(options.token, failed))};
                       if (!options.privileges.empty()) {
                         install.privileges = KB_TRY(parse_privileges(options.privileges));
                       }
                       return install.encode();
                     });
}

int extradite(const GpOptions& options, Console& console) {
  return one_command(options, console,
                     {.what = "nothing was extradited",
                      .refusal = "the card refuses INSTALL [for extradition]",
                      .done = "extradited",
                      .sentence = "belongs to the other security domain"},
                     [&](std::filesystem::path& failed) -> Result<apdu::CommandApdu> {
                       const gp::Extradition request{
                           .security_domain = KB_TRY(Aid::from_hex(options.to)),
                           .object = KB_TRY(Aid::from_hex(options.aid)),
                           .parameters = KB_TRY(other_parameters(options)),
                           .token = KB_TRY(optional_file(options.token, failed))};
                       return request.encode();
                     });
}

int update_registry(const GpOptions& options, Console& console) {
  return one_command(options, console,
                     {.what = "the registry was not updated",
                      .refusal = "the card refuses INSTALL [for registry update]",
                      .done = "updated",
                      .sentence = "stands in the registry as asked"},
                     [&](std::filesystem::path& failed) -> Result<apdu::CommandApdu> {
                       gp::RegistryUpdate request{
                           .security_domain = KB_TRY(optional_aid(options.to)),
                           .application = KB_TRY(optional_aid(options.aid)),
                           .parameters = KB_TRY(other_parameters(options)),
                           .token = KB_TRY(optional_file(options.token, failed))};
                       if (!options.privileges.empty()) {
                         request.privileges = KB_TRY(parse_privileges(options.privileges));
                       }
                       return request.encode();
                     });
}

}  // namespace kagibin::cli
