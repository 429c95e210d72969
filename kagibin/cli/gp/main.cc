// SPDX-License-Identifier: Apache-2.0
// kagibin gp: manages the content and the keys of any GlobalPlatform card, in any reader.
#include <functional>

#include "kagibin/cli/console/program.h"
#include "kagibin/cli/gp/card_commands.h"
#include "kagibin/cli/gp/content_commands.h"
#include "kagibin/cli/gp/key_commands.h"
#include "kagibin/cli/gp/registry_commands.h"
#include "kagibin/cli/gp/state_commands.h"

namespace {

using namespace kagibin;

void add_card_options(CLI::App& app, cli::GpOptions& options) {
  app.add_option("--reader", options.reader, "PC/SC reader (name or number), or tcp:HOST:PORT")
      ->capture_default_str();
  app.add_option("--sd", options.domain,
                 "AID of the security domain to talk to; without it the issuer security domain");
  app.add_option("--channel", options.channel,
                 "logical channel, 1 to 19, which is opened and closed again, or auto for one that "
                 "the card chooses; without it the basic channel");
  app.add_option("--apdu-log", options.apdu_log,
                 "append every command and answer, as sent, to this file");
  app.add_flag(
      "--dry-run", options.dry_run,
      "print the commands that would be sent, before secure messaging; no card is touched");
  app.add_flag("--force", options.force,
               "do what may cost the card or a domain its last key set; of commands as octets, "
               "terminate the card, too");
}

void add_channel_options(CLI::App& app, cli::GpOptions& options) {
  app.add_option("--keys", options.keys,
                 "file of key sets, mode 0600. An entry is lines of a name and a value: kvn 30, "
                 "type aes or 3des (may be left out), then enc, mac and dek, or kid and key for a "
                 "single key; values are hexadecimal digits, # begins a comment");
  app.add_option("--key-version", options.key_version,
                 "KVN of the set to use, two hexadecimal digits; without it the first of the file. "
                 "In SCP11 the KVN of the card's key");
  app.add_option("--scp", options.scp,
                 "02, 03, 11a, 11b or 11c; without it as the card says and the keys allow")
      ->check(CLI::IsMember({"02", "03", "11a", "11b", "11c"}));
  app.add_option(
      "--level", options.level,
      "security level, 01, 03, 11, 13 or 33; without it the highest that the card offers");
  app.add_flag(
      "--pieces", options.pieces,
      "send a command that is longer than 255 octets in pieces (GPCS 11.8.2.1), for a card "
      "without extended length");
  app.add_option("--own-key", options.own_key,
                 "SCP11a and c: own private key, EC in PEM, mode 0600");
  app.add_option("--certificate", options.certificates,
                 "SCP11a and c: own certificate (X.509 or GlobalPlatform's format); may be "
                 "repeated, issuers first")
      ->allow_extra_args(false);
  app.add_option("--ca", options.ca,
                 "SCP11a and c: KID/KVN of the CA's public key on the card that certifies us")
      ->capture_default_str();
  app.add_option("--sd-key", options.domain_key, "SCP11: the domain's public key, PEM");
  app.add_option("--sd-ca", options.domain_ca,
                 "SCP11: public key or certificate of the CA that certifies the domain, PEM; its "
                 "certificates are then read from the card");
}

// Of the commands that a domain with Delegated Management does under a token.
void add_token_options(CLI::App& command, cli::GpOptions& options) {
  command.add_option("--token", options.token, "file with the token, in octets");
  command.add_option(
      "--token-key", options.token_key,
      "sign the token instead: the private key of the domain with Token Verification, RSA or EC in "
      "PEM, or an AES key in a file like that of --keys (kvn, kid, key); mode 0600");
  command.add_option("--token-card", options.token_card,
                     "IIN:CIN of the domain with Token Verification: the token is for this card "
                     "alone");
  command.add_option("--token-number", options.token_number,
                     "number of the token, hexadecimal digits: the card takes it once");
  command.add_option("--token-provider", options.token_provider,
                     "application provider that the token names, hexadecimal digits");
  auto* receipt_key = command.add_option(
      "--receipt-key", options.receipt_key,
      "check the card's receipt: the key of the domain with Receipt Generation, public in PEM, or "
      "AES or 3DES in a file like that of --keys");
  command
      .add_option(
          "--receipt-after", options.receipt_after,
          "counter of the last receipt that was believed, a decimal number: one that is not "
          "above it may be an old one, sent again, and proves nothing")
      ->needs(receipt_key);
}

void add_install(CLI::App& app, cli::GpOptions& options, const std::function<void()>& run) {
  auto* install = app.add_subcommand(
      "install", "load a CAP file and install an applet from it, or create a security domain");
  install->add_option("cap", options.cap, "CAP file (an archive, or a load file data block)");
  install->add_option("--applet", options.applet,
                      "AID of the applet (module); without it the only one of the CAP file");
  install->add_option("--instance", options.instance,
                      "AID of the instance; without it the applet's");
  install->add_option("--package", options.package,
                      "AID of a load file that is on the card already, instead of a CAP file");
  install->add_option("--params", options.parameters,
                      "install parameters of the application (value of C9), hexadecimal digits");
  install->add_option("--system-params", options.system_parameters,
                      "system specific parameters (value of EF), hexadecimal digits");
  install->add_option("--privileges", options.privileges,
                      "words with commas, as kagibin gp list shows them, or one or three octets");
  install->add_option("--domain", options.owner,
                      "AID of the security domain that the load file is to belong to");
  install->add_option("--ssd", options.ssd, "create a supplementary security domain of this AID");
  install->add_option(
      "--ssd-scp", options.ssd_scp,
      "protocol of the new domain: SCP and i, as in 0370; without it the card's own");
  install->add_flag("--load-only", options.load_only, "load, and install nothing");
  install->add_flag("--not-selectable", options.not_selectable,
                    "install, and leave it to make-selectable that it can be selected");
  install->add_flag("--no-descriptor", options.no_descriptor,
                    "leave the Descriptor component out of the load file data block");
  install
      ->add_option("--hash", options.hash,
                   "load file data block hash; sha256 when there is a DAP block or load token")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "sha1", "sha256", "sha384", "sha512"}));
  install
      ->add_option("--dap", options.dap,
                   "AID=FILE: a domain with DAP Verification, and its signature of the hash, in "
                   "octets; may be repeated")
      ->allow_extra_args(false);
  install->add_option("--load-token", options.load_token, "file with the load token, in octets");
  add_token_options(*install, options);
  install->add_option("--block-size", options.block_size, "octets of a LOAD command, at most")
      ->capture_default_str()
      ->check(CLI::Range(16, 255));
  install->callback(run);
}

void add_registry_commands(
    CLI::App& app,
    cli::GpOptions& options,
    const std::function<std::function<void()>(int (*)(const cli::GpOptions&, cli::Console&))>&
        finish) {
  auto* selectable =
      app.add_subcommand("make-selectable", "let an application be selected that is installed");
  selectable->add_option("aid", options.aid, "AID of the application")->required();
  selectable->callback(finish(cli::make_selectable));

  auto* extradite = app.add_subcommand(
      "extradite", "give an application, domain or load file to another security domain");
  extradite->add_option("aid", options.aid, "AID of the object")->required();
  extradite->add_option("--to", options.to, "AID of the new security domain")->required();
  extradite->callback(finish(cli::extradite));

  auto* update = app.add_subcommand("update-registry",
                                    "change what the registry says of an application or domain");
  update->add_option("aid", options.aid, "AID of the application; without it the card");
  update->add_option("--to", options.to, "AID of a new security domain for it");
  update->callback(finish(cli::update_registry));

  for (auto* command : {selectable, extradite, update}) {
    if (command != extradite) {
      command->add_option("--privileges", options.privileges,
                          "all that it shall have: words with commas, or one or three octets");
    }
    command->add_option("--system-params", options.system_parameters,
                        "system specific parameters (value of EF), hexadecimal digits");
    add_token_options(*command, options);
  }
}

void add_set_status(CLI::App& app, cli::GpOptions& options, const std::function<void()>& run) {
  auto* status = app.add_subcommand(
      "set-status", "move the card, an application or a domain to another life-cycle state");
  status
      ->add_option("state", options.state,
                   "of the card (--card): initialized, secured, card-locked, terminated; of an "
                   "application or domain (its AID): locked, unlocked; of a domain by itself: "
                   "personalized")
      ->required();
  status->add_option("aid", options.aid, "AID of the application or domain");
  status->add_flag("--card", options.card, "the card itself");
  status->add_flag("--with-applications", options.with_applications,
                   "the domain and all applications that belong to it");
  status->add_flag("--no-way-back", options.no_way_back,
                   "go to INITIALIZED or SECURED, from which no way leads back");
  status->add_flag("--yes-terminate-this-card", options.terminates,
                   "go to TERMINATED: the card is of no use afterwards, ever");
  status->callback(run);
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("gp",
                       "Manages content and keys of any GlobalPlatform card, in any reader. Keys "
                       "come from files, and are checked before a try is used.");
  cli::GpOptions options;
  CLI::App& app = program.app();
  add_card_options(app, options);
  add_channel_options(app, options);
  const auto finish = [&](int (*run)(const cli::GpOptions&, cli::Console&)) {
    return [&program, &options, run] {
      cli::Console console = program.console();
      program.finish(run(options, console));
    };
  };

  app.add_subcommand("list", "list the card's content: domains, applications, load files")
      ->callback(finish(cli::list_card));
  app.add_subcommand(
         "info", "show what the card says of itself, without keys; with keys that they fit, too")
      ->callback(finish(cli::show_card));
  add_install(app, options, finish(cli::install_content));

  auto* remove =
      app.add_subcommand("delete", "delete an application, domain or load file, or keys");
  remove->add_option("aid", options.aid, "AID of the object");
  remove->add_flag("--related", options.related, "and everything that came from it");
  remove->add_option("--key", options.key, "KVN or KVN/KID of keys to delete instead");
  add_token_options(*remove, options);
  remove->callback(finish(cli::delete_content));

  add_registry_commands(app, options, finish);

  auto* put = app.add_subcommand(
      "put-key", "put a key set or a key, and verify a set by a new INITIALIZE UPDATE");
  put->add_option("new-keys", options.new_keys, "file with the new keys, in the format of --keys");
  put->add_option("--kvn", options.new_version,
                  "which entry of the file; with --pem the new key's version");
  put->add_option("--kid", options.new_identifier, "key identifier of the first new key");
  put->add_option("--replace", options.replace,
                  "KVN that the new keys replace; without it they are added");
  put->add_option("--pem", options.pem, "an RSA or EC public key, or a certificate, in PEM");
  put->add_option("--private-pem", options.private_pem,
                  "an RSA or EC private key in PEM, mode 0600, which the card is to have: "
                  "SK.SD.ECKA of SCP11, a key for receipts")
      ->excludes("--pem");
  put->callback(finish(cli::put_key));

  auto* store =
      app.add_subcommand("store-data", "store data in a domain, or personalize an application");
  store->add_option("file", options.data_file, "file with the data, in octets");
  store->add_option("--hex", options.data, "the data instead, hexadecimal digits");
  store->add_option("--application", options.application,
                    "AID of the application to personalize through its domain");
  store->add_option("--format", options.format, "structure of the data")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "dgi", "tlv"}));
  store
      ->add_option("--encryption", options.encryption,
                   "what P1 says of encryption; the data are sent as they are")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "application", "encrypted"}));
  store->callback(finish(cli::store_data));

  auto* certify = app.add_subcommand("store-certificates",
                                     "fill the certificate store of a domain's key of SCP11");
  certify->add_option("certificates", options.stored_certificates,
                      "certificates, issuers first, in PEM or octets; they replace those there");
  certify->add_option("--key", options.key, "KID/KVN of the domain's key")->required();
  certify->callback(finish(cli::store_certificates));

  for (const bool locked : {true, false}) {
    auto* lock = app.add_subcommand(
        locked ? "lock" : "unlock",
        locked ? "lock an application, a domain or the card" : "unlock it again");
    lock->add_option("aid", options.aid, "AID of the application or domain");
    lock->add_flag("--card", options.card, "the card: CARD_LOCKED, or back to SECURED");
    lock->add_flag("--with-applications", options.with_applications,
                   "the domain and all applications that belong to it");
    lock->callback([&program, &options, locked] {
      cli::Console console = program.console();
      program.finish(cli::set_locked(options, console, locked));
    });
  }

  add_set_status(app, options, finish(cli::set_status));

  auto* apdu =
      app.add_subcommand("apdu", "send commands as they are; with keys inside the secure channel");
  apdu->add_option("commands", options.commands, "C-APDUs, hexadecimal digits")->required();
  apdu->add_flag("--keep-going", options.keep_going, "send the rest after a refusal, too");
  apdu->callback(finish(cli::send_commands));
  return program.run(argc, argv);
}
