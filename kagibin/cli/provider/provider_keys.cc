// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_keys.h"

#include "kagibin/cli/console/hex_option.h"
#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

using Command = int (*)(const Program&, const KeyOptions&);

CLI::App* add(CLI::App& parent,
              const char* name,
              const char* what,
              Program& program,
              KeyOptions& options,
              Command command) {
  auto* out = parent.add_subcommand(name, what);
  out->callback([&program, &options, command] { program.finish(command(program, options)); });
  return out;
}

void add_exportability(CLI::App* command, KeyOptions& options) {
  command
      ->add_option("--exportability", options.exportability,
                   "may it leave as a key block: E under a protection key, S, N never")
      ->capture_default_str()
      ->check(CLI::IsMember({"E", "N", "S"}));
}

void add_token(CLI::App* command, KeyOptions& options) {
  command->add_option("--token", options.token_uri,
                      "put the master key into a PKCS#11 token, under this URI: "
                      "pkcs11:token=NAME;object=KEY?module-path=/FILE.so");
}

// Where a key of one element goes.
void add_binding(CLI::App* command, KeyOptions& options) {
  command->add_option("--seid", options.seid, "element that the key is for, 32 hexadecimal digits")
      ->required();
  command->add_option("--target", options.target, "AID there that the key is for")->required();
  command->add_option("--key-version", options.key_version, "KVN that it is for, two digits");
  command->add_option("--key-identifier", options.key_identifier, "KID that it is for, two digits")
      ->needs("--key-version");
}

void add_element_key_commands(Program& program, KeyOptions& options) {
  auto* element = program.app().add_subcommand(
      "element-key",
      "a key of one element that stays in a PKCS#11 token, which seals it into envelopes itself");
  element->require_subcommand(1);
  auto* create = add(*element, "create", "make the key in the token, or use the one that is there",
                     program, options, provider_element_key_create);
  create->add_option("--size", options.size, "octets")
      ->capture_default_str()
      ->check(CLI::IsMember({16, 24, 32}));
  auto* import = add(*element, "import", "put a key from a file into the token", program, options,
                     provider_element_key_import);
  import->add_option("--file", options.file, "16, 24 or 32 octets in hexadecimal digits")
      ->required()
      ->check(CLI::ExistingFile);
  options.tokens->add_place(create, "--token", options.place, "the key");
  import->add_option("--token", options.place.uri);
  for (CLI::App* command : {create, import}) {
    command->add_option("name", options.name, "its name in payload files, as a literal key")
        ->required();
    command->get_option("--token")->required()->description(
        "the key in its token: pkcs11:token=NAME;object=KEY?module-path=/FILE.so");
    add_binding(command, options);
  }
}

void add_ceremony_commands(Program& program, KeyOptions& options) {
  auto* ceremony = program.app().add_subcommand(
      "ceremony", "make a key of components that 2 or 3 custodians bring");
  ceremony->require_subcommand(1);
  auto* draw =
      add(*ceremony, "draw", "for a custodian: make a random component, and its check value",
          program, options, provider_ceremony_draw);
  draw->add_option("--out", options.out, "file to write, mode 0600: hexadecimal digits")
      ->required();
  draw->add_option("--size", options.size, "octets")
      ->capture_default_str()
      ->check(CLI::IsMember({16, 24, 32}));
  const auto step = [&](const char* name, const char* what, Command command) {
    auto* out = add(*ceremony, name, what, program, options, command);
    out->add_option("name", options.name, "of the key")->required();
    return out;
  };
  auto* start = step("start", "begin: how many components, for which key", provider_ceremony_start);
  start->add_option("--for", options.kind, "the key it makes")
      ->required()
      ->check(CLI::IsMember({"protection-key", "master-key"}));
  start->add_option("--components", options.components, "custodians")
      ->capture_default_str()
      ->check(CLI::IsMember({2, 3}));
  start->add_option("--size", options.size, "octets of the key")
      ->capture_default_str()
      ->check(CLI::IsMember({16, 24, 32}));
  start->add_option("--check-value", options.check_value,
                    "of the key, where both ends agreed on it before; a master key then counts as "
                    "known to the other end, too");
  add_exportability(start, options);
  start->add_flag("--dual-control", options.dual_control,
                  "a master key that opens with the second custodian's passphrase alone");

  auto* component =
      step("component", "enter one component: typed without echo, or from a file of mode 0600",
           provider_ceremony_component);
  component->add_option("number", options.number, "of the component, from 1")
      ->required()
      ->check(CLI::Range(1, 3));
  component
      ->add_option("--check-value", options.check_value,
                   "of the component, as the custodian's form has it: 6 or 10 hexadecimal digits")
      ->required();
  component->add_option("--file", options.file, "the component in hexadecimal digits");

  add_token(step("finish", "make the key of the components, and show its check value",
                 provider_ceremony_finish),
            options);
  step("show", "which components are there", provider_ceremony_show);
  step("abandon", "wipe what was entered", provider_ceremony_abandon);
}

}  // namespace

Checked<SecretBytes> octets_of_digits(const SecretBytes& text, const std::string& what) {
  SecretBytes key(text.size() / 2);
  std::size_t digits = 0;
  for (const std::uint8_t c : text.expose()) {
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (value < 0 && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
      return provider::problem(
          Errc::kEncoding, fmt::format("{} holds something else than hexadecimal digits", what));
    }
    if (value >= 0 && digits / 2 < key.size()) {
      std::uint8_t& octet = key.expose_mutable()[digits / 2];
      octet = static_cast<std::uint8_t>((static_cast<unsigned>(octet) << 4U) |
                                        static_cast<unsigned>(value));
    }
    digits += value >= 0 ? 1 : 0;
  }
  if (digits == 0 || digits % 2 != 0) {
    return provider::problem(Errc::kLength, fmt::format("{} does not hold whole octets", what));
  }
  key.shrink(digits / 2);
  return key;
}

Checked<SecretBytes> hex_key(const std::filesystem::path& path) {
  const SecretBytes text = KB_TRY(crypto::read_file(path));
  return octets_of_digits(text, path.string());
}

void add_key_commands(Program& program, KeyOptions& options) {
  auto* in =
      add(program.app(), "import-key-block",
          "take a key that comes as a key block (ANSI X9.143); it counts as known to its sender",
          program, options, provider_import_key_block);
  in->add_option("file", options.file, "the key block, one line")
      ->required()
      ->check(CLI::ExistingFile);
  in->add_option("--name", options.name, "what the key is called here")->required();
  in->add_option("--kbpk", options.kbpk, "name of the protection key")->required();
  in->add_option("--seid", options.seid, "element that the key is for, 32 hexadecimal digits");
  in->add_option("--target", options.target, "AID there that the key is for")->needs("--seid");
  in->add_option("--key-version", options.key_version, "KVN that it is for, two digits")
      ->needs("--target");
  in->add_option("--key-identifier", options.key_identifier, "KID that it is for, two digits")
      ->needs("--key-version");

  add_token(in, options);

  auto* out = add(program.app(), "export-key-block",
                  "write a key as a key block, if it may leave; it counts as known to others then",
                  program, options, provider_export_key_block);
  out->add_option("name", options.name, "of the key")->required();
  out->add_option("--kbpk", options.kbpk, "name of the protection key")->required();
  out->add_option("--kind", options.kind, "which of our keys")
      ->capture_default_str()
      ->check(CLI::IsMember({"master-key", "element-key", "protection-key"}));
  out->add_option("--out", options.out, "file to write")->required();

  add_element_key_commands(program, options);
  add_ceremony_commands(program, options);

  add(program.app(), "second-custodian",
      "set the passphrase that keys under dual control need beside the key store's", program,
      options, provider_second_custodian);
}

Checked<std::optional<provider::KeyBinding>> binding_of(const KeyOptions& options) {
  if (options.seid.empty()) {
    return std::optional<provider::KeyBinding>();
  }
  if (options.target.empty() || options.key_version.empty() != options.key_identifier.empty()) {
    return provider::problem(Errc::kInvalidArgument,
                             "An element key needs --target beside --seid, and --key-version and "
                             "--key-identifier only together.");
  }
  provider::KeyBinding out{.seid = KB_TRY(Seid::from_hex(options.seid)),
                           .target = KB_TRY(Aid::from_hex(options.target)),
                           .slot = {}};
  if (!options.key_version.empty()) {
    provider::KeySlot slot;
    slot.key_version = KB_TRY(parse_octet(options.key_version));
    slot.key_identifier = KB_TRY(parse_octet(options.key_identifier));
    out.slot = slot;
  }
  return std::optional(out);
}

}  // namespace kagibin::cli
