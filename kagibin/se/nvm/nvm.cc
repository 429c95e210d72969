// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/nvm/nvm.h"

#include <algorithm>
#include <set>
#include <utility>

#include "kagibin/se/nvm/nvm_log.h"

namespace kagibin::se {

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxRecord = 8192;

// Wipes what a writer held of the records.
class WipedWriter {
 public:
  WipedWriter() = default;
  WipedWriter(const WipedWriter&) = delete;
  WipedWriter& operator=(const WipedWriter&) = delete;
  ~WipedWriter() {
    Bytes octets = writer_.take();
    wipe(octets);
  }
  ByteWriter& get() { return writer_; }

 private:
  ByteWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Nvm>> Nvm::open(std::unique_ptr<NvmMedium> medium) {
  const SecretBytes log = KB_TRY(medium->read_all());
  nvm_log::Replayed replayed = KB_TRY(nvm_log::replay(log.expose()));
  std::unique_ptr<Nvm> nvm(new Nvm(std::move(medium)));
  nvm->records_ = std::move(replayed.records);
  nvm->torn_ = replayed.torn;
  nvm->log_octets_ = log.size();
  nvm->next_sequence_ = replayed.next_sequence;
  return nvm;
}

const SecretBytes* Nvm::get(std::string_view name) const {
  const auto found = records_.find(name);
  return found == records_.end() ? nullptr : &found->second;
}

std::vector<std::string> Nvm::names(std::string_view prefix) const {
  std::vector<std::string> out;
  for (auto at = records_.lower_bound(prefix);
       at != records_.end() && std::string_view(at->first).starts_with(prefix); ++at) {
    out.push_back(at->first);
  }
  return out;
}

Result<void> Nvm::check_alive() const {
  if (dead_) {
    return fail(Errc::kIo, "the element's memory has lost power; open it again");
  }
  if (aborted_) {
    return fail(Errc::kState, "this transaction was given up already");
  }
  return {};
}

void Nvm::begin() { ++depth_; }

void Nvm::remember(std::string_view name) {
  const auto found = records_.find(name);
  Change change{.name = std::string(name), .existed = found != records_.end(), .before = {}};
  if (change.existed) {
    change.before = std::move(found->second);
  }
  undo_.push_back(std::move(change));
}

Result<void> Nvm::put(std::string_view name, ByteView octets) {
  if (name.empty() || name.size() > kMaxName || octets.size() > kMaxRecord) {
    return fail(Errc::kLimit, "a record has a name of 1 to 64 octets and at most 8,192 octets");
  }
  KB_TRY(check_alive());
  SecretBytes content = SecretBytes::copy_of(octets);  // `octets` may view the old content
  begin();
  remember(name);
  records_.insert_or_assign(std::string(name), std::move(content));
  return commit();
}

Result<void> Nvm::erase(std::string_view name) {
  KB_TRY(check_alive());
  if (get(name) == nullptr) {
    return {};
  }
  begin();
  remember(name);
  records_.erase(records_.find(name));
  return commit();
}

Result<void> Nvm::commit() {
  KB_CHECK(depth_ > 0);
  --depth_;
  if (depth_ > 0) {
    return check_alive();
  }
  const bool aborted = std::exchange(aborted_, false);
  if (aborted) {
    return fail(Errc::kState, "this transaction was given up already");
  }
  if (undo_.empty()) {
    return check_alive();
  }
  auto written = dead_ ? check_alive() : write();
  if (!written) {
    dead_ = dead_ || written.error().code != Errc::kNoSpace;
    roll_back();
    return written;
  }
  undo_.clear();
  ++writes_;
  return {};
}

std::uint64_t Nvm::live_octets() const {
  std::uint64_t live = 0;
  for (const auto& [name, content] : records_) {
    live += name.size() + content.size();
  }
  return live;
}

// One physical write: an appended frame, or the whole log anew.
Result<void> Nvm::write() {
  const std::uint64_t live = live_octets();
  std::uint64_t gone = 0;
  std::uint64_t come = 0;
  WipedWriter changes;
  std::set<std::string_view> seen;
  for (const Change& change : undo_) {
    if (!seen.insert(change.name).second) {
      continue;
    }
    const SecretBytes* now = get(change.name);
    gone += change.existed ? change.name.size() + change.before.size() : 0;
    come += now != nullptr ? change.name.size() + now->size() : 0;
    if (now != nullptr) {
      nvm_log::put_change(changes.get(), change.name, now->expose());
    } else if (change.existed) {
      nvm_log::erase_change(changes.get(), change.name);
    }
  }
  if (limit_ != 0 && live > limit_ && come > gone) {
    return fail(Errc::kNoSpace, "the element's memory is full");
  }
  const std::uint64_t grown = log_octets_ + changes.get().view().size();
  const bool compact =
      grown > nvm_log::kCompactAboveOctets && grown > nvm_log::kCompactAboveFactor * live;
  if (!compact && !torn_ && log_octets_ > 0) {
    const SecretBytes frame = nvm_log::frame(next_sequence_, changes.get().view());
    KB_TRY(medium_->append(frame.expose()));
    log_octets_ += frame.size();
    ++next_sequence_;
    return {};
  }
  const SecretBytes log = nvm_log::whole_log(records_);
  KB_TRY(medium_->replace_all(log.expose()));
  log_octets_ = log.size();
  next_sequence_ = 1;
  torn_ = false;
  return {};
}

void Nvm::roll_back() {
  while (!undo_.empty()) {
    Change change = std::move(undo_.back());
    undo_.pop_back();
    if (change.existed) {
      records_.insert_or_assign(std::move(change.name), std::move(change.before));
    } else {
      records_.erase(change.name);
    }
  }
}

void Nvm::abort() {
  if (depth_ == 0) {
    return;
  }
  roll_back();
  --depth_;
  aborted_ = depth_ > 0;
}

}  // namespace kagibin::se
