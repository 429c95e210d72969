// SPDX-License-Identifier: Apache-2.0
// kagibin maker: makes virtual elements with a certified key delivery application inside.
#include "kagibin/cli/maker/maker_commands.h"

namespace cli = kagibin::cli;

int main(int argc, char** argv) {
  cli::Program program(
      "maker", "M: the element maker. It installs and certifies the key delivery application.");
  program.add_passphrase_option();
  cli::MakerOptions options;
  cli::TokenAccess tokens(program);
  const auto commands = [&] { return cli::MakerCommands(program, options, tokens); };

  auto* init =
      program.app().add_subcommand("init", "make the maker's key and its certification request");
  init->add_option("--name", options.name, "1 to 16 characters")->capture_default_str();
  tokens.add_place(init, "--signing-key", options.signing_key, "SK.EUM");
  init->callback([&] { program.finish(commands().init()); });

  auto* install =
      program.app().add_subcommand("install", "install the certificate that the authority issued");
  install->add_option("--certificate", options.certificate, "CERT.EUM")
      ->required()
      ->check(CLI::ExistingFile);
  install->add_option("--roots", options.roots, "the authority's roots.pem")
      ->required()
      ->check(CLI::ExistingFile);
  install->callback([&] { program.finish(commands().install()); });

  auto* make = program.app().add_subcommand(
      "make", "make elements, their shipment list, and the issuer keys for the manager");
  make->add_option("--count", options.count, "how many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  make->add_option("--out", options.out, "folder for the elements' state files")->required();
  make->add_option("--shipment", options.shipment, "where to write the signed shipment list")
      ->required();
  make->add_option("--issuer-keys", options.issuer_keys,
                   "where to write the issuer keys, sealed to the manager")
      ->required();
  make->add_option("--manager", options.manager, "the manager's exchange.pem")
      ->required()
      ->check(CLI::ExistingFile);
  make->add_option(
      "--seid", options.seid,
      "SEID of the first, 32 hexadecimal digits; the next ones count on (default: random)");
  auto* profile = make->add_option(
      "--profile", options.files.profile,
      "what the elements are made with: a shipped profile's name (kagibin se profiles), or a file; "
      "instead of --iin, --scp03-i, --scp11, --channels and --reserve-basic-channel");
  make->add_option("--keys", options.files.keys,
                   "the profile's keys: lines NAME.PART = HEXADECIMAL, such as issuer.master")
      ->check(CLI::ExistingFile);
  make->add_option("--keys-out", options.files.keys_out,
                   "draw the keys that --keys lacks and write all of them to this new file");
  make->add_option("--iin", options.iin, "Issuer Identification Number")
      ->capture_default_str()
      ->excludes(profile);
  make->add_option("--scp03-i", options.i, "SCP03 parameter i")
      ->capture_default_str()
      ->excludes(profile);
  make->add_option("--scp11", options.scp11,
                   "domains speak SCP11, too, with MACs of 8 or 16 octets: s8 or s16")
      ->check(CLI::IsMember({"s8", "s16"}))
      ->excludes(profile);
  make->add_option("--channels", options.channels, "logical channels")
      ->capture_default_str()
      ->check(CLI::Range(1, 20))
      ->excludes(profile);
  make->add_option("--days", options.days, "validity of CERT.KDA")
      ->capture_default_str()
      ->check(CLI::Range(1, 3653));
  make->add_flag("--reserve-basic-channel", options.reserve_basic_channel,
                 "the basic channel answers MANAGE CHANNEL only")
      ->excludes(profile);
  auto* casd = make->add_flag(
      "--casd", options.casd,
      "with a domain of the controlling authority (CASD), for confidential set-up, whatever the "
      "profile says; its keys are made inside");
  make->add_flag("--no-kda", options.without_kda,
                 "without the key delivery application: it is loaded in the field, and the CASD "
                 "attests it (ATT-2)");
  auto* domain =
      make->add_option("--domain", options.domain,
                       "AID of a security domain that each element is to have for a provider; it "
                       "makes an SCP11a key "
                       "inside, for relay level RL2, and its first key set goes to the manager");
  auto* owner = make->add_option("--domain-owner", options.owner,
                                 "SPID of that provider, 32 hexadecimal digits");
  auto* domain_requests = make->add_option(
      "--domain-requests", options.domain_requests,
      "folder for the certification requests SEID.kbq (kagibin authority certify-domain)");
  auto* own_delivery = make->add_flag(
      "--own-delivery", options.own_delivery,
      "the domain opens envelopes itself (level OS) and has no SCP11a key and no first key set");
  domain->needs(owner);
  own_delivery->needs(domain)->excludes(domain_requests);
  owner->needs(domain);
  domain_requests->needs(domain);
  make->add_flag("--mandated-dap", options.mandated_dap,
                 "every load file needs a signature of the controlling authority (DAP)")
      ->needs(casd);
  make->callback([&] { program.finish(commands().make()); });

  const auto add_reader = [&](CLI::App* command) {
    command
        ->add_option("--reader", options.reader, "PC/SC reader (name or number), or tcp:HOST:PORT")
        ->capture_default_str();
  };
  auto* certify = program.app().add_subcommand(
      "certify", "certify the key delivery application in a card that was loaded elsewhere");
  add_reader(certify);
  certify
      ->add_option("--domain-keys", options.domain_keys,
                   "file of the keys of the security domain that holds the application, as kagibin "
                   "gp --keys takes it")
      ->required()
      ->check(CLI::ExistingFile);
  certify->add_option("--seid", options.seid, "SEID that it is to have, 32 hexadecimal digits")
      ->required();
  certify->add_option("--iin", options.iin, "Issuer Identification Number of the target's card")
      ->capture_default_str();
  certify->add_option("--cin", options.cin, "Card Image Number of the target's card")->required();
  certify
      ->add_option("--code-hash", options.code_hash,
                   "SHA-256 of the load file data block that was loaded, 64 hexadecimal digits")
      ->required();
  certify->add_flag("--host-certificate", options.host_certificate,
                    "give it CERT.OCE, too, with which it opens SCP11a channels to domains that "
                    "this maker made: relay level RL2");
  certify->add_option("--days", options.days, "validity of CERT.KDA and CERT.OCE")
      ->capture_default_str()
      ->check(CLI::Range(1, 3653));
  certify->add_option("--shipment", options.shipment, "where to write the signed shipment list")
      ->required();
  certify->callback([&] { program.finish(commands().certify()); });

  auto* requests = program.app().add_subcommand(
      "casd-requests", "ask an element's CASD for certification requests for its two keys");
  add_reader(requests);
  requests->add_option("--seid", options.seid, "SEID of the element, 32 hexadecimal digits")
      ->required();
  requests->add_option("--out", options.out, "folder for agreement.kbq and signature.kbq")
      ->required();
  auto* pinned =
      requests->add_option("--shipment", options.shipment,
                           "sign a shipment list that pins the CASD's key to the SEID, for a card "
                           "that was not made here "
                           "and whose key delivery application its CASD attests (ATT-2)");
  requests->add_option("--iin", options.iin, "Issuer Identification Number of the target's card")
      ->capture_default_str();
  auto* cin = requests->add_option("--cin", options.cin, "Card Image Number of the target's card");
  pinned->needs(cin);
  requests->callback([&] { program.finish(commands().casd_requests()); });

  auto* store = program.app().add_subcommand("store-casd",
                                             "store the certificates of an element's CASD in it");
  add_reader(store);
  store->add_option("certificates", options.certificates, "from kagibin authority certify-casd")
      ->required()
      ->check(CLI::ExistingFile);
  store->callback([&] { program.finish(commands().store_casd()); });

  auto* store_domain = program.app().add_subcommand(
      "store-domain", "store the certificate of a provider's domain in it, and forget its keys");
  add_reader(store_domain);
  store_domain
      ->add_option("certificate", options.certificate,
                   "CERT.SD, from kagibin authority certify-domain")
      ->required()
      ->check(CLI::ExistingFile);
  store_domain->callback([&] { program.finish(commands().store_domain()); });
  return program.run(argc, argv);
}
