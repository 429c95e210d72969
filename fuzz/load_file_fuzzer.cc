// SPDX-License-Identifier: Apache-2.0
// Load files: a built-in application's data block, a CAP file, and a load file that LOAD carries in
// blocks, cut where its first octet says.
#include <algorithm>

#include "kagibin/gp/content/cap_file.h"
#include "kagibin/gp/content/load.h"
#include "kagibin/se/load_file.h"

#include "fuzz/round_trip.h"

namespace kagibin {
namespace {

constexpr std::size_t kLimit = 4'096;

bool read(gp::LoadFileReader& reader, ByteView file, std::size_t block_size) {
  while (!file.empty()) {
    const ByteView block = file.first(std::min(block_size, file.size()));
    if (!reader.add(block)) {
      return false;
    }
    file = file.subspan(block.size());
  }
  return reader.complete();
}

// Where the blocks are cut changes nothing; lengths have several forms, so what is written reads
// as the same.
void check_blocks(ByteView file, std::size_t block_size) {
  gp::LoadFileReader in_blocks(kLimit);
  gp::LoadFileReader at_once(kLimit);
  const bool complete = read(in_blocks, file, block_size);
  KB_CHECK(read(at_once, file, std::max(file.size(), std::size_t{1})) == complete);
  if (complete) {
    KB_CHECK(equal(in_blocks.data_block(), at_once.data_block()));
    KB_CHECK(in_blocks.dap_blocks() == at_once.dap_blocks());
    const Bytes written = gp::encode_load_file(at_once.dap_blocks(), at_once.data_block());
    gp::LoadFileReader again(kLimit);
    KB_CHECK(read(again, written, 100) && equal(again.data_block(), at_once.data_block()));
    KB_CHECK(again.dap_blocks() == at_once.dap_blocks());
  }
}

}  // namespace
}  // namespace kagibin

FUZZ_OCTETS(octets) {
  const auto file = kagibin::se::LoadFile::decode(octets);
  if (file) {
    KB_CHECK(kagibin::equal(file->data_block(), octets));
  }
  const auto cap = kagibin::gp::CapFile::decode(octets);
  KB_CHECK(!cap || cap->applets.size() <= kagibin::gp::CapFile::kMaxApplets);
  if (!octets.empty()) {
    kagibin::check_blocks(octets.subspan(1), std::size_t{octets[0]} + 1);
  }
}
