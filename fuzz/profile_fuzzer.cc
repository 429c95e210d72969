// SPDX-License-Identifier: Apache-2.0
// Profiles and the key files beside them. What is read of a key file is written and read again.
#include "kagibin/cli/profile/profile_keys.h"

#include "fuzz/round_trip.h"

FUZZ_OCTETS(octets) {
  using kagibin::cli::ProfileKeys;
  const std::string text(octets.begin(), octets.end());
  static_cast<void>(kagibin::cli::ProfileFile::parse(text));
  const auto keys = ProfileKeys::parse(kagibin::SecretBytes::copy_of(octets));
  if (keys) {
    const kagibin::SecretBytes written = keys->encode();
    const auto again = ProfileKeys::parse(written);
    KB_CHECK(again.has_value());
    KB_CHECK(kagibin::ct_equal(again->encode().expose(), written.expose()));
  }
}
