// SPDX-License-Identifier: Apache-2.0
// kagibin manager: creates security domains in cards, puts their first key sets, and exports those
// sealed to a service provider.
#include "kagibin/apdu/status_words.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/cli/manager/carry.h"
#include "kagibin/cli/token/token_access.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/security_module_manager/card_manager.h"
#include "kagibin/roles/security_module_manager/domain_keys.h"
#include "kagibin/roles/security_module_manager/manager_folder.h"

namespace {

using namespace kagibin;
namespace manager = roles::security_module_manager;
namespace fs = std::filesystem;

struct Options {
  manager::ManagerPlaces places;
  std::string name = "manager";
  std::string reader = "0";
  std::string listen = "127.0.0.1:0";
  std::string aid;
  std::string key_version = "30";
  std::string i = "70";
  int key_size = 16;
  bool installs = false;
  std::string load_file;
  std::string module;
  std::string domain;
  std::vector<std::string> cards;
  fs::path file;
  fs::path maker;
  fs::path recipient;
  fs::path out;
};

struct CardName {
  Bytes iin;
  Bytes cin;
};

// GET DATA of the issuer domain: 42 IIN, 45 CIN (GPCS 11.3). The values may be whole TLVs.
Result<CardName> card_name(apdu::CardLink& card) {
  const auto ask = [&](std::uint8_t p2) -> Result<Bytes> {
    const apdu::CommandApdu command{
        .cla = 0x80, .ins = apdu::ins::kGetData, .p1 = 0, .p2 = p2, .data = {}, .le = 256};
    const Bytes octets = KB_TRY(card.transmit(command.encode()));
    auto answer = KB_TRY(apdu::ResponseApdu::decode(octets));
    if (!apdu::sw::is_ok(answer.sw)) {
      return fail(Errc::kCardStatus, "the card does not tell its IIN and CIN", answer.sw);
    }
    if (answer.data.size() > 2 && answer.data[0] == p2 &&
        answer.data[1] == answer.data.size() - 2) {
      answer.data.erase(answer.data.begin(), answer.data.begin() + 2);
    }
    return answer.data;
  };
  const apdu::CommandApdu select{.ins = apdu::ins::kSelect, .p1 = 0x04, .data = {}, .le = 256};
  KB_TRY(card.transmit(select.encode()));
  return CardName{KB_TRY(ask(0x42)), KB_TRY(ask(0x45))};
}

class ManagerCommands {
 public:
  ManagerCommands(cli::Program& program, Options& options, cli::TokenAccess& tokens)
      : program_(program), options_(options), tokens_(tokens), console_(program.console()) {}

  int init() {
    const auto done = [&]() -> Result<void> {
      const SecretBytes passphrase = KB_TRY(program_.passphrase(true));
      const manager::ManagerPlaces places{
          .signing = tokens_.with_generate(options_.places.signing),
          .exchange = tokens_.with_generate(options_.places.exchange),
          .master = tokens_.with_generate(options_.places.master)};
      KB_TRY(manager::ManagerFolder::create(program_.home(), passphrase, options_.name, clock_,
                                            rng_, {}, places, tokens_.get()));
      return {};
    }();
    if (!done) {
      return console_.failed(done.error(), "no manager was made");
    }
    const std::string exchange = manager::ManagerFolder::exchange_certificate(program_.home());
    const std::string signing = manager::ManagerFolder::signing_certificate(program_.home());
    console_.result({{"exchange_certificate", exchange}, {"signing_certificate", signing}},
                    "Makers seal issuer keys to {}; service providers pin {}.", exchange, signing);
    return cli::kExitOk;
  }

  int import_issuer_keys() {
    const auto done = [&]() -> Result<std::size_t> {
      const SecretBytes cms = KB_TRY(crypto::read_file(options_.file));
      const std::string maker_pem = KB_TRY(crypto::read_text_file(options_.maker));
      const crypto::EcPublicKey maker = KB_TRY(crypto::public_key_of_certificate(maker_pem));
      auto folder = KB_TRY(open());
      return folder.import_issuer_keys(cms.expose(), maker, rng_);
    }();
    if (!done) {
      return console_.failed(done.error(), "no issuer keys were taken");
    }
    console_.result({{"cards", *done}}, "Issuer keys of {} cards taken.", *done);
    return cli::kExitOk;
  }

  int create_domain() {
    const auto done = [&]() -> Result<delivery::KeyExport> {
      const manager::DomainPlan plan = KB_TRY(domain_plan(options_.aid));
      auto folder = KB_TRY(open());
      const crypto::DerivationKey master = KB_TRY(folder.master_key());
      const auto card = KB_TRY(cli::open_card(options_.reader));
      const CardName name = KB_TRY(card_name(*card));
      const delivery::KeyExport issuer = KB_TRY(folder.issuer_keys(name.iin, name.cin));
      return manager::CardManager(*card, issuer, rng_).create_domain(plan, master);
    }();
    if (!done) {
      return console_.failed(done.error(), "the domain is not ready",
                             "running the same command again is safe");
    }
    console_.result({{"security_domain", done->security_domain.hex()},
                     {"key_version", to_hex(Bytes{done->key_version_number})},
                     {"iin", to_hex(done->iin)},
                     {"cin", to_hex(done->cin)}},
                    "Security domain {} is there with key set {:02X}, on card {}.",
                    done->security_domain.hex(), done->key_version_number, to_hex(done->cin));
    return cli::kExitOk;
  }

  int install() {
    const auto done = [&]() -> Result<void> {
      const manager::DomainPlan plan = KB_TRY(domain_plan(options_.domain));
      auto folder = KB_TRY(open());
      const crypto::DerivationKey master = KB_TRY(folder.master_key());
      const auto card = KB_TRY(cli::open_card(options_.reader));
      const CardName name = KB_TRY(card_name(*card));
      const delivery::KeyExport issuer = KB_TRY(folder.issuer_keys(name.iin, name.cin));
      manager::CardManager card_manager(*card, issuer, rng_);
      const delivery::KeyExport keys = KB_TRY(card_manager.key_set_of(plan, master));
      const gp::Install installation{.load_file = KB_TRY(Aid::from_hex(options_.load_file)),
                                     .module = KB_TRY(Aid::from_hex(options_.module)),
                                     .application = KB_TRY(Aid::from_hex(options_.aid))};
      return card_manager.install_application(keys, installation);
    }();
    if (!done) {
      return console_.failed(done.error(), "the application was not installed",
                             install_advice(done.error()));
    }
    console_.result({{"application", options_.aid}, {"security_domain", options_.domain}},
                    "Application {} is installed under {}.", options_.aid, options_.domain);
    return cli::kExitOk;
  }

  // The provider and his domain agree on keys; the session under the keys put here carries it.
  int carry() {
    const auto done = [&]() -> Result<int> {
      const manager::DomainPlan plan = KB_TRY(domain_plan(options_.aid));
      auto folder = KB_TRY(open());
      const auto card = KB_TRY(cli::open_card(options_.reader));
      const CardName name = KB_TRY(card_name(*card));
      const delivery::KeyExport keys = KB_TRY(keys_of(folder, name));
      manager::CarriedDomain domain(
          *card,
          {.domain = plan.aid,
           .key_version = keys.key_version_number,
           .scp03 = plan.scp03,
           .keys = KB_TRY(scp::Scp03KeySet::create(
               keys.key_enc.duplicate(), keys.key_mac.duplicate(), keys.key_dek.duplicate()))},
          rng_);
      return cli::carry(domain, options_.listen, console_);
    }();
    if (!done) {
      return console_.failed(done.error(), "the provider's keys were not set up",
                             "what came to pass in the card kagibin provider agree-keys tells when "
                             "it is run again");
    }
    console_.result({{"security_domain", options_.aid}, {"store_data", *done}},
                    "Carried: the card took {} commands of the provider for domain {}. Which keys "
                    "it has now is between the two.",
                    *done, options_.aid);
    return cli::kExitOk;
  }

  // Who holds the keys by right may take them to the card: kagibin gp reads the file.
  int key_file() {
    const auto done = [&]() -> Result<delivery::KeyExport> {
      const CardName name = KB_TRY(parse_card(options_.cards.front()));
      auto folder = KB_TRY(open());
      delivery::KeyExport keys = KB_TRY(keys_of(folder, name));
      const cli::KeyFileEntry entry{.version = keys.key_version_number,
                                    .des = false,
                                    .enc = keys.key_enc.duplicate(),
                                    .mac = keys.key_mac.duplicate(),
                                    .dek = keys.key_dek.duplicate()};
      KB_TRY(crypto::write_file(options_.out, cli::key_file_text(entry).expose(), true));
      return keys;
    }();
    if (!done) {
      return console_.failed(done.error(), "no key file was written");
    }
    console_.result({{"file", options_.out.string()},
                     {"security_domain", done->security_domain.hex()},
                     {"key_version", to_hex(Bytes{done->key_version_number})}},
                    "{} holds key set {:02X} of {}, in the clear: delete it when it is not needed.",
                    options_.out.string(), done->key_version_number, done->security_domain.hex());
    return cli::kExitOk;
  }

  int export_keys() {
    const auto done = [&]() -> Result<std::size_t> {
      const manager::DomainPlan plan = KB_TRY(domain_plan(options_.aid));
      auto folder = KB_TRY(open());
      std::vector<delivery::KeyExport> exports;
      for (const std::string& text : options_.cards) {
        CardName name = KB_TRY(parse_card(text));
        exports.push_back(KB_TRY(folder.domain_keys({.iin = std::move(name.iin),
                                                     .cin = std::move(name.cin),
                                                     .security_domain = plan.aid,
                                                     .key_version = plan.key_version},
                                                    plan.key_size, plan.scp03.i)));
      }
      const std::string recipient = KB_TRY(crypto::read_text_file(options_.recipient));
      const Bytes sealed = KB_TRY(folder.seal_exports(exports, recipient));
      KB_TRY(crypto::write_file(options_.out, sealed, false));
      return exports.size();
    }();
    if (!done) {
      return console_.failed(done.error(), "no keys were exported");
    }
    console_.result({{"file", options_.out.string()}, {"key_sets", *done}},
                    "{}: {} key sets, sealed and signed (CMS).", options_.out.string(), *done);
    return cli::kExitOk;
  }

 private:
  // What the card's refusal of INSTALL most likely means (GPCS 11.5.3.2).
  std::string install_advice(const Error& error) const {
    if (error.code != Errc::kCardStatus) {
      return {};
    }
    if (error.sw == apdu::sw::kConditionsNotSatisfied) {
      return fmt::format(
          "Most likely domain {} may not install: it needs the authorized management privilege, "
          "which it is given when it is made, with: kagibin manager create-domain --installs --aid "
          "ANOTHER_AID; then install under that one. Nothing was changed",
          options_.domain);
    }
    if (error.sw == apdu::sw::kReferencedDataNotFound) {
      return fmt::format(
          "Load file {} with module {} and domain {} have to be in the card: compare them with "
          "what it holds. Nothing was changed",
          options_.load_file, options_.module, options_.domain);
    }
    return {};
  }

  Result<manager::ManagerFolder> open() {
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    return manager::ManagerFolder::open(program_.home(), passphrase, tokens_.get());
  }
  static Result<CardName> parse_card(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
      return fail(Errc::kInvalidArgument, "--card takes IIN:CIN in hexadecimal digits");
    }
    Bytes iin = KB_TRY(cli::parse_hex(text.substr(0, colon), 1, 16));
    return CardName{std::move(iin), KB_TRY(cli::parse_hex(text.substr(colon + 1), 1, 16))};
  }
  // Of a domain made here or by the maker, or, without --aid, of the issuer domain.
  Result<delivery::KeyExport> keys_of(manager::ManagerFolder& folder, const CardName& card) {
    if (options_.aid.empty()) {
      return folder.issuer_keys(card.iin, card.cin);
    }
    const manager::DomainPlan plan = KB_TRY(domain_plan(options_.aid));
    return folder.domain_keys({.iin = card.iin,
                               .cin = card.cin,
                               .security_domain = plan.aid,
                               .key_version = plan.key_version},
                              plan.key_size, plan.scp03.i);
  }
  Result<manager::DomainPlan> domain_plan(const std::string& aid) const {
    const std::uint8_t i = KB_TRY(cli::parse_octet(options_.i));
    manager::DomainPlan plan{.aid = KB_TRY(Aid::from_hex(aid)),
                             .key_version = KB_TRY(cli::parse_octet(options_.key_version)),
                             .key_size = static_cast<std::size_t>(options_.key_size),
                             .scp03 = KB_TRY(scp::Scp03Parameter::from(i))};
    if (options_.installs) {
      plan.privileges.bits |= gp::Privileges::kAuthorizedManagement;
    }
    return plan;
  }

  cli::Program& program_;
  Options& options_;
  cli::TokenAccess& tokens_;
  cli::Console console_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

void add_reader_option(CLI::App* command, Options& options) {
  command->add_option("--reader", options.reader, "PC/SC reader (name or number), or tcp:HOST:PORT")
      ->capture_default_str();
}
void add_key_options(CLI::App* command, Options& options) {
  command
      ->add_option("--key-version", options.key_version,
                   "KVN of the domain's first key set, two hexadecimal digits")
      ->capture_default_str();
  command->add_option("--key-size", options.key_size, "octets of each key")
      ->capture_default_str()
      ->check(CLI::IsMember({16, 24, 32}));
  command->add_option("--scp03-i", options.i, "SCP03 parameter i of the domain")
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("manager",
                       "C: the security module manager. It creates domains and their first keys; "
                       "it never installs a key delivery application.");
  program.add_passphrase_option();
  Options options;
  cli::TokenAccess tokens(program);
  const auto commands = [&] { return ManagerCommands(program, options, tokens); };

  auto* init = program.app().add_subcommand("init", "make the manager's keys");
  init->add_option("--name", options.name, "common name of its certificates")
      ->capture_default_str();
  tokens.add_place(init, "--signing-key", options.places.signing, "the key that signs exports");
  tokens.add_place(init, "--exchange-key", options.places.exchange,
                   "the key that makers seal issuer keys to");
  tokens.add_place(init, "--master-key", options.places.master,
                   "the key that first key sets are derived from");
  init->callback([&] { program.finish(commands().init()); });

  auto* import = program.app().add_subcommand("import-issuer-keys",
                                              "take the issuer keys that a maker handed over");
  import->add_option("file", options.file, "CMS file from kagibin maker make")
      ->required()
      ->check(CLI::ExistingFile);
  import->add_option("--maker", options.maker, "the maker's maker.pem, to pin it")
      ->required()
      ->check(CLI::ExistingFile);
  import->callback([&] { program.finish(commands().import_issuer_keys()); });

  auto* create = program.app().add_subcommand(
      "create-domain", "create a security domain with its first key set in a card");
  add_reader_option(create, options);
  create->add_option("--aid", options.aid, "AID of the domain")->required();
  add_key_options(create, options);
  create->add_flag(
      "--installs", options.installs,
      "give the domain the authorized management privilege: kagibin manager install needs it");
  create->callback([&] { program.finish(commands().create_domain()); });

  auto* install = program.app().add_subcommand(
      "install", "install an application under a domain, from a load file in the card");
  add_reader_option(install, options);
  install->add_option("--load-file", options.load_file, "AID of the load file")->required();
  install->add_option("--module", options.module, "AID of the module")->required();
  install->add_option("--aid", options.aid, "AID of the application")->required();
  install->add_option("--domain", options.domain, "AID of its security domain")->required();
  add_key_options(install, options);
  install->callback([&] { program.finish(commands().install()); });

  auto* key_file = program.app().add_subcommand(
      "key-file", "write a key set in the clear (mode 0600), for kagibin gp");
  key_file->add_option("--card", options.cards, "IIN:CIN of the card")->required()->expected(1);
  key_file->add_option("--aid", options.aid,
                       "AID of a domain made here; without it the issuer security domain");
  key_file->add_option("--out", options.out, "where to write the file")->required();
  add_key_options(key_file, options);
  key_file->callback([&] { program.finish(commands().key_file()); });

  auto* carry = program.app().add_subcommand(
      "carry",
      "carry a service provider's confidential set-up to his domain, whose keys were put here");
  add_reader_option(carry, options);
  carry->add_option("--aid", options.aid, "AID of the domain")->required();
  add_key_options(carry, options);
  carry->add_option("--listen", options.listen, "where the provider connects (port 0: a free one)")
      ->capture_default_str();
  carry->callback([&] { program.finish(commands().carry()); });

  auto* exports = program.app().add_subcommand(
      "export-keys", "export first key sets, sealed to a service provider (CMS AuthEnvelopedData)");
  exports->add_option("--to", options.recipient, "the provider's exchange.pem")
      ->required()
      ->check(CLI::ExistingFile);
  exports->add_option("--out", options.out, "where to write the file")->required();
  exports->add_option("--aid", options.aid, "AID of the domain")->required();
  exports->add_option("--card", options.cards, "IIN:CIN of a card; may be repeated")->required();
  add_key_options(exports, options);
  exports->callback([&] { program.finish(commands().export_keys()); });
  return program.run(argc, argv);
}
