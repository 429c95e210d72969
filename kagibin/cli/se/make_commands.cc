// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/se/make_commands.h"

#include <filesystem>
#include <system_error>

#include <boost/json/parse.hpp>

#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/se/element.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace kagibin::cli {

namespace {

Result<se::ElementProfile> make_element(const ElementRecipe& recipe, const MakeOptions& options) {
  crypto::SystemRng rng;
  const SystemClock clock;
  const se::ModuleRegistry modules = KB_TRY(standard_modules());
  se::ElementProfile profile = KB_TRY(recipe.element(options.serial));
  auto medium = KB_TRY(se::NvmFile::open(options.state));
  KB_TRY(se::Element::create(profile, std::move(medium), rng, clock, modules));
  return profile;
}

}  // namespace

void say_warning(Console& console, const ProfileFile& profile) {
  if (!profile.warning.empty()) {
    console.progress("WARNING: {}", profile.warning);
  }
}

int se_make(const Program& program, const MakeOptions& options) {
  Console console = program.console();
  crypto::SystemRng rng;
  const auto recipe = open_recipe(options.files, rng);
  if (!recipe) {
    return console.failed_text(recipe.error().code, "no element was made", recipe.error().text);
  }
  std::error_code error;
  if (std::filesystem::exists(options.state, error)) {
    return console.failed_file(
        Error{Errc::kConflict, "it exists already; elements are not written over"},
        "no element was made", options.state);
  }
  const auto made = make_element(*recipe, options);
  if (!made) {
    return console.failed_file(made.error(), "no element was made", options.state);
  }
  say_warning(console, recipe->profile());
  const std::string file = options.state.string();
  console.result(
      {{"state", file},
       {"profile", recipe->profile().name},
       {"iin", to_hex(made->iin)},
       {"cin", to_hex(made->cin)},
       {"diversification_data", to_hex(made->diversification_data)}},
      "{}: a {} element, CIN {}, key diversification data {}. It has no certificate of a "
      "maker: keys are not delivered to it (kagibin maker does that).",
      file, recipe->profile().name, to_hex(made->cin), to_hex(made->diversification_data));
  return kExitOk;
}

int se_profiles(const Program& program) {
  Console console = program.console();
  if (shipped_profiles().empty()) {
    return console.failed_text(Errc::kNotFound, "no profile is listed",
                               fmt::format("the shipped ones should be in {}, and none is there.",
                                           shipped_profiles_folder().string()),
                               "Install the folder share with the program");
  }
  for (const std::string& name : shipped_profiles()) {
    const auto found = find_profile(name);
    if (!found) {
      return console.failed_text(found.error().code, "a shipped profile cannot be read",
                                 found.error().text);
    }
    const ProfileFile& profile = found->profile;
    const std::string sign = profile.has_published_keys() ? " [PUBLISHED TEST KEYS]" : "";
    console.result({{"name", name},
                    {"about", profile.about},
                    {"published_keys", profile.has_published_keys()},
                    {"file", found->path.string()}},
                   "{:<10}{} {}", name, sign, profile.about);
  }
  return kExitOk;
}

int se_show_profile(const Program& program, const std::string& name) {
  Console console = program.console();
  const auto found = find_profile(name);
  if (!found) {
    return console.failed_text(found.error().code, "the profile is not shown", found.error().text);
  }
  const boost::json::value value = boost::json::parse(found->text);
  console.result(value.get_object(), "{}", found->text);
  return kExitOk;
}

}  // namespace kagibin::cli
