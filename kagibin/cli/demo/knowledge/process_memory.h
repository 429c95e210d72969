// SPDX-License-Identifier: Apache-2.0
// The memory of a running process, as /proc/PID/mem shows it to root or to its parent: every
// readable mapping but unchanged pages of files (the program's code and constants).
//
// Looking again gives only what changed, each changed page together with its neighbours, so that
// nothing that crosses a page is missed. Mappings over 1 TiB are address space that a sanitizer
// keeps for itself; they are passed over. Thread-safety: one thread.
//
//   ProcessMemory memory(pid);
//   const std::vector<Bytes> pieces = KB_TRY(memory.look());     // kNotSupported: not permitted
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::cli::demo {

class ProcessMemory {
 public:
  explicit ProcessMemory(pid_t process) : process_(process) {}
  Result<std::vector<Bytes>> look();

 private:
  struct Mapping {
    std::uint64_t begin;
    std::uint64_t end;
  };
  Result<std::vector<Mapping>> mappings() const;
  void look_at(int memory, int pages, const Mapping& mapping, std::vector<Bytes>& out);

  pid_t process_;
  std::unordered_map<std::uint64_t, std::uint64_t> seen_;  // page address -> its hash
};

}  // namespace kagibin::cli::demo
