// SPDX-License-Identifier: Apache-2.0
// The element maker on disk: FOLDER/keys (encrypted records: name, SK.EUM or its place in a token),
// FOLDER/request.kbq (for the controlling authority), FOLDER/maker.cert (CERT.EUM) and
// FOLDER/authority.point (the root that elements are given).
//
// A provider's domain waits for CERT.SD: until that is stored in it, the record
// "domain.<SEID>.<AID>.<KVN of SK.SD.ECKA>" holds the domain's first key set, and
// "asked.<SEID>.<AID>" the request E6 that the certificate has to answer.
//
//   MakerFolder folder = KB_TRY(MakerFolder::open("maker", passphrase));
//   ElementMaker maker(KB_TRY(folder.identity()), clock, rng);
#pragma once

#include <filesystem>
#include <string_view>

#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/pki/domain_key_request.h"
#include "kagibin/roles/element_maker/maker.h"

namespace kagibin::roles::element_maker {

struct WaitingDomain {
  delivery::KeyExport keys;  // its first key set
  std::uint8_t agreement_key_version = 0;
  pki::DomainKeyRequest asked;

  // kUntrusted unless this CERT.SD is of the key, element, domain and owner that were asked for,
  // on this maker's word.
  Result<void> check(const pki::Certificate& certificate) const;
};

class MakerFolder {
 public:
  // Makes SK.EUM, where `place` says, and writes the request. kConflict when there is a maker
  // already.
  static Result<MakerFolder> create(const std::filesystem::path& folder,
                                    const SecretBytes& passphrase,
                                    std::string_view name,
                                    crypto::Rng& rng,
                                    crypto::ScryptCost cost = {},
                                    const crypto::KeyPlace& place = {},
                                    crypto::KeyTokens* tokens = nullptr);
  // `tokens` outlives the folder and the identity; it is needed where SK.EUM is in a token.
  static Result<MakerFolder> open(const std::filesystem::path& folder,
                                  const SecretBytes& passphrase,
                                  crypto::KeyTokens* tokens = nullptr);

  // With certificate and root when they were installed.
  Result<MakerIdentity> identity();
  // Checks and keeps what the controlling authority sent: CERT.EUM, and the root it is under.
  Result<void> install(const pki::Certificate& certificate, const crypto::EcPublicKey& root);

  Result<void> keep_domain(const MadeDomain& domain, crypto::Rng& rng);
  // kNotFound when no such domain of the element waits.
  Result<WaitingDomain> waiting_domain(const Seid& element, const Aid& domain) const;
  Result<void> forget_domain(const WaitingDomain& domain);

  static std::filesystem::path request_file(const std::filesystem::path& folder);

 private:
  MakerFolder(std::filesystem::path folder, crypto::RecordFolder records, crypto::KeyTokens* tokens)
      : folder_(std::move(folder)), records_(std::move(records)), tokens_(tokens) {}

  std::filesystem::path folder_;
  crypto::RecordFolder records_;
  crypto::KeyTokens* tokens_;
};

}  // namespace kagibin::roles::element_maker
