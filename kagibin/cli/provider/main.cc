// SPDX-License-Identifier: Apache-2.0
// kagibin provider: the service provider, whose keys are delivered.
#include "kagibin/cli/provider/provider_campaigns.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_keys.h"

namespace {

using namespace kagibin;

using Command = int (*)(const cli::Program&, const cli::ProviderOptions&);

}  // namespace

int main(int argc, char** argv) {
  cli::Program program(
      "provider",
      "A: the service provider. It seals its keys to elements and judges their receipts.");
  program.add_passphrase_option();
  program.add_second_passphrase_option();
  cli::ProviderOptions options;
  cli::TokenAccess tokens(program);
  options.tokens = &tokens;
  const auto add = [&](const char* name, const char* what, Command command) {
    auto* out = program.app().add_subcommand(name, what);
    out->callback([&program, &options, command] { program.finish(command(program, options)); });
    return out;
  };
  const auto add_policy = [&](CLI::App* command) {
    command->add_option("--policy", options.policy, "policy file (default: policy.json in --home)")
        ->check(CLI::ExistingFile);
  };
  const auto add_way = [&](CLI::App* command) {
    command->add_option("--via", options.via, "HOST:PORT of a carrier before the distributor");
    command->add_option("--demo-key-log", options.demo_key_log,
                        "append TLS secrets to this file: undoes TLS, for the demo only");
  };
  const auto add_suite = [&](CLI::App* command) {
    command->add_option("--suite", options.suite,
                        "cipher suite, two digits: one of policy.suites (default: the first)");
  };
  const auto add_validity = [&](CLI::App* command) {
    command->add_option("--validity", options.validity_minutes, "minutes until the order expires")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000000));
  };

  auto* init =
      add("init", "make the provider's keys and its certification request", cli::provider_init);
  init->add_option("--spid", options.spid, "service provider identifier, 32 hexadecimal digits")
      ->required();
  init->add_option("--name", options.name, "common name of exchange.pem")->capture_default_str();
  tokens.add_place(init, "--signing-key", options.signing_key, "SK.SP.SIG");
  tokens.add_place(init, "--exchange-key", options.exchange_key,
                   "the key that managers seal exports to");

  auto* install =
      add("install", "install the certificate that the authority issued", cli::provider_install);
  install->add_option("--certificate", options.certificate, "CERT.SP")
      ->required()
      ->check(CLI::ExistingFile);
  install->add_option("--roots", options.roots, "the authority's roots.pem, to pin it")
      ->required()
      ->check(CLI::ExistingFile);

  auto* join = add("join", "redeem a distributor's invitation", cli::provider_join);
  join->add_option("invitation", options.file, "file from kagibin distributor invite")
      ->required()
      ->check(CLI::ExistingFile);
  join->add_flag("--again", options.join_again,
                 "in the place of a connection that has ended: its certificate has expired, or its "
                 "CA is not believed any more");
  add_way(join);

  add("accept-shipment", "take a maker's signed shipment list", cli::provider_accept_shipment)
      ->add_option("file", options.file, "the list")
      ->required()
      ->check(CLI::ExistingFile);

  auto* import_keys = add("import-keys", "take channel keys that a manager exported for us",
                          cli::provider_import_keys);
  import_keys->add_option("file", options.file, "CMS file from kagibin manager export-keys")
      ->required()
      ->check(CLI::ExistingFile);
  import_keys->add_option("--manager", options.manager, "the manager's signing.pem, to pin it")
      ->required()
      ->check(CLI::ExistingFile);

  auto* agree = add("agree-keys",
                    "agree with a domain of ours on channel keys that nobody else knows "
                    "(confidential set-up through the element's CASD)",
                    cli::provider_agree_keys);
  agree
      ->add_option("--reader", options.reader,
                   "tcp:HOST:PORT of kagibin manager carry, which holds the card")
      ->required();
  agree->add_option("--aid", options.aid, "AID of the domain")->required();
  agree->add_option("--seid", options.seid,
                    "the element it has to be, 32 hexadecimal digits (default: any that a shipment "
                    "list names)");
  agree
      ->add_option("--key-version", options.key_version,
                   "KVN of the new key set, two hexadecimal digits")
      ->capture_default_str();
  agree->add_option("--key-size", options.key_size, "octets of each key")
      ->capture_default_str()
      ->check(CLI::IsMember({16, 24, 32}));
  agree->add_flag("--keep-old-keys", options.keep_old_keys,
                  "leave the keys that the manager knows in the domain");

  auto* expose =
      add("expose-keys",
          "somebody else may know these keys: nothing is sealed at RL3 or RL4 that rests "
          "on them any more",
          cli::provider_expose_keys);
  expose->add_option("--seid", options.seid, "the element, 32 hexadecimal digits")->required();
  expose->add_option("--aid", options.aid, "AID of the domain")->required();
  expose
      ->add_option("--key-version", options.key_version,
                   "KVN of the key set, or of the SCP11a key that a static Key-DEK is beside")
      ->required();

  add("expose-master-key",
      "somebody else may know this master key: nothing is sealed at RL3 or RL4 that rests on a key "
      "derived from it any more",
      cli::provider_expose_master_key)
      ->add_option("name", options.key_name, "of the master key")
      ->required();

  auto* master = program.app().add_subcommand(
      "master-key", "make or import a key that element keys are derived from");
  master->require_subcommand(1);
  for (const bool import : {false, true}) {
    auto* command = master->add_subcommand(
        import ? "import" : "create", import ? "take the key from a file" : "make a random key");
    command->add_option("name", options.key_name, "its name in payload files")->required();
    if (import) {
      command->add_option("--file", options.file, "16, 24 or 32 octets in hexadecimal digits")
          ->required()
          ->check(CLI::ExistingFile);
      command->add_option("--token", options.master_key.uri,
                          "put it into a PKCS#11 token, under this URI: "
                          "pkcs11:token=NAME;object=KEY?module-path=/FILE.so");
    } else {
      command->add_option("--size", options.key_size, "octets")
          ->capture_default_str()
          ->check(CLI::IsMember({16, 24, 32}));
      tokens.add_place(command, "--token", options.master_key, "the key");
      command
          ->add_flag("--wrappable", options.master_key.may_be_wrapped,
                     "with --generate: derived keys may be sealed inside the token, where it takes "
                     "a master key that may be wrapped for that; whoever has the PIN can then have "
                     "the token wrap the master key")
          ->needs("--token")
          ->needs("--generate");
      command
          ->add_option("--second-token", options.second_half.uri,
                       "a half of the key is in this token, and the other half in that of --token: "
                       "two tokens with a PIN each, and neither is of use alone")
          ->needs("--token");
    }
    command
        ->add_option("--exportability", options.exportability,
                     "may it leave as a key block: E under a protection key, S, N never")
        ->capture_default_str()
        ->check(CLI::IsMember({"E", "N", "S"}));
    command->add_flag("--dual-control", options.dual_control,
                      "it opens with the second custodian's passphrase alone");
    command->callback([&program, &options, import] {
      program.finish(cli::provider_master_key(program, options, import));
    });
  }
  auto* literal = add("literal-key", "import a key for one element", cli::provider_literal_key);
  literal->add_option("name", options.key_name, "its name in payload files")->required();
  literal->add_option("--file", options.file, "16, 24 or 32 octets in hexadecimal digits")
      ->required()
      ->check(CLI::ExistingFile);

  auto* kem = add("kem-keys",
                  "make the KEM key of every further attempt in a PKCS#11 token, or as an "
                  "encrypted record again",
                  cli::provider_kem_keys);
  kem->add_option("--token", options.kem_token, "pkcs11:token=NAME?module-path=/FILE.so");
  kem->add_flag("--records", options.kem_records, "in the journal, as without a token");
  kem->require_option(1);
  add("erase-kem-keys",
      "erase from the token the KEM keys of orders whose validity is over, and those of attempts "
      "that were cut before they stood in the journal",
      cli::provider_erase_kem_keys)
      ->add_flag("--dry-run", options.dry_run, "list them and erase nothing");
  cli::KeyOptions key_options;
  key_options.tokens = &tokens;
  cli::add_key_commands(program, key_options);

  auto* check = add(
      "check", "would this payload be delivered? sends nothing; names what the device would see",
      cli::provider_check);
  check->add_option("file", options.file, "payload file (doc/payload.md)")
      ->required()
      ->check(CLI::ExistingFile);
  check->add_option("--device", options.devices,
                    "device; may be repeated (default: all of the policy)");
  add_policy(check);
  add_validity(check);
  add_suite(check);

  auto* order = add("order", "order a delivery to devices", cli::provider_order);
  order->add_option("file", options.file, "payload file (doc/payload.md)")
      ->required()
      ->check(CLI::ExistingFile);
  auto* device = order->add_option("--device", options.devices, "device; may be repeated");
  auto* id = order->add_option(
      "--id", options.order,
      "order id of your choice, to make the command repeatable (default: random)");
  auto* list = order->add_option("--list", options.list,
                                 "in place of --device and --id: a file with an order a line, "
                                 "{\"order\":ID,\"device\":NAME,\"attributes\":{KEY:VALUE}}; "
                                 "the same command again goes on");
  list->check(CLI::ExistingFile)->excludes(device)->excludes(id);
  order->add_option("--campaign", options.campaign,
                    "join this campaign: the distributor holds the order until it is released");
  order
      ->add_option("--attribute", options.attributes,
                   "KEY=VALUE for the campaign's groups; may be repeated")
      ->excludes(list);
  order
      ->add_option("--timeout", options.timeout_seconds,
                   "with --list: do not wait beyond this many seconds for the distributor's limit "
                   "(0: wait)")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber)
      ->needs(list);
  add_policy(order);
  add_validity(order);
  add_suite(order);
  add_way(order);

  auto* run = add("run", "follow the orders: seal, judge receipts, try again", cli::provider_run);
  run->add_flag("--until-done", options.until_done, "end when no order is open");
  run->add_option("--timeout", options.timeout_seconds, "end after this many seconds (0: never)")
      ->capture_default_str();
  run->add_option("--wait", options.wait_seconds, "seconds to wait at the distributor for news")
      ->capture_default_str()
      ->check(CLI::Range(0, 60));
  run->add_option("--attempts", options.attempts, "attempts of an order without asking")
      ->capture_default_str()
      ->check(CLI::Range(1, 999));
  add_policy(run);
  add_way(run);

  auto* show = add("show", "show the orders of the journal", cli::provider_show);
  show->add_option("order", options.order, "only this one");

  auto* history = add("history", "show what happened to an order at the distributor, and when",
                      cli::provider_history);
  history->add_option("order", options.order, "its id")->required();
  add_policy(history);
  add_way(history);
  cli::CampaignOptions campaign;
  cli::add_campaign_commands(program, options, campaign);

  for (const bool cancel : {false, true}) {
    auto* command = add(cancel ? "cancel" : "retry",
                        cancel ? "take an order back" : "make a further attempt of an order",
                        cancel ? cli::provider_cancel : cli::provider_retry);
    command->add_option("order", options.order, "its id")->required();
    add_policy(command);
    add_way(command);
  }
  return program.run(argc, argv);
}
