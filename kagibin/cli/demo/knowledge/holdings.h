// SPDX-License-Identifier: Apache-2.0
// Everything that a party on the way has: its files (SQLite files also value by value, for a long
// value lies in pieces), and the memory of its processes at every look.
//
// A file that changed between two looks is kept in both forms. Ownership: keeps copies.
// Thread-safety: one thread.
//
//   Holdings holdings("B", {.folders = {site.home(Role::kDistributor)}});
//   holdings.watch(server.process());
//   holdings.look();                       // after each step
//   for (const Holdings::Piece& piece : holdings.pieces()) { ... }
#pragma once

#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "kagibin/cli/demo/knowledge/process_memory.h"

namespace kagibin::cli::demo {

class Holdings {
 public:
  struct Piece {
    std::string where;  // "apdu.log", "memory of 1234"
    Bytes octets;
  };

  // `scratch`: a folder of the examiner's, where SQLite files are copied to be read.
  Holdings(std::vector<std::filesystem::path> folders, std::filesystem::path scratch)
      : folders_(std::move(folders)), scratch_(std::move(scratch)) {}

  // Its memory is read at every look from now on; ended processes are passed over.
  void watch(pid_t process, std::string name);
  // One look at the files and at every watched process.
  void look();
  // Only the memory of this process, which need not be watched.
  void look_at(pid_t process, const std::string& name);
  // Content that lies in no file, such as a capture without its TLS.
  void add(std::string where, Bytes octets);

  const std::deque<Piece>& pieces() const { return pieces_; }
  std::size_t files() const { return files_.size(); }
  std::size_t memories() const { return memories_; }  // looks at a process
  std::size_t octets() const { return octets_; }
  // Processes whose memory could not be read: not searched.
  const std::set<std::string>& unread() const { return unread_; }
  bool holds(ByteView octets) const;

 private:
  struct Watched {
    pid_t process;
    std::string name;
    ProcessMemory memory;
  };
  void look_at_file(const std::filesystem::path& path, const std::string& name);
  void look_at_database(const std::filesystem::path& path, const std::string& name);
  bool keep(ProcessMemory& memory, const std::string& name);

  std::vector<std::filesystem::path> folders_;
  std::filesystem::path scratch_;
  std::vector<Watched> watched_;
  std::map<std::string, Bytes> files_;  // last content, by path
  std::deque<Piece> pieces_;
  std::set<std::string> unread_;
  std::size_t memories_ = 0;
  std::size_t octets_ = 0;
};

}  // namespace kagibin::cli::demo
