// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/record/record_folder.h"

#include <algorithm>
#include <system_error>

#include "kagibin/crypto/key_file/key_file.h"

namespace kagibin::crypto {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolderRecord = "folder";
constexpr std::string_view kSuffix = ".kbr";
constexpr std::size_t kMaxName = 120;

bool is_name(std::string_view name) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

}  // namespace

Result<RecordFolder> RecordFolder::create(const fs::path& folder,
                                          const SecretBytes& passphrase,
                                          Rng& rng,
                                          ScryptCost cost) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return fail(Errc::kIo, "the folder for encrypted records cannot be made");
  }
  fs::permissions(folder, fs::perms::owner_all, error);
  if (error) {
    return fail(Errc::kIo, "the folder for encrypted records cannot be closed to others");
  }
  RecordFolder out(folder, KB_TRY(RecordKey::create(passphrase, rng, cost)));
  KB_TRY(out.put_new(kFolderRecord, ascii(kFolderRecord), rng));
  return out;
}

Result<RecordFolder> RecordFolder::open(const fs::path& folder, const SecretBytes& passphrase) {
  const SecretBytes record =
      KB_TRY(read_file(folder / (std::string(kFolderRecord).append(kSuffix))));
  RecordFolder out(folder, KB_TRY(RecordKey::for_record(passphrase, record.expose())));
  KB_TRY(out.get(kFolderRecord));
  return out;
}

fs::path RecordFolder::file_of(std::string_view name) const {
  return folder_ / std::string(name).append(kSuffix);
}

Result<void> RecordFolder::put(std::string_view name, ByteView secret, Rng& rng) {
  if (!is_name(name)) {
    return fail(Errc::kInvalidArgument,
                "the name of a record has 1 to 120 letters, digits, dots, dashes or underscores");
  }
  const Bytes record = KB_TRY(key_.seal(name, secret, rng));
  return write_file(file_of(name), record, true);
}

Result<void> RecordFolder::put_new(std::string_view name, ByteView secret, Rng& rng) {
  if (is_name(name) && contains(name)) {
    return fail(Errc::kConflict, "a record of this name exists already and is kept as it is");
  }
  return put(name, secret, rng);
}

Result<SecretBytes> RecordFolder::get(std::string_view name) const {
  if (!is_name(name)) {
    return fail(Errc::kNotFound, "no record can have this name");
  }
  const SecretBytes record = KB_TRY(read_file(file_of(name)));
  return key_.open(name, record.expose());
}

bool RecordFolder::contains(std::string_view name) const {
  std::error_code error;
  return is_name(name) && fs::exists(file_of(name), error);
}

Result<void> RecordFolder::erase(std::string_view name) {
  std::error_code error;
  if (!is_name(name) || !fs::remove(file_of(name), error)) {
    return error ? fail(Errc::kIo, "the record cannot be removed")
                 : fail(Errc::kNotFound, "there is no record of this name");
  }
  return {};
}

Result<std::vector<std::string>> RecordFolder::names(std::string_view prefix) const {
  std::error_code error;
  std::vector<std::string> out;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    const std::string file = it->path().filename().string();
    if (file.ends_with(kSuffix)) {
      std::string name = file.substr(0, file.size() - kSuffix.size());
      if (name != kFolderRecord && name.starts_with(prefix)) {
        out.push_back(std::move(name));
      }
    }
  }
  if (error) {
    return fail(Errc::kIo, "the folder of encrypted records cannot be read");
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace kagibin::crypto
