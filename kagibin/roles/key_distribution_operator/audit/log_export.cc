// SPDX-License-Identifier: Apache-2.0
#include <system_error>
#include <utility>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/key_distribution_operator/audit/log_source.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_proof.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

class FolderWriter {
 public:
  explicit FolderWriter(std::filesystem::path folder) : folder_(std::move(folder)) {}

  bool has(const std::string& name) const {
    std::error_code error;
    return std::filesystem::exists(folder_ / name, error);
  }
  Result<void> write(const std::string& name, ByteView octets) {
    const std::filesystem::path path = folder_ / name;
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) {
      return fail(Errc::kIo, "the folder for the log cannot be made");
    }
    KB_TRY(crypto::write_file(path, octets, false));
    ++files_;
    return {};
  }
  std::uint64_t files() const { return files_; }

 private:
  std::filesystem::path folder_;
  std::uint64_t files_ = 0;
};

// Whether `head` continues what the folder's checkpoint says.
Result<void> check_continues(LogSource& from,
                             const TreeHead& head,
                             const std::string& earlier,
                             const VerifierKey& verifier) {
  const TreeHead before = KB_TRY(open_checkpoint(earlier, verifier));
  if (before.size == 0) {
    return {};
  }
  const auto proof = [&]() -> Result<Proof> {
    TileReader tiles([&](const TilePlace& place) { return from.tile(place, head.size); },
                     head.size);
    return consistency_proof(before.size, tiles);
  }();
  if (before.size > head.size || !proof || !proves_consistency(before, *proof, head)) {
    return fail(Errc::kConflict, "the folder holds a checkpoint that this log does not continue");
  }
  return {};
}

Result<void> export_tiles(LogSource& from, std::uint64_t size, FolderWriter& folder) {
  for (std::uint32_t level = 0; level < 8; ++level) {
    for (std::uint64_t number = 0;; ++number) {
      const TilePlace place{.level = level, .number = number};
      const std::size_t width = width_of(place, size);
      if (width == 0) {
        break;
      }
      if (const std::string path = path_of(place, width); !folder.has(path)) {
        const std::vector<Hash> hashes = KB_TRY(from.tile(place, size));
        if (hashes.size() != width) {
          return fail(Errc::kValue, "a tile of the log is missing or too short");
        }
        KB_TRY(folder.write(path, encode(hashes)));
      }
      if (level > 0) {
        continue;
      }
      if (const std::string path = path_of_bundle(number, width); !folder.has(path)) {
        const std::vector<Bytes> entries = KB_TRY(from.bundle(number, size));
        if (entries.size() != width) {
          return fail(Errc::kValue, "entries of the log are missing");
        }
        KB_TRY(folder.write(path, encode_bundle(entries)));
      }
    }
  }
  return {};
}

}  // namespace

Result<Exported> export_log(LogSource& from, const std::filesystem::path& folder) {
  const std::string note = KB_TRY(from.checkpoint());
  const std::string key = KB_TRY(from.verifier());
  if (note.empty()) {
    return fail(Errc::kState,
                "nothing was signed yet; a distributor signs within a second or two of its start");
  }
  const VerifierKey verifier = KB_TRY(VerifierKey::parse(key));
  const TreeHead head = KB_TRY(open_checkpoint(note, verifier));
  FolderLog existing(folder);
  const auto earlier = existing.checkpoint();
  if (earlier) {
    KB_TRY(check_continues(from, head, *earlier, verifier));
  } else if (earlier.error().code != Errc::kNotFound) {
    return std::unexpected(earlier.error());
  }
  FolderWriter writer(folder);
  KB_TRY(export_tiles(from, head.size, writer));
  KB_TRY(writer.write("log.vkey", ascii(key + "\n")));
  KB_TRY(writer.write("checkpoint", ascii(note)));
  return Exported{.entries = head.size, .files = writer.files()};
}

}  // namespace kagibin::roles::key_distribution_operator
