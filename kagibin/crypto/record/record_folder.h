// SPDX-License-Identifier: Apache-2.0
// A folder of encrypted records (sealed_record.h), one file a record, for the roles that hold
// secrets: mode 0700, files NAME.kbr of mode 0600, all under one passphrase.
//
// A record's label is its name, so that files cannot be swapped. Writes are durable and atomic
// (key_file.h). The record "folder" is made by create(); opening it tells a wrong passphrase from a
// damaged record. Limits: names of 1 to 120 characters out of a-z A-Z 0-9 _ - . and not beginning
// with a dot. Thread-safety: one thread.
//
//   RecordFolder records = KB_TRY(RecordFolder::open(path, passphrase));
//   KB_TRY(records.put("signing_key", key.expose_scalar(), rng));
//   const SecretBytes scalar = KB_TRY(records.get("signing_key"));
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"
#include "kagibin/crypto/record/sealed_record.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::crypto {

class RecordFolder {
 public:
  // kConflict when the folder holds records already.
  static Result<RecordFolder> create(const std::filesystem::path& folder,
                                     const SecretBytes& passphrase,
                                     Rng& rng,
                                     ScryptCost cost = {});
  // kNotFound when there is no such folder of records, kAuthentication for a wrong passphrase.
  static Result<RecordFolder> open(const std::filesystem::path& folder,
                                   const SecretBytes& passphrase);

  // Writes the record, over an older one of this name. kInvalidArgument for a bad name.
  Result<void> put(std::string_view name, ByteView secret, Rng& rng);
  // The same, but kConflict when there is a record of this name.
  Result<void> put_new(std::string_view name, ByteView secret, Rng& rng);
  // kNotFound, kAuthentication.
  Result<SecretBytes> get(std::string_view name) const;
  bool contains(std::string_view name) const;
  Result<void> erase(std::string_view name);
  // Names that begin with `prefix`, in order.
  Result<std::vector<std::string>> names(std::string_view prefix) const;

  // For secrets that rest elsewhere (journal rows): sealed under the same key.
  Result<Bytes> seal(std::string_view label, ByteView secret, Rng& rng) const {
    return key_.seal(label, secret, rng);
  }
  Result<SecretBytes> unseal(std::string_view label, ByteView record) const {
    return key_.open(label, record);
  }

  const std::filesystem::path& path() const { return folder_; }

 private:
  RecordFolder(std::filesystem::path folder, RecordKey key)
      : folder_(std::move(folder)), key_(std::move(key)) {}
  std::filesystem::path file_of(std::string_view name) const;

  std::filesystem::path folder_;
  RecordKey key_;
};

}  // namespace kagibin::crypto
