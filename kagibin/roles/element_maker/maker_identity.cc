// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "kagibin/pki/certification_request.h"
#include "kagibin/pki/chain.h"
#include "kagibin/roles/element_maker/maker.h"

namespace kagibin::roles::element_maker {

Result<MakerIdentity> MakerIdentity::create(std::string_view name, crypto::Rng& rng) {
  return create(name, KB_TRY(crypto::EcPrivateKey::generate(rng)));
}

Result<MakerIdentity> MakerIdentity::create(std::string_view name, crypto::SigningKey key) {
  if (name.empty() || name.size() > 16) {
    return fail(Errc::kInvalidArgument, "a maker's name has 1 to 16 characters");
  }
  MakerIdentity out{.key = std::move(key)};
  std::ranges::copy(ascii(name), out.name.begin());
  return out;
}

Result<Bytes> MakerIdentity::request(crypto::Rng& rng) const {
  return pki::sign_certification_request(pki::CertificateKind::kMaker, name, key, rng);
}

Result<void> MakerIdentity::adopt(pki::Certificate issued, const crypto::EcPublicKey& root) {
  const pki::CertificateFields& fields = issued.fields();
  if (fields.subject != name || issued.key() != key.public_key()) {
    return fail(Errc::kUntrusted, "the certificate is for another maker or another key");
  }
  KB_TRY(pki::verify_under_root({.roots = {root}}, issued, pki::CertificateKind::kMaker,
                                fields.effective));
  certificate = std::move(issued);
  authority = root;
  return {};
}

std::string MakerIdentity::name_text() const {
  const auto end = std::ranges::find(name, std::uint8_t{0});
  return {name.begin(), end};
}

}  // namespace kagibin::roles::element_maker
