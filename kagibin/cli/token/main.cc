// SPDX-License-Identifier: Apache-2.0
// kagibin token: what a PKCS#11 token can do for Kagibin, and the keys in it by name.
#include <filesystem>
#include <optional>
#include <string>

#include "kagibin/cli/console/passphrase.h"
#include "kagibin/cli/token/token_access.h"
#include "kagibin/crypto/token/token_initialisation.h"

namespace {

using namespace kagibin;
using crypto::token::TokenAbilities;

// p11-kit's structures have blanks behind the text.
std::string text_of(ByteView field) {
  std::string out(field.begin(), field.end());
  out.erase(out.find_last_not_of(std::string(" \0", 2)) + 1);
  return out;
}

std::string_view way_of(const TokenAbilities& able) {
  if (able.derives) {
    return "CKM_SP800_108_COUNTER_KDF";
  }
  if (able.authenticates) {
    return "CKM_AES_CMAC";
  }
  return able.encrypts ? "CKM_AES_CBC" : "";
}

std::string_view yes_no(bool value) { return value ? "yes" : "no"; }

class TokenCommands {
 public:
  TokenCommands(cli::Program& program,
                cli::TokenAccess& access,
                const std::string& uri,
                const std::optional<std::filesystem::path>& so_pin_file)
      : access_(access), console_(program.console()), uri_(uri), so_pin_file_(so_pin_file) {}

  int show() {
    const auto token = access_.tokens().token(uri_);
    if (!token) {
      return console_.failed(token.error(), "the token cannot be used");
    }
    const TokenAbilities& able = (*token)->abilities();
    const CK_TOKEN_INFO& info = (*token)->info();
    const std::string label = text_of(info.label);
    const std::string maker = text_of(info.manufacturerID);
    const std::string way = able.diversifies() ? std::string(way_of(able)) : "none";
    console_.result(
        {{"token", label},
         {"manufacturer", maker},
         {"model", text_of(info.model)},
         {"serial", text_of(info.serialNumber)},
         {"signs", able.signs},
         {"opens_answers", able.agrees},
         {"derives_by", way},
         {"makes_key_pairs", able.makes_key_pairs},
         {"makes_master_keys", able.makes_secret_keys}},
        "Token {} of {}. Signing keys (CKM_ECDSA): {}. KEM and exchange keys (CKM_ECDH1_DERIVE): "
        "{}. Master keys: {}. Makes key pairs: {}, master keys: {}.",
        label, maker, yes_no(able.signs), yes_no(able.agrees),
        able.diversifies() ? "by " + way : "no", yes_no(able.makes_key_pairs),
        yes_no(able.makes_secret_keys));
    return cli::kExitOk;
  }

  int init() {
    const auto done = [&]() -> Result<void> {
      const auto uri = KB_TRY(crypto::token::TokenUri::parse(uri_));
      SecretBytes so_pin = KB_TRY(
          cli::read_passphrase(so_pin_file_, "SO PIN of the new token", true, "kagibin-so-pin"));
      SecretBytes pin = KB_TRY(access_.pin(uri, true));
      return crypto::token::initialise_token(uri, so_pin, pin);
    }();
    if (!done) {
      return console_.failed(done.error(), "no token was initialised");
    }
    console_.result({{"token", uri_}}, "A new token: {}.", uri_);
    return cli::kExitOk;
  }

  int erase() {
    const auto done = access_.tokens().erase(uri_);
    if (!done) {
      return console_.failed(done.error(), "no key was erased");
    }
    console_.result({{"erased", uri_}}, "Erased: {}.", uri_);
    return cli::kExitOk;
  }

 private:
  cli::TokenAccess& access_;
  cli::Console console_;
  const std::string& uri_;
  const std::optional<std::filesystem::path>& so_pin_file_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("token", "Keys in PKCS#11 tokens (hardware security modules).");
  cli::TokenAccess access(program);
  std::string uri;
  std::optional<std::filesystem::path> so_pin_file;
  const auto commands = [&] { return TokenCommands(program, access, uri, so_pin_file); };
  auto* show = program.app().add_subcommand(
      "show", "log in and say what the token can do for Kagibin, and what not");
  show->add_option("uri", uri, "the token: pkcs11:token=NAME?module-path=/FILE.so")->required();
  show->callback([&] { program.finish(commands().show()); });
  auto* init = program.app().add_subcommand(
      "init", "give a blank token its name and PINs; one that is in use is never touched");
  init->add_option("uri", uri, "the new token: pkcs11:token=NAME?module-path=/FILE.so")->required();
  init->add_option("--so-pin-file", so_pin_file,
                   "file with the PIN of the token's security officer (mode 0600); without it a "
                   "systemd credential \"kagibin-so-pin\" or a prompt is used");
  init->callback([&] { program.finish(commands().init()); });
  auto* erase = program.app().add_subcommand(
      "erase", "destroy a key in the token: what was made with it is lost");
  erase->add_option("uri", uri, "the key: pkcs11:token=NAME;object=KEY?module-path=/FILE.so")
      ->required();
  erase->callback([&] { program.finish(commands().erase()); });
  return program.run(argc, argv);
}
