// SPDX-License-Identifier: Apache-2.0
// The controlling authority on disk: FOLDER/keys (encrypted records: root and successor, or their
// places in a token; name, number of the last root statement), FOLDER/roots.pem (what others pin,
// pki/anchor_file.h) and FOLDER/issuance.log.
//
// The folder is meant for a machine without a network. Ownership: the folder keeps the keys and the
// log; the Authority that authority() makes refers to it and to the clock and randomness given.
// Thread-safety: one thread, one process.
//
//   AuthorityFolder folder = KB_TRY(AuthorityFolder::open("auth", passphrase));
//   Authority authority = KB_TRY(folder.authority(clock, rng));
//   ... authority.prepare_successor() ...
//   KB_TRY(folder.save(authority, rng));
#pragma once

#include <filesystem>
#include <string_view>

#include "kagibin/crypto/held_key/held_keys.h"
#include "kagibin/crypto/record/record_folder.h"
#include "kagibin/roles/controlling_authority/authority.h"

namespace kagibin::roles::controlling_authority {

class AuthorityFolder {
 public:
  // Makes the root key, where `place` says. kConflict when the folder holds an authority already.
  static Result<AuthorityFolder> create(const std::filesystem::path& folder,
                                        const SecretBytes& passphrase,
                                        std::string_view name,
                                        crypto::Rng& rng,
                                        crypto::ScryptCost cost = {},
                                        const crypto::KeyPlace& place = {},
                                        crypto::KeyTokens* tokens = nullptr);
  // `tokens` outlives the folder and the Authority; it is needed where a root is in a token.
  static Result<AuthorityFolder> open(const std::filesystem::path& folder,
                                      const SecretBytes& passphrase,
                                      crypto::KeyTokens* tokens = nullptr);

  Result<Authority> authority(const Clock& clock, crypto::Rng& rng);
  // Writes the keys and roots.pem after prepare_successor() or adopt_successor().
  Result<void> save(const Authority& authority, crypto::Rng& rng);

  // The number for the next statement of a root, from 1; taken for good when this returns, so that
  // no two statements have the same one. A gap does no harm. kLimit when none is left.
  Result<std::uint32_t> take_root_number(crypto::Rng& rng);

  static std::filesystem::path roots_file(const std::filesystem::path& folder);

 private:
  AuthorityFolder(std::filesystem::path folder,
                  crypto::RecordFolder records,
                  FileIssuanceLog log,
                  crypto::KeyTokens* tokens)
      : folder_(std::move(folder)),
        records_(std::move(records)),
        log_(std::move(log)),
        tokens_(tokens) {}
  Result<void> save_keys(const RootKeys& keys, crypto::Rng& rng);

  std::filesystem::path folder_;
  crypto::RecordFolder records_;
  FileIssuanceLog log_;
  crypto::KeyTokens* tokens_;
};

}  // namespace kagibin::roles::controlling_authority
