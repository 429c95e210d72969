// SPDX-License-Identifier: Apache-2.0
#include "kagibin/base/clock.h"
#include "kagibin/base/crash_point.h"
#include "kagibin/cli/provider/provider_commands.h"
#include "kagibin/cli/provider/provider_keys.h"
#include "kagibin/cli/provider/provider_problem.h"
#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/record/pending_folder.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/anchor_file.h"
#include "kagibin/pki/certification_request.h"
#include "kagibin/roles/service_provider/keys/blocks/block_keys.h"
#include "kagibin/roles/service_provider/keys/key_import.h"
#include "kagibin/store/journal_store_sqlite.h"

namespace kagibin::cli {

using provider::Checked;

namespace {

constexpr int kExchangeDays = 3650;

}  // namespace

int provider_init(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const ProviderPaths paths{program.home()};
  const auto done = [&]() -> Checked<void> {
    crypto::SystemRng rng;
    const SystemClock clock;
    const Spid spid = KB_TRY(Spid::from_hex(options.spid));
    const SecretBytes passphrase = KB_TRY(program.passphrase(true));
    std::error_code unknown;  // PendingFolder looks again
    if (exists(std::filesystem::symlink_status(paths.keys(), unknown))) {
      return provider::problem(
          Errc::kConflict, "the folder holds a service provider already, which is left as it is");
    }
    // First the keys, which a token may refuse: then nothing has been made.
    TokenAccess& tokens = *options.tokens;
    const crypto::KeyPlace signing_place = tokens.with_generate(options.signing_key);
    const crypto::KeyPlace exchange_place = tokens.with_generate(options.exchange_key);
    crypto::Founding made(tokens.get());
    const auto made_signing = KB_TRY(crypto::new_signing_key(signing_place, tokens.get(), rng));
    made.note_key(signing_place);
    const auto made_exchange = KB_TRY(crypto::new_exchange_key(exchange_place, tokens.get(), rng));
    made.note_key(exchange_place);
    // The folder of keys is what makes a service provider: it has its name when all else is there.
    crypto::PendingFolder pending = KB_TRY(crypto::PendingFolder::create(paths.keys()));
    auto records = KB_TRY(crypto::RecordFolder::create(pending.path(), passphrase, rng));
    KB_CRASH_POINT("provider.init.before_keys");
    const auto journal = KB_TRY(store::open_journal_store({.path = paths.journal()}));
    provider::KeyStore keys(std::move(records), *journal, rng, tokens.get());
    KB_TRY(keys.keep_new_keys(made_signing, made_exchange));
    const crypto::SigningKey exchange = KB_TRY(keys.exchange_key_as_signer());
    const std::string pem = KB_TRY(crypto::self_signed_certificate(
        exchange, options.name, clock.now(), kExchangeDays, false, rng));
    KB_TRY(crypto::write_file(paths.exchange(), ascii(pem), false));
    const crypto::SigningKey signing = KB_TRY(keys.signing_key());
    const Bytes request = KB_TRY(pki::sign_certification_request(
        pki::CertificateKind::kServiceProvider, spid.octets, signing, rng));
    KB_TRY(crypto::write_file(paths.request(), request, false));
    KB_CRASH_POINT("provider.init.before_name");
    KB_TRY(pending.take_name());
    made.keep();
    KB_CRASH_POINT("provider.init.after_name");
    return {};
  }();
  if (!done) {
    return report_problem(program, done.error(), "no service provider was made");
  }
  console.result(
      {{"request", paths.request().string()}, {"exchange_certificate", paths.exchange().string()}},
      "Have {} certified by the authority, then: kagibin provider install. Managers seal key "
      "exports to {}.",
      paths.request().string(), paths.exchange().string());
  return kExitOk;
}

int provider_install(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const ProviderPaths paths{program.home()};
  const auto done = [&]() -> Checked<pki::CertificateFields> {
    const SecretBytes octets = KB_TRY(crypto::read_file(options.certificate));
    const pki::Certificate certificate = KB_TRY(pki::Certificate::decode(octets.expose()));
    const std::string roots = KB_TRY(read_text_file(options.roots));
    const pki::TrustAnchors anchors = KB_TRY(pki::read_anchors(roots));
    const SystemClock clock;
    KB_TRY(pki::verify_under_root(anchors, certificate, pki::CertificateKind::kServiceProvider,
                                  pki::CertificateDate::from_unix(clock.now())));
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const crypto::SigningKey signing = KB_TRY(home->keys().signing_key());
    if (!(signing.public_key() == certificate.key())) {
      return provider::problem(
          Errc::kUntrusted,
          "this certificate is for another key than ours; have our request.kbq certified");
    }
    KB_TRY(crypto::write_file(paths.roots(), ascii(roots), false));
    KB_TRY(crypto::write_file(paths.certificate(), certificate.encoded(), false));
    return certificate.fields();
  }();
  if (!done) {
    return report_problem(program, done.error(), "the certificate was not installed");
  }
  console.result({{"spid", to_hex(done->subject)}, {"expires", done->expiration.yyyymmdd}},
                 "Certified as {} until {}.", to_hex(done->subject), done->expiration.yyyymmdd);
  return kExitOk;
}

int provider_join(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto joined =
      TransportFolder(program.home())
          .join(options.file, {.via = options.via, .demo_key_log = options.demo_key_log, .now = {}},
                options.join_again);
  if (!joined) {
    return console.failed(joined.error(), "not connected to the distributor");
  }
  console.result({{"subject", *joined}}, "Connected as {}.", *joined);
  return kExitOk;
}

int provider_accept_shipment(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<std::size_t> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const provider::Trust trust = KB_TRY(home->trust());
    const std::string file = KB_TRY(read_text_file(options.file));
    const SystemClock clock;
    return home->shipments().import(file, trust, pki::CertificateDate::from_unix(clock.now()));
  }();
  if (!done) {
    return report_problem(program, done.error(), "the shipment list was not taken");
  }
  console.result({{"elements", *done}}, "{} elements and their maker are known now.", *done);
  return kExitOk;
}

int provider_import_keys(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<std::size_t> {
    const SecretBytes cms = KB_TRY(crypto::read_file(options.file));
    const std::string manager_pem = KB_TRY(read_text_file(options.manager));
    const crypto::EcPublicKey manager = KB_TRY(crypto::public_key_of_certificate(manager_pem));
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const std::string exchange = KB_TRY(read_text_file(home->paths().exchange()));
    return provider::import_key_exports(cms.expose(), manager, exchange, home->shipments(),
                                        home->journal(), home->keys());
  }();
  if (!done) {
    return report_problem(program, done.error(), "no channel keys were taken");
  }
  console.result({{"key_sets", *done}}, "{} channel key sets taken.", *done);
  return kExitOk;
}

int provider_master_key(const Program& program, const ProviderOptions& options, bool import) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const crypto::KeyPlace place = options.tokens->with_generate(options.master_key);
    const bool is_plain = options.exportability == "N" && !options.dual_control;
    if (!place.uri.empty() && !is_plain) {
      return provider::problem(
          Errc::kInvalidArgument,
          "A key in a token never leaves it, and who may use it is the token's to say: leave "
          "--exportability and --dual-control out, or --token.");
    }
    if (!options.second_half.uri.empty()) {
      return home->keys().create_halved_master_key(
          options.key_name, static_cast<std::size_t>(options.key_size), place,
          options.tokens->with_generate(options.second_half));
    }
    if (!import && is_plain) {
      return home->keys().create_master_key(options.key_name,
                                            static_cast<std::size_t>(options.key_size), place);
    }
    provider::StoredKey made{.attributes = {.exportability = options.exportability.front()},
                             .key = {}};
    made.key = import ? KB_TRY(hex_key(options.file))
                      : KB_TRY(crypto::random_secret(home->rng(),
                                                     static_cast<std::size_t>(options.key_size)));
    return add_stored_key(provider::KeyPurpose::kMasterKey, options.key_name, made, home->keys(),
                          options.dual_control, place.uri);
  }();
  if (!done) {
    return report_problem(program, done.error(), "there is no such master key now");
  }
  console.result({{"master_key", options.key_name}},
                 "Master key \"{}\" is kept; payloads name it in \"derive\".", options.key_name);
  return kExitOk;
}

int provider_literal_key(const Program& program, const ProviderOptions& options) {
  Console console = program.console();
  const auto done = [&]() -> Checked<void> {
    const auto home = KB_TRY(ProviderHome::open(program, options.tokens->get()));
    const SecretBytes key = KB_TRY(hex_key(options.file));
    return home->keys().add_literal_key(options.key_name, key);
  }();
  if (!done) {
    return report_problem(program, done.error(), "the key was not taken");
  }
  console.result({{"literal_key", options.key_name}}, "Key \"{}\" is kept, for one element.",
                 options.key_name);
  return kExitOk;
}

}  // namespace kagibin::cli
