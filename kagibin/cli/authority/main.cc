// SPDX-License-Identifier: Apache-2.0
// kagibin authority: the root of the delivery PKI, on a machine without a network.
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/token/token_access.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/controlling_authority/authority_folder.h"

namespace {

using namespace kagibin;
using roles::controlling_authority::Authority;
using roles::controlling_authority::AuthorityFolder;

struct Options {
  crypto::KeyPlace root_key;
  std::string name = "KAGIBIN-AUTH";
  std::filesystem::path request;
  std::filesystem::path out;
  std::vector<std::string> aid_prefixes;
  std::string platform = "00000000000000000000000000000000";
  std::string casd = "A00000015153504341534400";
  int epoch = 1;
  int days = 365;
};

std::string date_text(pki::CertificateDate date) {
  return fmt::format("{:04}-{:02}-{:02}", date.yyyymmdd / 10000, date.yyyymmdd / 100 % 100,
                     date.yyyymmdd % 100);
}

class AuthorityCommands {
 public:
  AuthorityCommands(cli::Program& program, Options& options, cli::TokenAccess& tokens)
      : program_(program), options_(options), tokens_(tokens), console_(program.console()) {}

  int init() {
    auto done = [&]() -> Result<void> {
      const SecretBytes passphrase = KB_TRY(program_.passphrase(true));
      KB_TRY(AuthorityFolder::create(program_.home(), passphrase, options_.name, rng_, {},
                                     tokens_.with_generate(options_.root_key), tokens_.get()));
      return {};
    }();
    if (!done) {
      return console_.failed(done.error(), "no authority was made");
    }
    const std::string roots = AuthorityFolder::roots_file(program_.home());
    console_.result({{"roots", roots}},
                    "The root key is made. Give {} to everybody who is to trust it.", roots);
    return cli::kExitOk;
  }

  int certify_maker() {
    return certify<Request>(
        [&](Authority& authority, const Request& request) -> Result<pki::Certificate> {
          const auto platform = KB_TRY(this->platform());
          return authority.certify_maker(request, platform, options_.days);
        });
  }

  int certify_casd() {
    return certify<Request>(
        [&](Authority& authority, const Request& request) -> Result<pki::Certificate> {
          const auto platform = KB_TRY(this->platform());
          const Aid casd = KB_TRY(Aid::from_hex(options_.casd));
          return authority.certify_casd(request, casd, platform, options_.days);
        });
  }

  int certify_provider() {
    return certify<Request>(
        [&](Authority& authority, const Request& request) -> Result<pki::Certificate> {
          std::vector<Bytes> prefixes;
          prefixes.reserve(options_.aid_prefixes.size());
          for (const std::string& text : options_.aid_prefixes) {
            prefixes.push_back(KB_TRY(cli::parse_hex(text, Aid::kMinLength, Aid::kMaxLength)));
          }
          return authority.certify_service_provider(
              request, prefixes, static_cast<std::uint16_t>(options_.epoch), options_.days);
        });
  }

  // CERT.SD, on the word of a maker that was certified here.
  int certify_domain() {
    return certify<pki::DomainKeyRequest>(
        [&](Authority& authority, const pki::DomainKeyRequest& request) {
          return authority.certify_security_domain(
              request, static_cast<std::uint16_t>(options_.epoch), options_.days);
        });
  }

  int statement(const std::string& kind) {
    auto made = [&]() -> Result<Bytes> {
      AuthorityFolder folder = KB_TRY(open());
      Authority authority = KB_TRY(folder.authority(clock_, rng_));
      if (kind == "tick") {
        return authority.state_time(to_protocol_minutes(clock_.now()));
      }
      if (kind == "min-epoch") {
        return authority.state_min_epoch(static_cast<std::uint16_t>(options_.epoch));
      }
      const std::uint32_t number = KB_TRY(folder.take_root_number(rng_));
      return authority.state_successor(number);
    }();
    if (!made) {
      return console_.failed(made.error(), "no statement was made");
    }
    return written(*made, "statement");
  }

  int root(bool adopt) {
    auto done = [&]() -> Result<void> {
      AuthorityFolder folder = KB_TRY(open());
      Authority authority = KB_TRY(folder.authority(clock_, rng_));
      const crypto::KeyPlace place = tokens_.with_generate(options_.root_key);
      crypto::Founding made(tokens_.get());
      if (adopt) {
        KB_TRY(authority.adopt_successor());
      } else if (place.uri.empty()) {
        KB_TRY(authority.prepare_successor());
      } else {
        crypto::SigningKey key = KB_TRY(crypto::new_signing_key(place, tokens_.get(), rng_));
        made.note_key(place);
        KB_TRY(authority.prepare_successor(std::move(key)));
      }
      KB_TRY(folder.save(authority, rng_));
      made.keep();
      return {};
    }();
    if (!done) {
      return console_.failed(done.error(), "the roots were not changed");
    }
    console_.result({{"roots", AuthorityFolder::roots_file(program_.home()).string()}},
                    "{} now holds {}.", AuthorityFolder::roots_file(program_.home()).string(),
                    adopt ? "the successor as the only root"
                          : "two roots; announce the second with: statement root");
    return cli::kExitOk;
  }

 private:
  using Request = pki::CertificationRequest;

  Result<std::array<std::uint8_t, 16>> platform() const {
    const auto octets = from_hex(options_.platform);
    const auto out = octets ? to_array<16>(*octets) : std::nullopt;
    if (!out) {
      return fail(Errc::kInvalidArgument, "--platform takes 32 hexadecimal digits");
    }
    return *out;
  }

  Result<AuthorityFolder> open() {
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    return AuthorityFolder::open(program_.home(), passphrase, tokens_.get());
  }

  template <typename AnyRequest, typename Certify>
  int certify(Certify certify) {
    auto made = [&]() -> Result<pki::Certificate> {
      const SecretBytes octets = KB_TRY(crypto::read_file(options_.request));
      const AnyRequest request = KB_TRY(AnyRequest::decode(octets.expose()));
      AuthorityFolder folder = KB_TRY(open());
      Authority authority = KB_TRY(folder.authority(clock_, rng_));
      return certify(authority, request);
    }();
    if (!made) {
      return console_.failed(made.error(), "nothing was certified");
    }
    const auto stored = crypto::write_file(options_.out, made->encoded(), false);
    if (!stored) {
      return console_.failed(stored.error(),
                             "the certificate was issued and logged but not written",
                             "issue it again with another --out");
    }
    const std::string subject = to_hex(made->fields().subject);
    console_.result({{"certificate", options_.out.string()},
                     {"subject", subject},
                     {"serial", to_hex(made->fields().serial)},
                     {"expires", date_text(made->fields().expiration)}},
                    "{}: certificate of {}, until {}", options_.out.string(), subject,
                    date_text(made->fields().expiration));
    return cli::kExitOk;
  }

  int written(ByteView octets, std::string_view what) {
    const auto stored = crypto::write_file(options_.out, octets, false);
    if (!stored) {
      return console_.failed(stored.error(), "the file was not written");
    }
    console_.result({{"file", options_.out.string()}}, "{}: {}, {} octets", options_.out.string(),
                    what, octets.size());
    return cli::kExitOk;
  }

  cli::Program& program_;
  Options& options_;
  cli::TokenAccess& tokens_;
  cli::Console console_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("authority", "E: the controlling authority, the root of the delivery PKI");
  program.add_passphrase_option();
  Options options;
  cli::TokenAccess tokens(program);
  const auto commands = [&] { return AuthorityCommands(program, options, tokens); };

  auto* init = program.app().add_subcommand("init", "make the root key and roots.pem");
  init->add_option("--name", options.name, "issuer name in certificates, 1 to 16 characters")
      ->capture_default_str();
  tokens.add_place(init, "--root-key", options.root_key, "the root key");
  init->callback([&] { program.finish(commands().init()); });

  const auto add_certify = [&](const char* name, const char* what) {
    auto* command = program.app().add_subcommand(name, what);
    command->add_option("request", options.request, "certification request")
        ->required()
        ->check(CLI::ExistingFile);
    command->add_option("--out", options.out, "where to write the certificate")->required();
    command->add_option("--days", options.days, "validity")
        ->capture_default_str()
        ->check(CLI::Range(1, 3653));
    return command;
  };
  const auto add_platform = [&](CLI::App* command) {
    command
        ->add_option("--platform", options.platform,
                     "platform certification, 32 hexadecimal digits")
        ->capture_default_str();
  };
  auto* maker = add_certify("certify-maker", "certify an element maker (CERT.EUM)");
  add_platform(maker);
  maker->callback([&] { program.finish(commands().certify_maker()); });
  auto* casd = add_certify("certify-casd",
                           "certify a key of the authority's own domain in an element (CERT.CASD)");
  add_platform(casd);
  casd->add_option("--casd", options.casd, "AID of that domain")->capture_default_str();
  casd->callback([&] { program.finish(commands().certify_casd()); });
  const auto add_epoch = [&](CLI::App* command) {
    command->add_option("--epoch", options.epoch, "compared by elements with their minEpoch")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
  };
  auto* domain = add_certify("certify-domain",
                             "certify the SCP11a key that a provider's security domain made before "
                             "its maker (CERT.SD)");
  add_epoch(domain);
  domain->callback([&] { program.finish(commands().certify_domain()); });
  auto* provider = add_certify("certify-provider", "certify a service provider (CERT.SP)");
  provider
      ->add_option("--aid-prefix", options.aid_prefixes,
                   "AID prefix of its targets, 10 to 32 hexadecimal digits; may be repeated")
      ->required();
  add_epoch(provider);
  provider->callback([&] { program.finish(commands().certify_provider()); });

  auto* statement = program.app().add_subcommand("statement", "sign a statement for the elements");
  statement->require_subcommand(1);
  for (const char* kind : {"tick", "min-epoch", "root"}) {
    auto* command = statement->add_subcommand(
        kind, std::string_view(kind) == "tick"        ? "the time of now"
              : std::string_view(kind) == "min-epoch" ? "certificates of earlier epochs are refused"
                                                      : "the prepared second root");
    command->add_option("--out", options.out, "where to write it")->required();
    if (std::string_view(kind) == "min-epoch") {
      command->add_option("--epoch", options.epoch, "the lowest epoch still accepted")
          ->required()
          ->check(CLI::Range(0, 65535));
    }
    command->callback([&, kind] { program.finish(commands().statement(kind)); });
  }
  auto* prepare =
      program.app().add_subcommand("prepare-root", "make a second root beside the current one");
  tokens.add_place(prepare, "--root-key", options.root_key, "the second root");
  prepare->callback([&] { program.finish(commands().root(false)); });
  auto* adopt = program.app().add_subcommand(
      "adopt-root", "let the second root take the place of the current one");
  adopt->callback([&] { program.finish(commands().root(true)); });
  return program.run(argc, argv);
}
