// SPDX-License-Identifier: Apache-2.0
// The key file beside a profile: where its key sets take their values from.
//
//   # a comment, to the end of the line
//   issuer.master = 000102030405060708090A0B0C0D0E0F
//   spare.enc = ...
//   spare.mac = ...
//   spare.dek = ...
//
// One line a value, NAME.PART = hexadecimal digits; NAME is that of the key set in the profile. It
// holds keys: mode 0600, as it is written. What it lacks may be drawn at random (fill), and then it
// is written for the host's side. Limits: 64 KiB, 64 values. Ownership: secrets, move-only.
//
//   ProfileKeys keys = KB_TRY(ProfileKeys::parse(octets));
//   KB_TRY(keys.fill(profile, rng));
//   KB_TRY(crypto::write_file(path, keys.encode().expose(), true));
#pragma once

#include <map>
#include <string>

#include "kagibin/base/secret.h"
#include "kagibin/cli/profile/profile_file.h"
#include "kagibin/crypto/rng.h"

namespace kagibin::cli {

class ProfileKeys {
 public:
  // kEncoding, kLimit; kConflict for a value that stands twice.
  static Result<ProfileKeys> parse(const SecretBytes& text);
  // In the order of their names; parse() reads it back.
  SecretBytes encode() const;

  // nullptr when it is not there.
  const SecretBytes* find(const std::string& set, const std::string& part) const;
  // The first value that the profile needs and this lacks, "issuer.master"; empty when all are
  // there.
  std::string missing(const ProfileFile& profile) const;
  // Draws the values that `profile` needs and this lacks.
  Result<void> fill(const ProfileFile& profile, crypto::Rng& rng);

 private:
  std::map<std::string, SecretBytes> values_;
};

}  // namespace kagibin::cli
