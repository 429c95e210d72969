// SPDX-License-Identifier: Apache-2.0
// Snapshots and journals of many elements. What is replayed of a journal makes the same journal
// again.
#include "kagibin/se/host/host_journal.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  using kagibin::Bytes;
  using kagibin::se::HostJournal;
  kagibin::fuzz::check_round_trip<kagibin::se::ElementSnapshot>(octets);
  const kagibin::se::SnapshotName name{'f', 'u', 'z', 'z'};
  const auto replayed = HostJournal::replay(octets, name);
  if (!replayed) {
    return;
  }
  HostJournal journal(name);
  Bytes again = journal.begin();
  for (const HostJournal::Write& write : replayed->writes) {
    kagibin::append(again, journal.frame(write).expose());
    journal.keep();
  }
  KB_CHECK(replayed->torn ? again.size() < octets.size() : again.size() == octets.size());
  KB_CHECK(kagibin::equal(again, octets.first(again.size())));
}
