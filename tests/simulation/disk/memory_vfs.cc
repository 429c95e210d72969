// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/disk/memory_vfs.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sqlite3.h>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::simulation {
namespace {

struct Handle;

// In blocks, so that what grows is not copied.
class Content {
 public:
  std::size_t size() const { return size_; }
  // Octets that are there.
  void read(std::size_t at, MutableByteView out) const {
    while (!out.empty()) {
      const std::size_t count = std::min(out.size(), kBlock - at % kBlock);
      std::memcpy(out.data(), &blocks_[at / kBlock][at % kBlock], count);
      at += count;
      out = out.subspan(count);
    }
  }
  void write(std::size_t at, ByteView in) {
    resize(std::max(size_, at + in.size()));
    while (!in.empty()) {
      const std::size_t count = std::min(in.size(), kBlock - at % kBlock);
      std::memcpy(&blocks_[at / kBlock][at % kBlock], in.data(), count);
      at += count;
      in = in.subspan(count);
    }
  }
  void resize(std::size_t size) {
    if (size < size_ && size % kBlock != 0) {
      std::memset(&blocks_[size / kBlock][size % kBlock], 0, kBlock - size % kBlock);
    }
    const std::size_t blocks = (size + kBlock - 1) / kBlock;
    blocks_.resize(std::min(blocks, blocks_.size()));
    while (blocks_.size() < blocks) {
      blocks_.push_back(std::make_unique<std::uint8_t[]>(kBlock));
    }
    size_ = size;
  }

 private:
  static constexpr std::size_t kBlock = 16'384;
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
  std::size_t size_ = 0;
};

struct MemoryFile {
  Content content;
  std::vector<std::unique_ptr<std::byte[]>> shared;  // regions of the write-ahead log's index
  std::vector<Handle*> handles;
};

// SQLite gives its memory and knows it by its first member alone.
struct Handle {
  sqlite3_file base;
  MemoryFile* file;
  MemoryFile* own;  // of a file without a name, which goes with its handle
  int level;        // SQLITE_LOCK_NONE to SQLITE_LOCK_EXCLUSIVE
  unsigned shared_locks;
  unsigned exclusive_locks;
};

using Files = std::map<std::string, std::unique_ptr<MemoryFile>, std::less<>>;
Files& files() {
  static Files all;
  return all;
}
sqlite3_vfs own_vfs{};

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's layout
Handle& handle(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

template <typename Predicate>
bool any_other(const Handle& own, const Predicate& holds) {
  return std::ranges::any_of(own.file->handles,
                             [&](const Handle* one) { return one != &own && holds(*one); });
}

int close_file(sqlite3_file* file) {
  Handle& own = handle(file);
  std::erase(own.file->handles, &own);
  delete own.own;  // NOLINT(cppcoreguidelines-owning-memory): SQLite owns the handle
  own.own = nullptr;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int octets, sqlite3_int64 offset) {
  const Content& content = handle(file).file->content;
  const auto wanted = static_cast<std::size_t>(octets);
  const auto begin = std::min(static_cast<std::size_t>(offset), content.size());
  const std::size_t there = std::min(wanted, content.size() - begin);
  const MutableByteView out(static_cast<std::uint8_t*>(into), wanted);
  content.read(begin, out.first(there));
  std::ranges::fill(out.subspan(there), std::uint8_t{0});
  return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int octets, sqlite3_int64 offset) {
  const ByteView in(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(octets));
  handle(file).file->content.write(static_cast<std::size_t>(offset), in);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  handle(file).file->content.resize(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync_file(sqlite3_file* /*file*/, int /*flags*/) { return SQLITE_OK; }

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(handle(file).file->content.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* file, int level) {
  Handle& own = handle(file);
  if (own.level >= level) {
    return SQLITE_OK;
  }
  const int most_of_others = level == SQLITE_LOCK_SHARED     ? SQLITE_LOCK_RESERVED
                             : level == SQLITE_LOCK_RESERVED ? SQLITE_LOCK_SHARED
                                                             : SQLITE_LOCK_NONE;
  if (any_other(own, [&](const Handle& one) { return one.level > most_of_others; })) {
    return SQLITE_BUSY;
  }
  own.level = level;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* file, int level) {
  Handle& own = handle(file);
  own.level = std::min(own.level, level);
  return SQLITE_OK;
}

int check_reserved_lock(sqlite3_file* file, int* held) {
  const Handle& own = handle(file);
  const auto is_reserved = [](const Handle& one) { return one.level >= SQLITE_LOCK_RESERVED; };
  *held = is_reserved(own) || any_other(own, is_reserved) ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file* /*file*/) { return 4'096; }

int device_characteristics(sqlite3_file* /*file*/) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_shared(sqlite3_file* file, int region, int octets, int extend, volatile void** out) {
  auto& regions = handle(file).file->shared;
  const auto wanted = static_cast<std::size_t>(region);
  *out = nullptr;
  if (extend == 0 && wanted >= regions.size()) {
    return SQLITE_OK;
  }
  while (regions.size() <= wanted) {
    regions.push_back(std::make_unique<std::byte[]>(static_cast<std::size_t>(octets)));
  }
  *out = regions[wanted].get();
  return SQLITE_OK;
}

int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  Handle& own = handle(file);
  const unsigned mask = ((1U << static_cast<unsigned>(count)) - 1U)
                        << static_cast<unsigned>(offset);
  const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    (is_exclusive ? own.exclusive_locks : own.shared_locks) &= ~mask;
    return SQLITE_OK;
  }
  if (any_other(own, [&](const Handle& one) {
        const unsigned held =
            is_exclusive ? one.exclusive_locks | one.shared_locks : one.exclusive_locks;
        return (held & mask) != 0;
      })) {
    return SQLITE_BUSY;
  }
  (is_exclusive ? own.exclusive_locks : own.shared_locks) |= mask;
  return SQLITE_OK;
}

void barrier(sqlite3_file* /*file*/) {}

int unmap_shared(sqlite3_file* file, int deletes) {
  Handle& own = handle(file);
  own.shared_locks = 0;
  own.exclusive_locks = 0;
  if (deletes != 0 && own.file->handles.size() == 1) {
    own.file->shared.clear();
  }
  return SQLITE_OK;
}

// Version 2: WAL, and no memory-mapped reads.
constexpr sqlite3_io_methods kMethods = {2,
                                         close_file,
                                         read_file,
                                         write_file,
                                         truncate_file,
                                         sync_file,
                                         file_size,
                                         lock_file,
                                         unlock_file,
                                         check_reserved_lock,
                                         file_control,
                                         sector_size,
                                         device_characteristics,
                                         map_shared,
                                         lock_shared,
                                         barrier,
                                         unmap_shared,
                                         nullptr,
                                         nullptr};

// NOLINTBEGIN(cppcoreguidelines-owning-memory): SQLite owns the handle by its memory
int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out) {
  Handle& own = handle(file);
  own = {};
  if (name == nullptr) {
    own.file = own.own = new MemoryFile;
  } else {
    // The store makes its file by itself before SQLite opens it, so that a database that is asked
    // for is always there.
    const bool may_be_made = (flags & (SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB)) != 0;
    auto found = files().find(std::string_view(name));
    if (found == files().end() && !may_be_made) {
      return SQLITE_CANTOPEN;
    }
    if (found == files().end()) {
      found = files().emplace(name, std::make_unique<MemoryFile>()).first;
    }
    own.file = found->second.get();
  }
  own.file->handles.push_back(&own);
  own.base.pMethods = &kMethods;
  if (out != nullptr) {
    *out = flags;
  }
  return SQLITE_OK;
}
// NOLINTEND(cppcoreguidelines-owning-memory)

int delete_file(sqlite3_vfs* /*vfs*/, const char* name, int /*sync_folder*/) {
  return files().erase(name) != 0 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

int access_file(sqlite3_vfs* /*vfs*/, const char* name, int /*flags*/, int* out) {
  const auto found = files().find(std::string_view(name));
  *out = found != files().end() ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs* /*vfs*/, const char* name, int octets, char* out) {
  const std::size_t size = std::strlen(name) + 1;
  if (size > static_cast<std::size_t>(octets)) {
    return SQLITE_CANTOPEN;
  }
  std::copy_n(name, size, out);
  return SQLITE_OK;
}

}  // namespace

void use_memory_vfs(bool in_memory) {
  if (own_vfs.zName == nullptr) {
    const sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
    KB_CHECK(system != nullptr);
    own_vfs = *system;  // its time and its randomness
    own_vfs.zName = "kagibin-memory";
    own_vfs.szOsFile = static_cast<int>(sizeof(Handle));
    own_vfs.pNext = nullptr;
    own_vfs.xOpen = open_file;
    own_vfs.xDelete = delete_file;
    own_vfs.xAccess = access_file;
    own_vfs.xFullPathname = full_path;
    KB_CHECK(sqlite3_vfs_register(&own_vfs, 0) == SQLITE_OK);
  }
  static_cast<void>(sqlite3_vfs_unregister(&own_vfs));
  if (in_memory) {
    KB_CHECK(sqlite3_vfs_register(&own_vfs, 1) == SQLITE_OK);
  }
}

void forget_memory_files(const std::filesystem::path& folder) {
  const std::string prefix = (folder / "").string();
  std::erase_if(files(), [&](const auto& file) {
    if (!file.first.starts_with(prefix)) {
      return false;
    }
    KB_CHECK(file.second->handles.empty());
    return true;
  });
}

}  // namespace kagibin::simulation
