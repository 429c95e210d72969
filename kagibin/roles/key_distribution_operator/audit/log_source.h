// SPDX-License-Identifier: Apache-2.0
// Where an audit reads a log from: a store, or a folder in the layout of C2SP tlog-tiles.
//
// A folder has `checkpoint`, `tile/...` and, beside what the specification names, `log.vkey`: the
// verifier key in one line. What is read is not believed here. Failures: kNotFound, kIo, kEncoding
// and those of the store. Ownership: refers to what it is given. Thread-safety: one thread.
//
//   FolderLog log("/srv/audit");
//   const std::string note = KB_TRY(log.checkpoint());
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/roles/key_distribution_operator/audit/merkle_tree.h"

namespace kagibin::roles::key_distribution_operator {

class LogSource {
 public:
  LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;
  virtual ~LogSource() = default;

  virtual Result<std::string> checkpoint() = 0;  // empty: nothing was signed yet
  virtual Result<std::string> verifier() = 0;
  // The bundle of a tree of `size` entries; fewer or other entries where the log is damaged, none
  // where it is not there.
  virtual Result<std::vector<Bytes>> bundle(std::uint64_t number, std::uint64_t size) = 0;
  // The tile of a tree of `size` entries; empty where it is not there or is not a tile.
  virtual Result<std::vector<Hash>> tile(const TilePlace& place, std::uint64_t size) = 0;
};

class StoreLog final : public LogSource {
 public:
  explicit StoreLog(delivery::StoreSnapshot& snapshot) : snapshot_(snapshot) {}
  Result<std::string> checkpoint() override;
  Result<std::string> verifier() override;
  Result<std::vector<Bytes>> bundle(std::uint64_t number, std::uint64_t size) override;
  Result<std::vector<Hash>> tile(const TilePlace& place, std::uint64_t size) override;

 private:
  delivery::StoreSnapshot& snapshot_;
};

class FolderLog final : public LogSource {
 public:
  explicit FolderLog(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<std::string> checkpoint() override;
  Result<std::string> verifier() override;
  Result<std::vector<Bytes>> bundle(std::uint64_t number, std::uint64_t size) override;
  Result<std::vector<Hash>> tile(const TilePlace& place, std::uint64_t size) override;

 private:
  // The file of that width, or the full one that took its place; empty: neither is there.
  Result<std::optional<Bytes>> read(const std::string& partial, const std::string& full) const;
  std::filesystem::path folder_;
};

// A file of one text, without its last newline.
Result<std::string> read_line_file(const std::filesystem::path& path);

// Writes a store's log into a folder, or adds to what is there what is new: full tiles and bundles
// are never written again, the checkpoint comes last. kConflict: the folder holds a checkpoint that
// this log does not continue.
struct Exported {
  std::uint64_t entries = 0;
  std::uint64_t files = 0;
};
Result<Exported> export_log(LogSource& from, const std::filesystem::path& folder);

}  // namespace kagibin::roles::key_distribution_operator
