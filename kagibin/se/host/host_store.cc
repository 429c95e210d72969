// SPDX-License-Identifier: Apache-2.0
#include "kagibin/se/host/host_store.h"

#include <algorithm>
#include <utility>

namespace kagibin::se {

namespace {

Result<void> apply(const HostJournal::Write& write, ElementSnapshot& snapshot) {
  if (write.number >= snapshot.elements.size()) {
    return fail(Errc::kEncoding, "the journal names an element that the snapshot lacks");
  }
  SecretBytes& element = snapshot.elements[write.number];
  if (write.kind == HostJournal::Kind::kReplace) {
    element = SecretBytes::copy_of(write.octets);
    return {};
  }
  SecretBytes grown(element.size() + write.octets.size());
  const auto end = std::ranges::copy(element.expose(), grown.expose_mutable().begin()).out;
  std::ranges::copy(write.octets, end);
  element = std::move(grown);
  return {};
}

}  // namespace

Result<ElementSnapshot> HostStore::load() {
  const SecretBytes file = KB_TRY(snapshot_->read_all());
  if (file.empty()) {
    return fail(Errc::kNotFound, "no elements were saved here");
  }
  ElementSnapshot snapshot = KB_TRY(ElementSnapshot::decode(file.expose()));
  const SecretBytes journal = KB_TRY(journal_medium_->read_all());
  const auto replayed = HostJournal::replay(journal.expose(), snapshot.name);
  if (!replayed && replayed.error().code == Errc::kNotFound) {
    return snapshot;  // a journal from before this snapshot, or one that was not begun yet
  }
  if (!replayed) {
    return std::unexpected(replayed.error());
  }
  for (const HostJournal::Write& write : replayed->writes) {
    KB_TRY(apply(write, snapshot));
  }
  return snapshot;
}

Result<void> HostStore::save(const SnapshotName& name, ByteView file) {
  const std::lock_guard lock(mutex_);
  KB_TRY(snapshot_->replace_all(file));
  journal_.emplace(name);
  begun_ = false;
  dead_ = false;
  return begin_journal();
}

Result<void> HostStore::begin_journal() {
  const Bytes head = journal_->begin();
  KB_TRY(journal_medium_->replace_all(head));
  begun_ = true;
  octets_ = head.size();
  return {};
}

Result<void> HostStore::write(const HostJournal::Write& write) {
  const std::lock_guard lock(mutex_);
  if (!journal_ || dead_) {
    return fail(dead_ ? Errc::kIo : Errc::kState, "the elements' store cannot be written");
  }
  if (!begun_) {
    KB_TRY(begin_journal());
  }
  const SecretBytes frame = journal_->frame(write);
  if (auto written = journal_medium_->append(frame.expose()); !written) {
    dead_ = written.error().code != Errc::kNoSpace;
    return written;
  }
  journal_->keep();
  octets_ += frame.size();
  return {};
}

std::uint64_t HostStore::journal_octets() const {
  const std::lock_guard lock(mutex_);
  return octets_;
}

}  // namespace kagibin::se
