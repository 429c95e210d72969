// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/console/passphrase.h"
#include "kagibin/cli/console/private_file.h"
#include "kagibin/cli/provider/provider_keys.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/service_provider/keys/ceremony/key_ceremony.h"

namespace kagibin::cli {

using provider::Checked;
using provider::KeyCeremony;

namespace {

Checked<SecretBytes> component_of(const KeyOptions& options) {
  const std::string what = fmt::format("component {} of \"{}\"", options.number, options.name);
  if (options.file.empty()) {
    const SecretBytes typed = KB_TRY(ask_without_echo(what + ", hexadecimal, not shown"));
    return octets_of_digits(typed, what);
  }
  const auto text = read_private_file(options.file);
  if (!text) {
    // A file that was named and is not there is wrong usage (doc/exit_codes.md).
    return provider::problem(
        text.error().code == Errc::kNotFound ? Errc::kInvalidArgument : text.error().code,
        fmt::format("{} cannot be read: {}", options.file.string(), text.error().detail.text()));
  }
  return octets_of_digits(*text, options.file.string());
}

// Hexadecimal digits and a line end, in octets that are wiped.
SecretBytes digits_of(const SecretBytes& octets) {
  const auto digit = [](unsigned value) {
    return static_cast<std::uint8_t>(value < 10 ? '0' + value : 'A' + value - 10);
  };
  SecretBytes out(2 * octets.size() + 1);
  const MutableByteView text = out.expose_mutable();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const unsigned octet = octets.expose()[i];
    text[2 * i] = digit(octet >> 4U);
    text[2 * i + 1] = digit(octet & 0x0FU);
  }
  text.back() = '\n';
  return out;
}

std::string waiting_for(const KeyCeremony& ceremony) {
  std::string out;
  for (std::uint8_t number = 1; number <= ceremony.plan().components; ++number) {
    if (!ceremony.has(number)) {
      out += fmt::format("{}{}", out.empty() ? "" : ", ", number);
    }
  }
  return out;
}

void show(const Program& program, const KeyOptions& options, const KeyCeremony& ceremony) {
  const std::string missing = waiting_for(ceremony);
  program.console().result(
      {{"name", options.name},
       {"for", name(ceremony.plan().purpose)},
       {"components", ceremony.plan().components},
       {"missing", missing}},
      "Ceremony for the {} \"{}\", {} components of {} octets: {}", name(ceremony.plan().purpose),
      options.name, ceremony.plan().components, ceremony.plan().size_bytes,
      missing.empty()
          ? fmt::format("all are there; then: kagibin provider ceremony finish {}.", options.name)
          : fmt::format("component {} is still to come.", missing));
}

}  // namespace

int provider_ceremony_draw(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<crypto::CheckValues> {
    if (std::filesystem::exists(options.out)) {
      return provider::problem(
          Errc::kConflict, fmt::format("{} is there already and is kept.", options.out.string()));
    }
    crypto::SystemRng rng;
    const SecretBytes component =
        KB_TRY(crypto::random_secret(rng, static_cast<std::size_t>(options.size)));
    KB_TRY(crypto::write_file(options.out, digits_of(component).expose(), true));
    return KB_TRY(crypto::check_values(component));
  }();
  if (!done) {
    return report_problem(program, done.error(), "no component was made");
  }
  console.result({{"component", options.out.string()},
                  {"check_value", to_hex(done->cmac)},
                  {"legacy_check_value", to_hex(done->legacy)}},
                 "A component is in {}, for its custodian alone: check value {} (legacy {}).",
                 options.out.string(), to_hex(done->cmac), to_hex(done->legacy));
  return kExitOk;
}

int provider_ceremony_start(const Program& program, const KeyOptions& options) {
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    if (options.dual_control && !home->keys().has_second_custodian()) {
      return provider::problem(Errc::kState,
                               "There is no second custodian yet; set the passphrase by: kagibin "
                               "provider second-custodian.");
    }
    const provider::CeremonyPlan plan{.purpose = options.kind == "master-key"
                                                     ? provider::KeyPurpose::kMasterKey
                                                     : provider::KeyPurpose::kProtectionKey,
                                      .components = static_cast<std::uint8_t>(options.components),
                                      .size_bytes = static_cast<std::uint8_t>(options.size),
                                      .exportability = options.exportability.front(),
                                      .dual_control = options.dual_control,
                                      .check_value = options.check_value};
    show(program, options, KB_TRY(KeyCeremony::start(options.name, plan, home->keys())));
    return {};
  }();
  return done ? kExitOk : report_problem(program, done.error(), "no ceremony was begun");
}

int provider_ceremony_component(const Program& program, const KeyOptions& options) {
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    KeyCeremony ceremony = KB_TRY(KeyCeremony::resume(options.name, home->keys()));
    const SecretBytes component = KB_TRY(component_of(options));
    KB_TRY(
        ceremony.enter(static_cast<std::uint8_t>(options.number), component, options.check_value));
    show(program, options, ceremony);
    return {};
  }();
  return done ? kExitOk : report_problem(program, done.error(), "the component was not taken");
}

int provider_ceremony_finish(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<crypto::CheckValues> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    KeyCeremony ceremony = KB_TRY(KeyCeremony::resume(options.name, home->keys()));
    return ceremony.finish(options.token_uri);
  }();
  if (!done) {
    return report_problem(program, done.error(), "the ceremony made no key");
  }
  console.result({{"name", options.name},
                  {"check_value", to_hex(done->cmac)},
                  {"legacy_check_value", to_hex(done->legacy)}},
                 "The key \"{}\" is made: check value {} (legacy {}). Compare it with the other "
                 "end's; the components are wiped here.",
                 options.name, to_hex(done->cmac), to_hex(done->legacy));
  return kExitOk;
}

int provider_ceremony_show(const Program& program, const KeyOptions& options) {
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    show(program, options, KB_TRY(KeyCeremony::resume(options.name, home->keys())));
    return {};
  }();
  return done ? kExitOk : report_problem(program, done.error(), "there is nothing to show");
}

int provider_ceremony_abandon(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    return KB_TRY(KeyCeremony::resume(options.name, home->keys())).abandon();
  }();
  if (!done) {
    return report_problem(program, done.error(), "no ceremony was ended");
  }
  console.result({{"name", options.name}}, "The ceremony for \"{}\" is ended and made no key.",
                 options.name);
  return kExitOk;
}

int provider_second_custodian(const Program& program, const KeyOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    if (home->keys().has_second_custodian()) {
      return provider::problem(Errc::kConflict, "There is a second custodian already, who stays.");
    }
    const SecretBytes passphrase = KB_TRY(program.second_passphrase(true));
    return home->keys().create_second_custodian(passphrase);
  }();
  if (!done) {
    return report_problem(program, done.error(), "no second custodian was set");
  }
  console.result({{"second_custodian", true}},
                 "Keys that are made with --dual-control open with both passphrases alone.");
  return kExitOk;
}

}  // namespace kagibin::cli
