// SPDX-License-Identifier: Apache-2.0
// The element maker on disk: FOLDER/keys (encrypted records: name, SK.EUM), FOLDER/request.kbq (for
// the controlling authority), FOLDER/maker.cert (CERT.EUM) and FOLDER/authority.point (the root
// that elements are given).
//
//   MakerFolder folder = KB_TRY(MakerFolder::open("maker", passphrase));
//   ElementMaker maker(KB_TRY(folder.identity()), clock, rng);
#pragma once

#include <filesystem>
#include <string_view>

#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/roles/element_maker/maker.h"

namespace kagibin::roles::element_maker {

class MakerFolder {
 public:
  // Makes SK.EUM and writes the request. kConflict when there is a maker already.
  static Result<MakerFolder> create(const std::filesystem::path& folder,
                                    const SecretBytes& passphrase,
                                    std::string_view name,
                                    crypto::Rng& rng,
                                    crypto::ScryptCost cost = {});
  static Result<MakerFolder> open(const std::filesystem::path& folder,
                                  const SecretBytes& passphrase);

  // With certificate and root when they were installed.
  Result<MakerIdentity> identity() const;
  // Checks and keeps what the controlling authority sent: CERT.EUM, and the root it is under.
  Result<void> install(const pki::Certificate& certificate, const crypto::EcPublicKey& root);

  static std::filesystem::path request_file(const std::filesystem::path& folder);

 private:
  MakerFolder(std::filesystem::path folder, crypto::RecordFolder records)
      : folder_(std::move(folder)), records_(std::move(records)) {}

  std::filesystem::path folder_;
  crypto::RecordFolder records_;
};

}  // namespace kagibin::roles::element_maker
