// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/disk/faulty_vfs.h"

#include <cerrno>
#include <cstddef>
#include <new>
#include <string>

#include <sqlite3.h>

#include "kagibin/base/result.h"

#include "tests/simulation/disk/faulty_disk.h"

namespace kagibin::simulation {
namespace {

using Call = FaultyDisk::Call;

FaultyDisk* asked = nullptr;
sqlite3_vfs* system_vfs = nullptr;
sqlite3_vfs own_vfs{};

// SQLite gives one piece of memory for it and for the system's file behind it.
struct ShimFile {
  sqlite3_file base;
  std::string* path;  // null: not on the disk
  sqlite3_file* real;
};

// The layout is SQLite's: it knows a file by its first member alone.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's layout
ShimFile& shim(sqlite3_file* file) { return *reinterpret_cast<ShimFile*>(file); }
sqlite3_file* real_of(sqlite3_file* file) { return shim(file).real; }
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): SQLite's layout
sqlite3_file* room_behind(ShimFile& file) { return reinterpret_cast<sqlite3_file*>(&file + 1); }

bool fails(sqlite3_file* file, Call call) {
  return shim(file).path != nullptr && asked->fails(call);
}

// What SQLite makes of the system's word: errno says which kind it was.
int failure(int io_error) {
  if (asked->failure() == DiskFailure::kFull && !asked->is_off()) {
    errno = ENOSPC;
    return SQLITE_FULL;
  }
  errno = EIO;
  return io_error;
}

int close_file(sqlite3_file* file) {
  ShimFile& own = shim(file);
  const int code = own.real->pMethods != nullptr ? own.real->pMethods->xClose(own.real) : SQLITE_OK;
  delete own.path;  // NOLINT(cppcoreguidelines-owning-memory): SQLite owns the file by its memory
  own.path = nullptr;
  return code;
}

int read_file(sqlite3_file* file, void* into, int octets, sqlite3_int64 offset) {
  if (fails(file, Call::kRead)) {
    return failure(SQLITE_IOERR_READ);
  }
  return real_of(file)->pMethods->xRead(real_of(file), into, octets, offset);
}

int write_file(sqlite3_file* file, const void* from, int octets, sqlite3_int64 offset) {
  if (fails(file, Call::kWrite)) {
    return failure(SQLITE_IOERR_WRITE);
  }
  const int code = real_of(file)->pMethods->xWrite(real_of(file), from, octets, offset);
  if (code == SQLITE_OK && shim(file).path != nullptr) {
    asked->wrote(
        *shim(file).path, static_cast<std::uint64_t>(offset),
        ByteView(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(octets)));
  }
  return code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (fails(file, Call::kTruncate)) {
    return failure(SQLITE_IOERR_TRUNCATE);
  }
  const int code = real_of(file)->pMethods->xTruncate(real_of(file), size);
  if (code == SQLITE_OK && shim(file).path != nullptr) {
    asked->truncated(*shim(file).path, static_cast<std::uint64_t>(size));
  }
  return code;
}

int sync_file(sqlite3_file* file, int flags) {
  if (fails(file, Call::kSync)) {
    return failure(SQLITE_IOERR_FSYNC);
  }
  const int code = real_of(file)->pMethods->xSync(real_of(file), flags);
  if (code == SQLITE_OK && shim(file).path != nullptr) {
    asked->synced(*shim(file).path);
  }
  return code;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

int lock_file(sqlite3_file* file, int level) {
  if (fails(file, Call::kLock)) {
    return failure(SQLITE_IOERR_LOCK);
  }
  return real_of(file)->pMethods->xLock(real_of(file), level);
}

int unlock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

int check_reserved_lock(sqlite3_file* file, int* held) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}

int file_control(sqlite3_file* file, int operation, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

int sector_size(sqlite3_file* file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }

int device_characteristics(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

int map_shared(sqlite3_file* file, int region, int octets, int extend, volatile void** out) {
  if (fails(file, Call::kMap)) {
    return failure(SQLITE_IOERR_SHMMAP);
  }
  return real_of(file)->pMethods->xShmMap(real_of(file), region, octets, extend, out);
}

int lock_shared(sqlite3_file* file, int offset, int count, int flags) {
  if ((flags & SQLITE_SHM_LOCK) != 0 && fails(file, Call::kLock)) {
    return failure(SQLITE_IOERR_SHMLOCK);
  }
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

void barrier(sqlite3_file* file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }

int unmap_shared(sqlite3_file* file, int deletes) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
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

int open_file(sqlite3_vfs* /*vfs*/, const char* name, sqlite3_file* file, int flags, int* out) {
  ShimFile& own = shim(file);
  own.base.pMethods = nullptr;
  own.path = nullptr;
  own.real = room_behind(own);
  own.real->pMethods = nullptr;
  const bool on_disk = name != nullptr && asked->holds(name);
  if (on_disk && asked->fails(Call::kOpen)) {
    return failure(SQLITE_CANTOPEN);
  }
  const int code = system_vfs->xOpen(system_vfs, name, own.real, flags, out);
  if (code != SQLITE_OK) {
    return code;
  }
  if (on_disk) {
    own.path = new std::string(name);  // NOLINT(cppcoreguidelines-owning-memory): see close_file
    asked->opened(*own.path);
  }
  own.base.pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* /*vfs*/, const char* name, int sync_folder) {
  if (asked->holds(name) && asked->fails(Call::kDelete)) {
    return failure(SQLITE_IOERR_DELETE);
  }
  const int code = system_vfs->xDelete(system_vfs, name, sync_folder);
  if (code == SQLITE_OK) {
    asked->deleted(name);
  }
  return code;
}

}  // namespace

void install_faulty_vfs(FaultyDisk& disk) {
  asked = &disk;
  if (system_vfs != nullptr) {
    return;
  }
  system_vfs = sqlite3_vfs_find(nullptr);
  KB_CHECK(system_vfs != nullptr);
  own_vfs = *system_vfs;  // what is not ours takes the VFS that it is given for its own
  own_vfs.zName = "kagibin-faulty";
  own_vfs.szOsFile = static_cast<int>(sizeof(ShimFile)) + system_vfs->szOsFile;
  own_vfs.pNext = nullptr;
  own_vfs.xOpen = open_file;
  own_vfs.xDelete = delete_file;
  KB_CHECK(sqlite3_vfs_register(&own_vfs, 1) == SQLITE_OK);
}

}  // namespace kagibin::simulation
