// SPDX-License-Identifier: Apache-2.0
// Key blocks: what decodes encodes to the same characters, and opens under no key by chance.
#include "kagibin/crypto/key_block/key_block.h"
#include "kagibin/crypto/key_block/key_block_protection.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  using kagibin::crypto::KeyBlock;
  const auto block = KeyBlock::decode(octets);
  if (block) {
    const auto again = block->encode();
    KB_CHECK(again.has_value() && kagibin::equal(*again, octets));
    KB_CHECK(!kagibin::crypto::open_key_block(kagibin::SecretBytes(16), *block));
  }
}
