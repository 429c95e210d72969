// SPDX-License-Identifier: Apache-2.0
// Load file data block hash and signature (GPCS 2.3.1, 9.2.1, C.2 and C.3): what DAP Verification
// and Mandated DAP Verification are about. The block itself, E2 { 4F | C3 }, is content/load.h's.
//
//   hash       of the load file data block, the value of C4 alone; SHA-1, SHA-256, SHA-384,
//   SHA-512,
//              told apart by their lengths
//   signature  of the hash, as signature.h says for the key
//
//   const Bytes hash = load_file_hash(crypto::HashAlgorithm::kSha256, data_block);
//   DapBlock block{domain, KB_TRY(sign_load_file(key, hash, rng))};
#pragma once

#include "kagibin/crypto/hash.h"
#include "kagibin/gp/delegated/signature.h"

namespace kagibin::gp {

Bytes load_file_hash(crypto::HashAlgorithm algorithm, ByteView data_block);
// Whether `hash` is the data block's, under the algorithm of its length. False for other lengths.
bool is_load_file_hash(ByteView hash, ByteView data_block);

// kLength for a hash of another length.
Result<Bytes> sign_load_file(const Key& key, ByteView hash, crypto::Rng& rng);
bool verify_load_file(const Key& key, ByteView hash, ByteView signature);

}  // namespace kagibin::gp
