// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "kagibin/base/byte_io.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/maker/maker_commands.h"
#include "kagibin/cli/se/standard_modules.h"
#include "kagibin/crypto/cms.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/se/nvm/nvm_file.h"

namespace kagibin::cli {

namespace maker = roles::element_maker;
namespace fs = std::filesystem;

int MakerCommands::make() {
  if (!options_.domain.empty() && !options_.own_delivery && options_.domain_requests.empty()) {
    return console_.failed_text(Errc::kInvalidArgument, "no element was made",
                                "--domain needs --domain-requests, or --own-delivery.");
  }
  std::optional<ElementRecipe> recipe;
  if (!options_.files.profile.empty()) {
    auto opened = open_recipe(options_.files, rng_);
    if (!opened) {
      return console_.failed_text(opened.error().code, "no element was made", opened.error().text);
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
  return kExitOk;
}

Result<Seid> MakerCommands::next_seid(int number) {
  if (!options_.seid.empty()) {
    const Bytes first = KB_TRY(parse_hex(options_.seid, 16, 16));
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

Result<maker::ElementPlan> MakerCommands::plan_of(const Seid& seid) {
  maker::ElementPlan plan{.seid = seid,
                          .iin = KB_TRY(parse_hex(options_.iin, 1, 16)),
                          .cin = Bytes(seid.octets.begin() + 6, seid.octets.end())};
  const std::uint8_t i = KB_TRY(parse_octet(options_.i));
  plan.profile.scp03 = KB_TRY(scp::Scp03Parameter::from(i));
  if (!options_.scp11.empty()) {
    plan.profile.scp11 = options_.scp11 == "s16" ? scp::kScp11S16 : scp::kScp11S8;
  }
  plan.profile.channel_count = static_cast<std::uint8_t>(options_.channels);
  plan.profile.basic_channel_reserved = options_.reserve_basic_channel;
  plan.profile.diversification_data = KB_TRY(crypto::random_array<10>(rng_));
  return plan;
}

Result<maker::ElementPlan> MakerCommands::plan_of(const ElementRecipe& recipe,
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

Result<void> MakerCommands::add_domain(Plan& plan) const {
  const Bytes owner = KB_TRY(parse_hex(options_.owner, 16, 16));
  plan.domains.push_back({.aid = KB_TRY(Aid::from_hex(options_.domain)),
                          .owner = Spid{*to_array<16>(owner)},
                          .own_delivery = options_.own_delivery});
  return {};
}

Result<fs::path> MakerCommands::keep_domain(maker::MakerFolder& folder,
                                            const Seid& seid,
                                            const maker::MadeDomain& domain) {
  KB_TRY(folder.keep_domain(domain, rng_));
  fs::path file = options_.domain_requests / (seid.hex() + ".kbq");
  KB_TRY(crypto::write_file(file, domain.request, false));
  return file;
}

Result<Bytes> MakerCommands::authority_of(const maker::MakerIdentity& identity) {
  if (!identity.authority) {
    return fail(Errc::kState, "the maker has no certificate yet: kagibin maker install");
  }
  const auto point = identity.authority->point();
  return Bytes(point.begin(), point.end());
}

Result<void> MakerCommands::make_all(const std::optional<ElementRecipe>& recipe) {
  const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
  auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase, tokens_.get()));
  maker::ElementMaker element_maker(KB_TRY(folder.identity()), clock_, rng_);
  const Bytes authority = KB_TRY(authority_of(element_maker.identity()));
  const se::ModuleRegistry modules = KB_TRY(standard_modules());
  const std::string manager_pem = KB_TRY(crypto::read_text_file(options_.manager));
  std::error_code error;
  fs::create_directories(options_.out, error);
  if (!options_.domain_requests.empty()) {
    fs::create_directories(options_.domain_requests, error);
  }
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
    plan.with_kda = !options_.without_kda;
    if (!options_.domain.empty()) {
      KB_TRY(add_domain(plan));
    }
    if (options_.casd) {
      const bool of_profile = plan.profile.casd && plan.profile.casd->mandated_dap;
      plan.profile.casd = se::InitialCasd{.authority_key = authority,
                                          .mandated_dap = options_.mandated_dap || of_profile};
    }
    auto medium = KB_TRY(se::NvmFile::open(file));
    auto made = KB_TRY(element_maker.make(std::move(plan), std::move(medium), modules));
    code_hash = to_hex(made.kda_code_hash);
    shipped.push_back(made.shipped);
    issuer_keys.push_back(std::move(made.issuer_keys));
    boost::json::object said{{"seid", seid.hex()},
                             {"state", file.string()},
                             {"iin", to_hex(shipped.back().iin)},
                             {"cin", to_hex(shipped.back().cin)},
                             {"kda_code_hash", code_hash}};
    for (maker::MadeDomain& domain : made.domains) {
      const fs::path request = KB_TRY(keep_domain(folder, seid, domain));
      said["domain_request"] = request.string();
      issuer_keys.push_back(std::move(domain.keys));
    }
    if (options_.count > 1) {
      console_.progress("{}/{} {}", number + 1, options_.count, file.string());
    }
    std::string own_delivery;
    if (made.own_delivery_code_hash) {
      const std::string own_hash = to_hex(*made.own_delivery_code_hash);
      said["own_delivery_code_hash"] = own_hash;
      own_delivery = fmt::format(", own delivery code hash {}", own_hash);
    }
    console_.result(said, "{}: element {}, KDA code hash {}{}", file.string(), seid.hex(),
                    code_hash, own_delivery);
  }
  const std::string list = KB_TRY(element_maker.sign_shipment(shipped));
  KB_TRY(crypto::write_file(options_.shipment, ascii(list), false));
  const SecretBytes keys = KB_TRY(delivery::encode_key_exports(issuer_keys));
  const std::string signing = KB_TRY(crypto::read_text_file(signing_certificate()));
  const Bytes sealed =
      KB_TRY(crypto::cms_seal(keys.expose(), element_maker.identity().key, signing, manager_pem));
  return crypto::write_file(options_.issuer_keys, sealed, false);
}

}  // namespace kagibin::cli
