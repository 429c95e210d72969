// SPDX-License-Identifier: Apache-2.0
// The element's non-volatile memory: named records, changed in atomic transactions, kept in one
// file.
//
// A record is a name (text such as "sd/A000000151000000/keys") and octets. All changes between
// begin() and commit() become durable together: a power cut before commit() has returned leaves the
// old state or, if its last write was done, the new one. Changes outside a transaction are
// transactions of one. begin() inside a transaction nests: only the outermost commit() writes.
//
// The log's format stands in nvm_log.h. Physical writes go through NvmMedium, so that tests
// count them and cut power before, half-way through and after each one. After a cut (kIo from the
// medium) the Nvm is dead: every call fails with kIo until it is opened again. Limits: names 1 to
// 64 octets, records up to 8,192 octets. Content counts as secret and is wiped from memory. A full
// disk (kNoSpace) is not a cut: the transaction is rolled back and the Nvm stays usable.
// Thread-safety: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::se {

// A flat file as the element sees it. `write` and `truncate` are durable when they return; each is
// one place where power may fail.
class NvmMedium {
 public:
  NvmMedium() = default;
  NvmMedium(const NvmMedium&) = delete;
  NvmMedium& operator=(const NvmMedium&) = delete;
  virtual ~NvmMedium() = default;
  virtual Result<SecretBytes> read_all() = 0;
  virtual Result<void> append(ByteView octets) = 0;  // write at the end and sync
  virtual Result<void> replace_all(
      ByteView octets) = 0;  // atomically: the old content or the new (rename)
};

class Nvm {
 public:
  // Reads the medium, drops an unfinished tail. kEncoding when the content is damaged beyond a torn
  // tail.
  static Result<std::unique_ptr<Nvm>> open(std::unique_ptr<NvmMedium> medium);

  // The record, or nullptr. The pointer is valid until the record changes.
  const SecretBytes* get(std::string_view name) const;
  // Names with this prefix in order.
  std::vector<std::string> names(std::string_view prefix) const;

  void begin();
  Result<void> put(std::string_view name, ByteView octets);
  Result<void> erase(std::string_view name);
  // Durable when it returns. On failure memory shows the state before begin().
  Result<void> commit();
  // Back to the state before the outermost begin().
  void abort();
  bool in_transaction() const { return depth_ > 0; }

  // Names and content of all records together; a commit that goes beyond it and adds is rolled back
  // with kNoSpace. 0: no limit.
  void set_limit(std::uint64_t octets) { limit_ = octets; }
  std::uint64_t live_octets() const;

  // Number of commits that wrote since open (for the budget in protocol section 13).
  std::uint64_t writes() const { return writes_; }
  // True after the medium failed with kIo: power is gone, nothing works until the next open().
  bool dead() const { return dead_; }

 private:
  explicit Nvm(std::unique_ptr<NvmMedium> medium) : medium_(std::move(medium)) {}
  struct Change {
    std::string name;
    bool existed = false;
    SecretBytes before;
  };
  std::unique_ptr<NvmMedium> medium_;
  std::map<std::string, SecretBytes, std::less<>> records_;
  Result<void> check_alive() const;
  Result<void> write();
  void remember(std::string_view name);
  void roll_back();

  std::vector<Change> undo_;
  int depth_ = 0;
  bool aborted_ = false;  // an inner transaction was given up: the outer ones cannot commit
  bool dead_ = false;
  bool torn_ = false;  // the log ends in an unfinished frame: the next write replaces the log
  std::uint64_t writes_ = 0;
  std::uint64_t log_octets_ = 0;
  std::uint64_t limit_ = 0;
  std::uint32_t next_sequence_ = 0;
};

// Begins on construction; aborts on destruction unless committed.
class NvmTransaction {
 public:
  explicit NvmTransaction(Nvm& nvm) : nvm_(nvm) { nvm_.begin(); }
  NvmTransaction(const NvmTransaction&) = delete;
  NvmTransaction& operator=(const NvmTransaction&) = delete;
  ~NvmTransaction() {
    if (!done_) {
      nvm_.abort();
    }
  }
  Result<void> commit() {
    done_ = true;
    return nvm_.commit();
  }

 private:
  Nvm& nvm_;
  bool done_ = false;
};

}  // namespace kagibin::se
