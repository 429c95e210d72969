// SPDX-License-Identifier: Apache-2.0
// The tokens of the demo's SoftHSM for the examiner, who reads their files with the roles' PINs:
// keys in them open as keys in memory (token_file.h). Makes none and erases none.
//
// Every call reads the files anew. Ownership: refers to the site. Thread-safety: one thread.
//
//   ExaminersTokens tokens(site);
//   const SecretBytes scalar = KB_TRY(tokens.value(uri));
#pragma once

#include <string_view>

#include "kagibin/cli/demo/site.h"
#include "kagibin/crypto/held_key/key_tokens.h"

namespace kagibin::cli::demo {

class ExaminersTokens final : public crypto::KeyTokens {
 public:
  explicit ExaminersTokens(const Site& site) : site_(site) {}

  // kNotFound; of a site whose keys are records: kNotSupported.
  Result<SecretBytes> value(std::string_view uri) const;

  Result<crypto::SigningKey> signing_key(std::string_view uri) override;
  Result<crypto::AgreementKey> agreement_key(std::string_view uri) override;
  Result<crypto::DerivationKey> derivation_key(std::string_view uri) override;
  Result<crypto::SigningKey> generate_signing_key(std::string_view uri) override;
  Result<crypto::AgreementKey> generate_agreement_key(std::string_view uri) override;
  Result<crypto::AgreementKey> generate_exchange_key(std::string_view uri) override;
  Result<crypto::DerivationKey> generate_derivation_key(std::string_view uri,
                                                        std::size_t size) override;
  Result<crypto::DerivationKey> put_derivation_key(std::string_view uri,
                                                   const SecretBytes& key) override;
  Result<crypto::DerivationKey> generate_wrappable_master_key(std::string_view uri,
                                                              std::size_t size) override;
  Result<crypto::LongCheckValue> generate_wrap_only_key(std::string_view uri,
                                                        std::size_t size) override;
  Result<crypto::LongCheckValue> put_wrap_only_key(std::string_view uri,
                                                   const SecretBytes& key) override;
  Result<crypto::LongCheckValue> check_value(const crypto::KeyInToken& key) override;
  Result<crypto::SealedInToken> seal(const crypto::JoinedPlaintext& plaintext,
                                     const crypto::EcPublicKey& recipient,
                                     std::size_t key_size,
                                     const crypto::SealingContext& context) override;
  Result<void> reach(std::string_view uri) override;
  Result<bool> in_one_token(std::string_view uri, std::string_view other) override;
  Result<void> erase(std::string_view uri) override;

 private:
  const Site& site_;
};

}  // namespace kagibin::cli::demo
