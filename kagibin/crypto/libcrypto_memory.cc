// SPDX-License-Identifier: Apache-2.0
#include "kagibin/crypto/libcrypto_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <malloc.h>
#include <openssl/crypto.h>

namespace kagibin::crypto {
namespace {

void* allocate(std::size_t size, const char*, int) { return std::malloc(size); }

void wipe_and_free(void* block, const char*, int) {
  if (block != nullptr) {
    explicit_bzero(block, malloc_usable_size(block));
    std::free(block);
  }
}

// Always to a new block: realloc() would leave the old one as it was.
void* reallocate(void* block, std::size_t size, const char* file, int line) {
  void* const out = size == 0 ? nullptr : std::malloc(size);
  if (block != nullptr && (out != nullptr || size == 0)) {
    if (out != nullptr) {
      std::memcpy(out, block, std::min(size, malloc_usable_size(block)));
    }
    wipe_and_free(block, file, line);
  }
  return out;
}

bool installed = false;

// Before every initializer that has no priority, the network library's among them.
[[gnu::constructor(101)]] void install() {
  installed = CRYPTO_set_mem_functions(allocate, reallocate, wipe_and_free) == 1;
}

}  // namespace

bool wipes_what_it_frees() { return installed; }

}  // namespace kagibin::crypto
