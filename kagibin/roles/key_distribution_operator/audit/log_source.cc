// SPDX-License-Identifier: Apache-2.0
#include "kagibin/roles/key_distribution_operator/audit/log_source.h"

#include <algorithm>
#include <utility>

#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

namespace kagibin::roles::key_distribution_operator {
namespace {

Result<std::optional<Bytes>> read_if_there(const std::filesystem::path& path) {
  const auto content = crypto::read_file(path);
  if (!content && content.error().code == Errc::kNotFound) {
    return std::optional<Bytes>();
  }
  if (!content) {
    return std::unexpected(content.error());
  }
  const ByteView view = content->expose();
  return std::optional(Bytes(view.begin(), view.end()));
}

}  // namespace

Result<std::string> StoreLog::checkpoint() {
  delivery::AuditHead head = KB_TRY(snapshot_.audit_head());
  return std::move(head.checkpoint);
}

Result<std::string> StoreLog::verifier() {
  delivery::AuditHead head = KB_TRY(snapshot_.audit_head());
  return std::move(head.verifier);
}

Result<std::vector<Bytes>> StoreLog::bundle(std::uint64_t number, std::uint64_t size) {
  const std::size_t width = width_of({.level = 0, .number = number}, size);
  return snapshot_.audit_entries(number * kTileWidth, static_cast<std::uint32_t>(width));
}

Result<std::vector<Hash>> StoreLog::tile(const TilePlace& place, std::uint64_t size) {
  const auto row = KB_TRY(snapshot_.audit_tile({.level = place.level, .number = place.number}));
  auto hashes = row ? decode_hashes(row->hashes) : std::vector<Hash>();
  if (!hashes) {
    return std::vector<Hash>();
  }
  // The last tile of a level grows: it may be ahead of an earlier size.
  hashes->resize(std::min(hashes->size(), width_of(place, size)));
  return hashes;
}

Result<std::string> read_line_file(const std::filesystem::path& path) {
  std::string text = KB_TRY(crypto::read_text_file(path));
  if (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

Result<std::string> FolderLog::checkpoint() {
  return crypto::read_text_file(folder_ / "checkpoint");
}

Result<std::string> FolderLog::verifier() { return read_line_file(folder_ / "log.vkey"); }

Result<std::optional<Bytes>> FolderLog::read(const std::string& partial,
                                             const std::string& full) const {
  auto found = KB_TRY(read_if_there(folder_ / partial));
  if (!found && partial != full) {
    found = KB_TRY(read_if_there(folder_ / full));
  }
  return found;
}

Result<std::vector<Bytes>> FolderLog::bundle(std::uint64_t number, std::uint64_t size) {
  const std::size_t width = width_of({.level = 0, .number = number}, size);
  const auto octets =
      KB_TRY(read(path_of_bundle(number, width), path_of_bundle(number, kTileWidth)));
  auto entries = octets ? decode_bundle(*octets) : std::vector<Bytes>();
  if (!entries) {
    return std::vector<Bytes>();
  }
  entries->resize(std::min(entries->size(), width));
  return entries;
}

Result<std::vector<Hash>> FolderLog::tile(const TilePlace& place, std::uint64_t size) {
  const std::size_t width = width_of(place, size);
  const auto octets = KB_TRY(read(path_of(place, width), path_of(place, kTileWidth)));
  auto hashes = octets ? decode_hashes(*octets) : std::vector<Hash>();
  if (!hashes) {
    return std::vector<Hash>();
  }
  hashes->resize(std::min(hashes->size(), width));
  return hashes;
}

}  // namespace kagibin::roles::key_distribution_operator
