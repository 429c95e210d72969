// SPDX-License-Identifier: Apache-2.0
// What an audit log's reader decodes: entries, bundles, tiles, verifier keys and checkpoints. The
// first octet says which. What decodes encodes to the same octets.
#include <string>

#include "kagibin/roles/key_distribution_operator/audit/audit_entry.h"
#include "kagibin/roles/key_distribution_operator/audit/signed_note.h"
#include "kagibin/roles/key_distribution_operator/audit/tile_path.h"

#include "fuzz/round_trip.h"

namespace {

using namespace kagibin;
namespace kdo = roles::key_distribution_operator;

void check_same(ByteView left, ByteView right) { KB_CHECK(equal(left, right)); }

}  // namespace

FUZZ_OCTETS(octets) {
  if (octets.empty()) {
    return;
  }
  const ByteView rest = octets.subspan(1);
  const std::string text(rest.begin(), rest.end());
  switch (octets.front() % 5) {
    case 0:
      if (const auto entry = kdo::decode_audit_entry(rest)) {
        check_same(kdo::encode(*entry), rest);
      }
      break;
    case 1:
      if (const auto entries = kdo::decode_bundle(rest)) {
        check_same(kdo::encode_bundle(*entries), rest);
      }
      break;
    case 2:
      if (const auto hashes = kdo::decode_hashes(rest)) {
        check_same(kdo::encode(*hashes), rest);
      }
      break;
    case 3:
      if (const auto key = kdo::VerifierKey::parse(text)) {
        check_same(ascii(key->text()), rest);
      }
      break;
    default:
      static_cast<void>(
          kdo::open_checkpoint(text, {.name = "kagibin-audit/0011223344556677", .key = {}}));
  }
}
