// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/disk/faulty_disk.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "kagibin/base/result.h"

#include "tests/simulation/disk/faulty_vfs.h"

namespace kagibin::simulation {
namespace {

constexpr std::size_t kSector = 512;

FaultyDisk*& the_disk() {
  static FaultyDisk* disk = nullptr;
  return disk;
}

Bytes content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

FaultyDisk& FaultyDisk::of(std::string part_of_path) {
  static FaultyDisk disk;
  the_disk() = &disk;
  disk.part_of_path_ = std::move(part_of_path);
  install_faulty_vfs(disk);
  return disk;
}

FaultyDisk::Pause::Pause() {
  if (the_disk() != nullptr) {
    ++the_disk()->pauses_;
  }
}

FaultyDisk::Pause::~Pause() {
  if (the_disk() != nullptr) {
    --the_disk()->pauses_;
  }
}

void FaultyDisk::fail_at(std::uint64_t call, DiskFailure failure, bool for_good) {
  calls_ = 0;
  fails_at_ = call;
  failure_ = failure;
  for_good_ = for_good;
  has_failed_ = false;
}

void FaultyDisk::mend() { fails_at_ = 0; }

void FaultyDisk::cut_at(std::uint64_t sync, bool after_it) {
  is_remembered_ = true;
  cut_at_ = sync;
  cut_after_ = after_it;
  syncs_ = 0;
}

bool FaultyDisk::fails(Call call) {
  if (pauses_ > 0) {
    return false;
  }
  if (call == Call::kSync && is_remembered_ && !is_off_ && ++syncs_ == cut_at_ && !cut_after_) {
    is_off_ = true;
  }
  if (is_off_) {
    return true;
  }
  if (fails_at_ == 0 || (failure_ == DiskFailure::kFull && call != Call::kWrite)) {
    return false;
  }
  ++calls_;
  const bool now = for_good_ ? calls_ >= fails_at_ : calls_ == fails_at_;
  has_failed_ = has_failed_ || now;
  return now;
}

bool FaultyDisk::holds(const std::string& path) const {
  return !part_of_path_.empty() && path.contains(part_of_path_);
}

void FaultyDisk::opened(const std::string& path) {
  if (is_remembered_ && !files_.contains(path)) {
    files_[path] = {.durable = content_of(path)};
  }
}

void FaultyDisk::wrote(const std::string& path, std::uint64_t offset, ByteView octets) {
  if (const auto file = files_.find(path); file != files_.end()) {
    file->second.unsynced.push_back(
        {.offset = offset, .octets = Bytes(octets.begin(), octets.end())});
  }
}

void FaultyDisk::truncated(const std::string& path, std::uint64_t size) {
  if (const auto file = files_.find(path); file != files_.end()) {
    file->second.unsynced.push_back({.is_truncation = true, .offset = size});
  }
}

void FaultyDisk::synced(const std::string& path) {
  if (const auto file = files_.find(path); file != files_.end() && !lies_) {
    for (const Change& change : file->second.unsynced) {
      apply(file->second.durable, change);
    }
    file->second.unsynced.clear();
  }
  if (is_remembered_ && pauses_ == 0 && cut_after_ && syncs_ == cut_at_) {
    is_off_ = true;
  }
}

void FaultyDisk::deleted(const std::string& path) { files_.erase(path); }

void FaultyDisk::apply(Bytes& content, const Change& change) {
  if (change.is_truncation) {
    content.resize(change.offset);
    return;
  }
  const std::size_t end = change.offset + change.octets.size();
  content.resize(std::max(content.size(), end));
  std::ranges::copy(change.octets, content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void FaultyDisk::lose_unsynced(Loss loss, Dice& dice) {
  KB_CHECK(is_off_);
  for (auto& [path, file] : files_) {
    Bytes content = file.durable;
    if (loss != Loss::kEverythingUnsynced) {
      std::vector<Change> kept;
      for (Change& change : file.unsynced) {
        if (dice.hits(0.5)) {
          continue;
        }
        if (loss == Loss::kTorn && !change.is_truncation && change.octets.size() > kSector &&
            dice.hits(0.5)) {
          change.octets.resize(kSector * (1 + dice.below(change.octets.size() / kSector)));
        }
        kept.push_back(std::move(change));
      }
      for (std::size_t i = kept.size(); i > 1; --i) {  // in any order
        std::swap(kept[i - 1], kept[dice.below(i)]);
      }
      for (const Change& change : kept) {
        apply(content, change);
      }
    }
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    for (const std::uint8_t octet : content) {
      out.put(static_cast<char>(octet));
    }
    std::error_code ignored;
    std::filesystem::remove(path + "-shm", ignored);
  }
  files_.clear();
  is_remembered_ = false;
  is_off_ = false;
}

}  // namespace kagibin::simulation
