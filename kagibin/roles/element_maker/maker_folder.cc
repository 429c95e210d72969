// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/maker_folder.h"

#include <algorithm>
#include <span>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::roles::element_maker {
namespace {

constexpr std::string_view kName = "name";
constexpr std::string_view kKey = "signing_key";

std::filesystem::path certificate_file(const std::filesystem::path& folder) {
  return folder / "maker.cert";
}
std::filesystem::path authority_file(const std::filesystem::path& folder) {
  return folder / "authority.point";
}

std::string name_of(const Seid& element, const Aid& domain) {
  return element.hex() + "." + domain.hex();
}
std::string asked_record(const Seid& element, const Aid& domain) {
  return "asked." + name_of(element, domain);
}
std::string records_of(const Seid& element, const Aid& domain) {
  return "domain." + name_of(element, domain) + ".";
}
std::string record_of(const Seid& element, const Aid& domain, std::uint8_t agreement_key_version) {
  return records_of(element, domain) + to_hex(ByteView(&agreement_key_version, 1));
}

}  // namespace

std::filesystem::path MakerFolder::request_file(const std::filesystem::path& folder) {
  return folder / "request.kbq";
}

Result<MakerFolder> MakerFolder::create(const std::filesystem::path& folder,
                                        const SecretBytes& passphrase,
                                        std::string_view name,
                                        crypto::Rng& rng,
                                        crypto::ScryptCost cost,
                                        const crypto::KeyPlace& place,
                                        crypto::KeyTokens* tokens) {
  if (std::filesystem::exists(folder / "keys")) {
    return fail(Errc::kConflict, "the folder holds a maker already, which is left as it is");
  }
  crypto::Founding made(tokens);
  crypto::SigningKey key = KB_TRY(crypto::new_signing_key(place, tokens, rng));
  made.note_key(place);
  const MakerIdentity identity = KB_TRY(MakerIdentity::create(name, std::move(key)));
  MakerFolder out(
      folder, KB_TRY(crypto::RecordFolder::create(folder / "keys", passphrase, rng, cost)), tokens);
  made.note_folder(folder / "keys");
  KB_TRY(out.records_.put(kName, ascii(name), rng));
  KB_TRY(crypto::HeldKeys(out.records_, tokens).put(kKey, identity.key, rng));
  const Bytes request = KB_TRY(identity.request(rng));
  KB_TRY(crypto::write_file(request_file(folder), request, false));
  made.keep();
  return out;
}

Result<MakerFolder> MakerFolder::open(const std::filesystem::path& folder,
                                      const SecretBytes& passphrase,
                                      crypto::KeyTokens* tokens) {
  return MakerFolder(folder, KB_TRY(crypto::RecordFolder::open(folder / "keys", passphrase)),
                     tokens);
}

Result<MakerIdentity> MakerFolder::identity() {
  const SecretBytes name = KB_TRY(records_.get(kName));
  MakerIdentity out{.key = KB_TRY(crypto::HeldKeys(records_, tokens_).signing_key(kKey))};
  std::ranges::copy(name.expose(), out.name.begin());
  const auto certificate = crypto::read_file(certificate_file(folder_));
  if (!certificate && certificate.error().code == Errc::kNotFound) {
    return out;
  }
  if (!certificate) {
    return std::unexpected(certificate.error());
  }
  const SecretBytes point = KB_TRY(crypto::read_file(authority_file(folder_)));
  const auto root = KB_TRY(crypto::EcPublicKey::from_point(point.expose()));
  const auto own = KB_TRY(pki::Certificate::decode(certificate->expose()));
  KB_TRY(out.adopt(own, root));
  return out;
}

Result<void> MakerFolder::install(const pki::Certificate& certificate,
                                  const crypto::EcPublicKey& root) {
  MakerIdentity mine = KB_TRY(identity());
  KB_TRY(mine.adopt(certificate, root));
  KB_TRY(crypto::write_file(authority_file(folder_), root.point(), false));
  return crypto::write_file(certificate_file(folder_), certificate.encoded(), false);
}

Result<void> WaitingDomain::check(const pki::Certificate& certificate) const {
  const pki::CertificateFields& fields = certificate.fields();
  const pki::DomainKey& made = asked.made();
  const bool fits = fields.kind == pki::CertificateKind::kSecurityDomain &&
                    fields.subject == made.element.octets && fields.aids.size() == 1 &&
                    equal(fields.aids.front(), made.domain.view()) && fields.owner == made.owner &&
                    fields.maker_key == asked.maker().key_hash() && certificate.key() == made.key;
  if (!fits) {
    return fail(Errc::kUntrusted,
                "the certificate is of another key, element, domain, owner or maker than the one "
                "that was asked for");
  }
  return {};
}

// The request first: what names the domain waits only with all that it needs.
Result<void> MakerFolder::keep_domain(const MadeDomain& domain, crypto::Rng& rng) {
  const auto request = KB_TRY(pki::DomainKeyRequest::decode(domain.request));
  const pki::DomainKey& made = request.made();
  KB_TRY(records_.put(asked_record(made.element, made.domain), domain.request, rng));
  const SecretBytes octets = KB_TRY(delivery::encode_key_exports(std::span(&domain.keys, 1)));
  return records_.put(record_of(made.element, made.domain, made.key_version), octets.expose(), rng);
}

Result<WaitingDomain> MakerFolder::waiting_domain(const Seid& element, const Aid& domain) const {
  const std::string prefix = records_of(element, domain);
  const std::vector<std::string> names = KB_TRY(records_.names(prefix));
  if (names.empty()) {
    return fail(Errc::kNotFound, "no such domain of this element waits for its certificate");
  }
  const SecretBytes octets = KB_TRY(records_.get(names.front()));
  auto keys = KB_TRY(delivery::decode_key_exports(octets.expose()));
  const auto version = from_hex(names.front().substr(prefix.size()));
  const SecretBytes request = KB_TRY(records_.get(asked_record(element, domain)));
  if (keys.size() != 1 || !version || version->size() != 1) {
    return fail(Errc::kEncoding, "the maker's record of the domain is damaged");
  }
  return WaitingDomain{.keys = std::move(keys.front()),
                       .agreement_key_version = version->front(),
                       .asked = KB_TRY(pki::DomainKeyRequest::decode(request.expose()))};
}

Result<void> MakerFolder::forget_domain(const WaitingDomain& domain) {
  const pki::DomainKey& made = domain.asked.made();
  KB_TRY(records_.erase(record_of(made.element, made.domain, made.key_version)));
  return records_.erase(asked_record(made.element, made.domain));
}

}  // namespace kagibin::roles::element_maker
