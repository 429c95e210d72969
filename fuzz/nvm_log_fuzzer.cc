// SPDX-License-Identifier: Apache-2.0
// The log of the element's memory: octets as a log, and octets as the changes of one frame, which
// gets past the checks. A log that lost its last octet is torn, and never read as something new.
#include <algorithm>

#include "kagibin/se/nvm/nvm_log.h"

#include "fuzz/round_trip.h"

namespace kagibin::se::nvm_log {
namespace {

bool is_same(const Records& left, const Records& right) {
  return std::ranges::equal(left, right, [](const auto& a, const auto& b) {
    return a.first == b.first && equal(a.second.expose(), b.second.expose());
  });
}

Bytes log_of(ByteView changes) {
  const SecretBytes body = frame(0, changes);
  Bytes log(kMagic.begin(), kMagic.end());
  append(log, body.expose());
  return log;
}

// What is live, written as one frame, is live again.
void check_compaction(const Records& records) {
  ByteWriter changes;
  for (const auto& [name, content] : records) {
    put_change(changes, name, content.expose());
  }
  const auto again = replay(log_of(changes.view()));
  KB_CHECK(again.has_value() && !again->torn && again->next_sequence == 1);
  KB_CHECK(is_same(again->records, records));
}

void check_log(ByteView log) {
  const auto replayed = replay(log);
  if (replayed) {
    check_compaction(replayed->records);
  }
}

void check_changes(ByteView changes) {
  const Bytes log = log_of(changes);
  const auto whole = replay(log);
  if (!whole) {
    return;
  }
  KB_CHECK(!whole->torn);
  check_compaction(whole->records);
  const auto torn = replay(ByteView(log).first(log.size() - 1));
  KB_CHECK(torn.has_value() && torn->torn && torn->records.empty());
}

}  // namespace
}  // namespace kagibin::se::nvm_log

FUZZ_OCTETS(octets) {
  kagibin::se::nvm_log::check_log(octets);
  kagibin::se::nvm_log::check_changes(octets);
}
