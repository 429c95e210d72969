// SPDX-License-Identifier: Apache-2.0
// An NvmMedium on a real file: the whole state folder of a virtual element.
//
// An append is one write and fdatasync; replace_all writes FILE.new, syncs it, renames it over FILE
// and syncs the folder. The file is readable by its owner alone (0600): it stands for silicon.
// While open, FILE.lock is held (flock), so that two processes never run one element. An append
// that finds the disk full is cut back (kNoSpace) and leaves the file as it was. Thread-safety: one
// thread.
//
//   auto medium = KB_TRY(NvmFile::open(folder / "element.nvm"));
//   auto nvm = KB_TRY(Nvm::open(std::move(medium)));
#pragma once

#include <filesystem>
#include <memory>

#include "kagibin/se/nvm/nvm.h"

namespace kagibin::se {

class NvmFile final : public NvmMedium {
 public:
  // kNo leaves out the syncs: for tests and simulations that survive the process but not the
  // machine.
  enum class Sync : std::uint8_t { kYes, kNo };
  // The file need not exist; its folder must. kConflict when another process has it open, kIo.
  static Result<std::unique_ptr<NvmFile>> open(std::filesystem::path path, Sync sync = Sync::kYes);
  ~NvmFile() override;

  Result<SecretBytes> read_all() override;
  Result<void> append(ByteView octets) override;
  Result<void> replace_all(ByteView octets) override;

 private:
  NvmFile(std::filesystem::path path, Sync sync, int lock)
      : path_(std::move(path)), sync_(sync), lock_(lock) {}
  Result<void> open_file();
  void close_file();

  std::filesystem::path path_;
  Sync sync_;
  int lock_;
  int file_ = -1;
};

}  // namespace kagibin::se
