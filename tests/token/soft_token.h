// SPDX-License-Identifier: Apache-2.0
// Tokens in software, as doubles of a hardware security module: each with a user PIN and nothing in
// it, in a folder of its own that goes with the object.
//
// kSoftHsm: SoftHSM 2. kNss: NSS softokn, reached through the faulty module, for it is initialised
// in a way of its own. kOpenCryptoki: the soft token of openCryptoki, whose slot daemon is started
// in mount and IPC namespaces of this process, so that the machine's own token stays untouched;
// needs root. A process has one kind of token, and one object at a time. KAGIBIN_TOKEN_* and
// SOFTHSM2_CONF of the process's environment are set.
//
//   const SoftToken token(SoftToken::Make::kSoftHsm);
//   if (!token.missing().empty()) { GTEST_SKIP() << token.missing(); }
//   tokens.signing_key(token.uri("signing"));
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <p11-kit/pkcs11.h>
#include <sys/types.h>

#include "kagibin/base/bytes.h"

namespace kagibin::test {

class SoftToken {
 public:
  enum class Make : std::uint8_t { kSoftHsm, kNss, kOpenCryptoki };

  // `through_faults`: behind faulty_module.cc.
  explicit SoftToken(Make make, bool through_faults = false);
  SoftToken(const SoftToken&) = delete;
  SoftToken& operator=(const SoftToken&) = delete;
  ~SoftToken();

  // Why it cannot be had here; empty when it can.
  const std::string& missing() const { return missing_; }
  std::string uri(std::string_view key) const;
  std::string token_uri() const;
  static std::string_view pin() { return "271828"; }
  // Puts a key in under this name, as the token's owner would with its own tools.
  void put_aes_key(std::string_view name, ByteView key, bool is_sensitive = true) const;
  // That the token does not tell the value of the one key of this name and class.
  bool is_kept_inside(std::string_view name, CK_OBJECT_CLASS object_class) const;
  // All that a user finds, objects of sessions included.
  std::size_t count_objects() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  void start_soft_hsm();
  void start_nss();
  void start_open_cryptoki();
  void initialise(std::string_view so_pin, bool with_init_token);

  std::filesystem::path folder_;
  std::string module_;
  std::string label_ = "kagibin";
  std::string missing_;
  pid_t daemon_ = 0;
};

}  // namespace kagibin::test
