// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kagibin/apdu/channel_link.h"
#include "kagibin/cli/console/hex_option.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/gp/input/key_file.h"
#include "kagibin/cli/maker/maker_commands.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/pki/chain.h"
#include "kagibin/roles/element_maker/casd_certification.h"
#include "kagibin/roles/element_maker/domain_certification.h"

namespace kagibin::cli {

namespace maker = roles::element_maker;
namespace fs = std::filesystem;

int MakerCommands::certify() {
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
  return kExitOk;
}

Result<delivery::ShippedElement> MakerCommands::certify_card() {
  const Bytes seid_octets = KB_TRY(parse_hex(options_.seid, 16, 16));
  const Bytes hash_octets = KB_TRY(parse_hex(options_.code_hash, 32, 32));
  delivery::ShippedElement shipped{.seid = KB_TRY(Seid::from(seid_octets)),
                                   .iin = KB_TRY(parse_hex(options_.iin, 1, 16)),
                                   .cin = KB_TRY(parse_hex(options_.cin, 1, 16))};
  crypto::Digest256 code_hash{};
  std::ranges::copy(hash_octets, code_hash.begin());
  const auto entries = read_key_file(options_.domain_keys);
  if (!entries) {
    return std::unexpected(entries.error().error);
  }
  const auto entry = std::ranges::find_if(*entries, &KeyFileEntry::is_set);
  if (entry == entries->end()) {
    return fail(Errc::kNotFound, "the key file has no set of enc, mac and dek");
  }
  const scp::Scp03KeySet keys = KB_TRY(scp::Scp03KeySet::create(
      entry->enc.duplicate(), entry->mac.duplicate(), entry->dek.duplicate()));
  const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
  auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase, tokens_.get()));
  maker::ElementMaker element_maker(KB_TRY(folder.identity()), clock_, rng_);
  const auto card = KB_TRY(open_card(options_.reader));
  const pki::Certificate certificate = KB_TRY(element_maker.certify_kda(
      *card, keys, shipped.seid, code_hash, options_.days, options_.host_certificate));
  shipped.kda_certificate_sha256 = certificate.fingerprint();
  const std::string list = KB_TRY(element_maker.sign_shipment(std::span(&shipped, 1)));
  KB_TRY(crypto::write_file(options_.shipment, ascii(list), false));
  return shipped;
}

int MakerCommands::casd_requests() {
  const std::array<fs::path, 2> files = {options_.out / "agreement.kbq",
                                         options_.out / "signature.kbq"};
  const auto done = [&]() -> Result<void> {
    const Bytes octets = KB_TRY(parse_hex(options_.seid, 16, 16));
    const Seid seid = KB_TRY(Seid::from(octets));
    const auto card = KB_TRY(open_card(options_.reader));
    const std::vector<Bytes> requests = KB_TRY(maker::casd_requests(*card, seid));
    std::error_code error;
    fs::create_directories(options_.out, error);
    for (std::size_t at = 0; at < files.size(); ++at) {
      KB_TRY(crypto::write_file(files.at(at), requests.at(at), false));
    }
    return options_.shipment.empty() ? Result<void>{} : ship_casd(seid, requests);
  }();
  if (!done) {
    return console_.failed(done.error(), "no certification request was made");
  }
  console_.result({{"agreement", files[0].string()}, {"signature", files[1].string()}},
                  "Have {} and {} certified (kagibin authority certify-casd), then: kagibin "
                  "maker store-casd.",
                  files[0].string(), files[1].string());
  return kExitOk;
}

Result<void> MakerCommands::ship_casd(const Seid& seid, std::span<const Bytes> requests) {
  const delivery::ShippedElement shipped{.seid = seid,
                                         .iin = KB_TRY(parse_hex(options_.iin, 1, 16)),
                                         .cin = KB_TRY(parse_hex(options_.cin, 1, 16)),
                                         .casd = KB_TRY(maker::shipped_casd(requests))};
  const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
  auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase, tokens_.get()));
  maker::ElementMaker element_maker(KB_TRY(folder.identity()), clock_, rng_);
  const std::string list = KB_TRY(element_maker.sign_shipment(std::span(&shipped, 1)));
  return crypto::write_file(options_.shipment, ascii(list), false);
}

int MakerCommands::store_casd() {
  const auto done = [&]() -> Result<void> {
    std::vector<Bytes> certificates;
    for (const fs::path& file : options_.certificates) {
      const SecretBytes octets = KB_TRY(crypto::read_file(file));
      certificates.push_back(KB_TRY(pki::Certificate::decode(octets.expose())).encoded());
    }
    const auto card = KB_TRY(open_card(options_.reader));
    return maker::store_casd_certificates(*card, certificates);
  }();
  if (!done) {
    return console_.failed(done.error(), "not all certificates are in the element");
  }
  console_.result({{"certificates", options_.certificates.size()}},
                  "{} certificates are in the element's CASD.", options_.certificates.size());
  return kExitOk;
}

int MakerCommands::store_domain() {
  const auto done = [&]() -> Result<std::pair<Seid, Aid>> {
    const SecretBytes octets = KB_TRY(crypto::read_file(options_.certificate));
    const auto certificate = KB_TRY(pki::Certificate::decode(octets.expose()));
    const SecretBytes passphrase = KB_TRY(program_.passphrase(false));
    auto folder = KB_TRY(maker::MakerFolder::open(program_.home(), passphrase, tokens_.get()));
    const maker::MakerIdentity identity = KB_TRY(folder.identity());
    if (!identity.authority) {
      return fail(Errc::kState, "the maker has no certificate yet: kagibin maker install");
    }
    pki::TrustAnchors anchors;
    anchors.roots.push_back(*identity.authority);
    KB_TRY(pki::verify_under_root(anchors, certificate, pki::CertificateKind::kSecurityDomain,
                                  pki::CertificateDate::from_unix(clock_.now())));
    const Seid seid{certificate.fields().subject};
    const Aid aid = KB_TRY(Aid::from(certificate.fields().aids.front()));
    const maker::WaitingDomain domain = KB_TRY(folder.waiting_domain(seid, aid));
    KB_TRY(domain.check(certificate));
    const auto card = KB_TRY(open_card(options_.reader));
    const auto channel = KB_TRY(apdu::ChannelLink::open(*card));
    KB_TRY(maker::store_domain_certificate(*channel, domain.keys, domain.agreement_key_version,
                                           certificate.encoded(), rng_));
    KB_TRY(folder.forget_domain(domain));
    return std::pair{seid, aid};
  }();
  if (!done) {
    return console_.failed(done.error(), "the certificate is not in the domain");
  }
  console_.result({{"seid", done->first.hex()}, {"security_domain", done->second.hex()}},
                  "Domain {} of element {} tells its certificate; its keys were forgotten here.",
                  done->second.hex(), done->first.hex());
  return kExitOk;
}

}  // namespace kagibin::cli
