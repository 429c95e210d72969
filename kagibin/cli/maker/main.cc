// SPDX-License-Identifier: Apache-2.0
// kagibin maker: makes virtual elements with a certified key delivery application inside.
#include <algorithm>
#include <optional>
#include <variant>

#include "kagibin/base/byte_io.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/cli/profile/recipe_files.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/pki/anchor_file.h"
#include "kagibin/roles/element_maker/casd_certification.h"
#include "kagibin/roles/element_maker/maker_folder.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace {

using namespace kagibin;
namespace maker = roles::element_maker;
namespace fs = std::filesystem;

struct Options {
  std::string name = "KAGIBIN-MAKER";
  fs::path certificate;
  fs::path roots;
  fs::path out;
  fs::path shipment;
  fs::path issuer_keys;
  fs::path manager;
  cli::RecipeFiles files;
  std::string seid;
  std::string iin = "4204B00142";
  std::string i = "70";
  std::string scp11;
  int count = 1;
  int channels = 4;
  int days = 3650;
  bool reserve_basic_channel = false;
  bool casd = false;
  bool mandated_dap = false;
  std::string reader = "0";
  std::vector<fs::path> certificates;
  fs::path domain_keys;
  std::string cin;
  std::string code_hash;
};

Result<std::string> read_text(const fs::path& path) {
  const SecretBytes octets = KB_TRY(crypto::read_file(path));
  return std::string(octets.expose().begin(), octets.expose().end());
}

class MakerCommands {
 public:
  MakerCommands(cli::Program& program, Options& options)
      : program_(program), options_(options), console_(program.console()) {}

  int init() {
    const auto done = [&]() -> Result<void> {
      const SecretBytes passphrase = KB_TRY(program_.passphrase(true));
      const auto folder =
          KB_TRY(maker::MakerFolder::create(program_.home(), passphrase, options_.name, rng_));
      const maker::MakerIdentity identity = KB_TRY(folder.identity());
      const std::string pem = KB_TRY(crypto::self_signed_certificate(
          identity.key, options_.name, clock_.now(), 3650, false, rng_));
      return crypto::write_file(signing_certificate(), ascii(pem), false);
    }();
    if (!done) {
      return console_.failed(done.error(), "no maker was made");
    }
    const std::string request = maker::MakerFolder::request_file(program_.home());
    console_.result(
        {{"request", request}, {"signing_certificate", signing_certificate().string()}},
        "Have {} certified by the authority, then: kagibin maker install. The manager pins {}.",
        request, signing_certificate().string());
    return cli::kExitOk;
  }

  int install() {
    const auto done = [&]() -> Result<void> {
      const SecretBytes octets = KB_TRY(crypto::read_file(options_.certificate));
      const pki::Certificate certificate = KB_TRY(pki::Certificate::decode(octets.expose()));
      const std::string roots = KB_TRY(read_text(options_.roots));
      const pki::TrustAnchors anchors = KB_TRY(pki::read_anchors(roots));
      const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
      auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase));
      return folder.install(certificate, anchors.roots.front());
    }();
    if (!done) {
      return console_.failed(done.error(), "the certificate was not installed");
    }
    console_.result({{"installed", true}}, "The maker is certified and can make elements.");
    return cli::kExitOk;
  }

  int make() {
    std::optional<cli::ElementRecipe> recipe;
    if (!options_.files.profile.empty()) {
      auto opened = cli::open_recipe(options_.files, rng_);
      if (!opened) {
        return console_.failed_text(opened.error().code, "no element was made",
                                    opened.error().text);
      }
      recipe = std::move(*opened);
      if (recipe->profile().has_published_keys() || !recipe->makes_many()) {
        return console_.failed_text(
            Errc::kPolicy, "no element was made",
            "a maker's elements have keys of their own: a profile with published or given keys is "
            "for kagibin se make.");
      }
    }
    const auto done = make_all(recipe);
    if (!done) {
      return console_.failed(
          done.error(), "not all elements were made",
          "elements that were made lie in --out; the shipment list was not written");
    }
    return cli::kExitOk;
  }

  // The key delivery application in a card that somebody else made.
  int certify() {
    const auto done = certify_card();
    if (!done) {
      return console_.failed(done.error(), "the card's key delivery application was not certified");
    }
    console_.result({{"seid", done->seid.hex()},
                     {"iin", to_hex(done->iin)},
                     {"cin", to_hex(done->cin)},
                     {"kda_code_hash", options_.code_hash}},
                    "The card is element {}; {} says so.", done->seid.hex(),
                    options_.shipment.string());
    return cli::kExitOk;
  }

  // The two requests of the controlling authority's domain in a running element.
  int casd_requests() {
    const std::array<fs::path, 2> files = {options_.out / "agreement.kbq",
                                           options_.out / "signature.kbq"};
    const auto done = [&]() -> Result<void> {
      const Bytes octets = KB_TRY(cli::parse_hex(options_.seid, 16, 16));
      const Seid seid = KB_TRY(Seid::from(octets));
      const auto card = KB_TRY(cli::open_card(options_.reader));
      const std::vector<Bytes> requests = KB_TRY(maker::casd_requests(*card, seid));
      std::error_code error;
      fs::create_directories(options_.out, error);
      for (std::size_t at = 0; at < files.size(); ++at) {
        KB_TRY(crypto::write_file(files.at(at), requests.at(at), false));
      }
      return {};
    }();
    if (!done) {
      return console_.failed(done.error(), "no certification request was made");
    }
    console_.result({{"agreement", files[0].string()}, {"signature", files[1].string()}},
                    "Have {} and {} certified (kagibin authority certify-casd), then: kagibin "
                    "maker store-casd.",
                    files[0].string(), files[1].string());
    return cli::kExitOk;
  }

  int store_casd() {
    const auto done = [&]() -> Result<void> {
      std::vector<Bytes> certificates;
      for (const fs::path& file : options_.certificates) {
        const SecretBytes octets = KB_TRY(crypto::read_file(file));
        certificates.push_back(KB_TRY(pki::Certificate::decode(octets.expose())).encoded());
      }
      const auto card = KB_TRY(cli::open_card(options_.reader));
      return maker::store_casd_certificates(*card, certificates);
    }();
    if (!done) {
      return console_.failed(done.error(), "not all certificates are in the element");
    }
    console_.result({{"certificates", options_.certificates.size()}},
                    "{} certificates are in the element's CASD.", options_.certificates.size());
    return cli::kExitOk;
  }

 private:
  fs::path signing_certificate() const { return program_.home() / "maker.pem"; }

  Result<delivery::ShippedElement> certify_card() {
    const Bytes seid_octets = KB_TRY(cli::parse_hex(options_.seid, 16, 16));
    const Bytes hash_octets = KB_TRY(cli::parse_hex(options_.code_hash, 32, 32));
    delivery::ShippedElement shipped{.seid = KB_TRY(Seid::from(seid_octets)),
                                     .iin = KB_TRY(cli::parse_hex(options_.iin, 1, 16)),
                                     .cin = KB_TRY(cli::parse_hex(options_.cin, 1, 16)),
                                     .kda_certificate_sha256 = {}};
    crypto::Digest256 code_hash{};
    std::ranges::copy(hash_octets, code_hash.begin());
    const auto entries = cli::read_key_file(options_.domain_keys);
    if (!entries) {
      return std::unexpected(entries.error().error);
    }
    const auto entry = std::ranges::find_if(*entries, &cli::KeyFileEntry::is_set);
    if (entry == entries->end()) {
      return fail(Errc::kNotFound, "the key file has no set of enc, mac and dek");
    }
    const scp::Scp03KeySet keys = KB_TRY(scp::Scp03KeySet::create(
        entry->enc.duplicate(), entry->mac.duplicate(), entry->dek.duplicate()));
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    const auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase));
    maker::ElementMaker element_maker(KB_TRY(folder.identity()), clock_, rng_);
    const auto card = KB_TRY(cli::open_card(options_.reader));
    const pki::Certificate certificate =
        KB_TRY(element_maker.certify_kda(*card, keys, shipped.seid, code_hash, options_.days));
    shipped.kda_certificate_sha256 = certificate.fingerprint();
    const std::string list = KB_TRY(element_maker.sign_shipment(std::span(&shipped, 1)));
    KB_TRY(crypto::write_file(options_.shipment, ascii(list), false));
    return shipped;
  }

  Result<Seid> next_seid(int number) {
    if (!options_.seid.empty()) {
      const Bytes first = KB_TRY(cli::parse_hex(options_.seid, 16, 16));
      Seid seid = KB_TRY(Seid::from(first));
      unsigned carry = static_cast<unsigned>(number);
      for (std::size_t at = 16; at-- > 0 && carry != 0;) {
        carry += seid.octets[at];
        seid.octets[at] = static_cast<std::uint8_t>(carry & 0xFFU);
        carry >>= 8U;
      }
      return seid;
    }
    const std::array<std::uint8_t, 16> octets = KB_TRY(crypto::random_array<16>(rng_));
    return Seid{octets};
  }

  Result<maker::ElementPlan> plan_of(const Seid& seid) {
    maker::ElementPlan plan{.seid = seid,
                            .iin = KB_TRY(cli::parse_hex(options_.iin, 1, 16)),
                            .cin = Bytes(seid.octets.begin() + 6, seid.octets.end())};
    const std::uint8_t i = KB_TRY(cli::parse_octet(options_.i));
    plan.profile.scp03 = KB_TRY(scp::Scp03Parameter::from(i));
    if (!options_.scp11.empty()) {
      plan.profile.scp11 = options_.scp11 == "s16" ? scp::kScp11S16 : scp::kScp11S8;
    }
    plan.profile.channel_count = static_cast<std::uint8_t>(options_.channels);
    plan.profile.basic_channel_reserved = options_.reserve_basic_channel;
    plan.profile.diversification_data = KB_TRY(crypto::random_array<10>(rng_));
    return plan;
  }

  // The serial number is the end of the SEID.
  static Result<maker::ElementPlan> plan_of(const cli::ElementRecipe& recipe,
                                            const Seid& seid,
                                            ByteView authority_key) {
    const std::uint32_t serial = KB_TRY(ByteReader(seid.view().last(4)).u32());
    se::ElementProfile profile = KB_TRY(recipe.element(serial, authority_key));
    const bool has_issuer_keys =
        std::ranges::any_of(profile.key_sets, [&](const se::InitialKeySet& set) {
          return set.security_domain == profile.isd_aid &&
                 std::holds_alternative<scp::Scp03KeySet>(set.keys);
        });
    if (!has_issuer_keys) {
      return fail(Errc::kInvalidArgument,
                  "the manager needs SCP03 keys of the ISD: the profile has none");
    }
    Bytes iin = profile.iin;
    Bytes cin = profile.cin;
    return maker::ElementPlan{
        .seid = seid, .iin = std::move(iin), .cin = std::move(cin), .profile = std::move(profile)};
  }

  // What the controlling authority's own domain believes: the root that the maker was given.
  static Result<Bytes> authority_of(const maker::MakerIdentity& identity) {
    if (!identity.authority) {
      return fail(Errc::kState, "the maker has no certificate yet: kagibin maker install");
    }
    const auto point = identity.authority->point();
    return Bytes(point.begin(), point.end());
  }

  Result<void> make_all(const std::optional<cli::ElementRecipe>& recipe) {
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    const auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase));
    maker::ElementMaker element_maker(KB_TRY(folder.identity()), clock_, rng_);
    const Bytes authority = KB_TRY(authority_of(element_maker.identity()));
    const se::ModuleRegistry modules = KB_TRY(cli::standard_modules());
    const std::string manager_pem = KB_TRY(read_text(options_.manager));
    std::error_code error;
    fs::create_directories(options_.out, error);
    if (recipe && options_.seid.empty()) {
      // Serial numbers, the ends of SEIDs, must not meet: count on from a random one.
      options_.seid = KB_TRY(next_seid(0)).hex();
    }
    std::vector<delivery::ShippedElement> shipped;
    std::vector<delivery::KeyExport> issuer_keys;
    std::string code_hash;
    for (int number = 0; number < options_.count; ++number) {
      const Seid seid = KB_TRY(next_seid(number));
      const fs::path file = options_.out / (seid.hex() + ".nvm");
      maker::ElementPlan plan = KB_TRY(recipe ? plan_of(*recipe, seid, authority) : plan_of(seid));
      plan.certificate_days = options_.days;
      if (options_.casd) {
        const bool of_profile = plan.profile.casd && plan.profile.casd->mandated_dap;
        plan.profile.casd = se::InitialCasd{.authority_key = authority,
                                            .mandated_dap = options_.mandated_dap || of_profile};
      }
      auto medium = KB_TRY(se::NvmFile::open(file));
      auto made = KB_TRY(element_maker.make(std::move(plan), std::move(medium), modules));
      code_hash = to_hex(*made.certificate.fields().code_hash);
      shipped.push_back(made.shipped);
      issuer_keys.push_back(std::move(made.issuer_keys));
      if (options_.count > 1) {
        console_.progress("{}/{} {}", number + 1, options_.count, file.string());
      }
      console_.result({{"seid", seid.hex()},
                       {"state", file.string()},
                       {"iin", to_hex(shipped.back().iin)},
                       {"cin", to_hex(shipped.back().cin)},
                       {"kda_code_hash", code_hash}},
                      "{}: element {}, KDA code hash {}", file.string(), seid.hex(), code_hash);
    }
    const std::string list = KB_TRY(element_maker.sign_shipment(shipped));
    KB_TRY(crypto::write_file(options_.shipment, ascii(list), false));
    const SecretBytes keys = KB_TRY(delivery::encode_key_exports(issuer_keys));
    const std::string signing = KB_TRY(read_text(signing_certificate()));
    const Bytes sealed =
        KB_TRY(crypto::cms_seal(keys.expose(), element_maker.identity().key, signing, manager_pem));
    return crypto::write_file(options_.issuer_keys, sealed, false);
  }

  cli::Program& program_;
  Options& options_;
  cli::Console console_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program(
      "maker", "M: the element maker. It installs and certifies the key delivery application.");
  program.add_passphrase_option();
  Options options;
  const auto commands = [&] { return MakerCommands(program, options); };

  auto* init =
      program.app().add_subcommand("init", "make the maker's key and its certification request");
  init->add_option("--name", options.name, "1 to 16 characters")->capture_default_str();
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
  certify->add_option("--days", options.days, "validity of CERT.KDA")
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
  requests->callback([&] { program.finish(commands().casd_requests()); });

  auto* store = program.app().add_subcommand("store-casd",
                                             "store the certificates of an element's CASD in it");
  add_reader(store);
  store->add_option("certificates", options.certificates, "from kagibin authority certify-casd")
      ->required()
      ->check(CLI::ExistingFile);
  store->callback([&] { program.finish(commands().store_casd()); });
  return program.run(argc, argv);
}
