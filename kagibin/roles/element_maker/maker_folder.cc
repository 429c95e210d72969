// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/element_maker/maker_folder.h"

#include <algorithm>

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

}  // namespace

std::filesystem::path MakerFolder::request_file(const std::filesystem::path& folder) {
  return folder / "request.kbq";
}

Result<MakerFolder> MakerFolder::create(const std::filesystem::path& folder,
                                        const SecretBytes& passphrase,
                                        std::string_view name,
                                        crypto::Rng& rng,
                                        crypto::ScryptCost cost) {
  const MakerIdentity identity = KB_TRY(MakerIdentity::create(name, rng));
  MakerFolder out(folder,
                  KB_TRY(crypto::RecordFolder::create(folder / "keys", passphrase, rng, cost)));
  KB_TRY(out.records_.put(kName, ascii(name), rng));
  KB_TRY(out.records_.put(kKey, identity.key.expose_scalar(), rng));
  const Bytes request = KB_TRY(identity.request(rng));
  KB_TRY(crypto::write_file(request_file(folder), request, false));
  return out;
}

Result<MakerFolder> MakerFolder::open(const std::filesystem::path& folder,
                                      const SecretBytes& passphrase) {
  return MakerFolder(folder, KB_TRY(crypto::RecordFolder::open(folder / "keys", passphrase)));
}

Result<MakerIdentity> MakerFolder::identity() const {
  const SecretBytes name = KB_TRY(records_.get(kName));
  const SecretBytes scalar = KB_TRY(records_.get(kKey));
  MakerIdentity out{.key = KB_TRY(crypto::EcPrivateKey::from_scalar(scalar.expose()))};
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

}  // namespace kagibin::roles::element_maker
