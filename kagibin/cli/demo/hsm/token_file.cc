// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/hsm/token_file.h"

#include <algorithm>
#include <array>
#include <optional>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/ec/ec_key.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/sha256.h"

namespace kagibin::cli::demo {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kPrivate = 0x02;    // CKA_PRIVATE
constexpr std::uint64_t kLabel = 0x03;      // CKA_LABEL
constexpr std::uint64_t kValue = 0x11;      // CKA_VALUE
constexpr std::uint64_t kEcParams = 0x180;  // CKA_EC_PARAMS
constexpr std::uint64_t kEcPoint = 0x181;   // CKA_EC_POINT: a public key's file
constexpr std::uint64_t kTokenLabel = 0x80005349;
constexpr std::uint64_t kUserPin = 0x8000534D;
constexpr std::string_view kMagic = "RJR";
constexpr unsigned kTurns = 1500;
constexpr std::size_t kSalt = 8;

using Attributes = std::map<std::uint64_t, Bytes>;

Result<Attributes> read_file(const fs::path& path) {
  const SecretBytes file = KB_TRY(crypto::read_file(path));
  return read_object_file(file.expose());
}

// IV | AES-256-CBC with PKCS #7.
Result<SecretBytes> decrypted(ByteView key, ByteView sealed) {
  crypto::AesBlock iv{};
  if (sealed.size() < 2 * iv.size() || sealed.size() % iv.size() != 0) {
    return fail(Errc::kEncoding, "an encrypted attribute of the token is cut short");
  }
  std::ranges::copy(sealed.first(iv.size()), iv.begin());
  SecretBytes out = KB_TRY(crypto::aes_cbc_decrypt(key, iv, sealed.subspan(iv.size())));
  const std::size_t padding = out.expose().back();
  if (padding == 0 || padding > iv.size()) {
    return fail(Errc::kAuthentication, "the token's files do not open with this PIN");
  }
  out.shrink(out.size() - padding);
  return out;
}

Result<SecretBytes> token_key(const Attributes& token, const SecretBytes& pin) {
  const auto found = token.find(kUserPin);
  if (found == token.end() || found->second.size() <= kSalt) {
    return fail(Errc::kEncoding, "the token has no user PIN");
  }
  const ByteView blob = found->second;
  const ByteView salt = blob.first(kSalt);
  crypto::Digest256 key = crypto::sha256({salt, pin.expose()});
  for (unsigned turn = 1; turn < kTurns + salt.back(); ++turn) {
    key = crypto::sha256(key);
  }
  const auto opened = decrypted(key, blob.subspan(kSalt));
  wipe(key);
  if (!opened || opened->size() <= kMagic.size() ||
      !equal(opened->expose().first(kMagic.size()), ascii(kMagic))) {
    return fail(Errc::kAuthentication, "the token's files do not open with this PIN");
  }
  return SecretBytes::copy_of(opened->expose().subspan(kMagic.size()));
}

// Of a file of a private or secret key; empty for others.
Result<std::optional<TokenObject>> key_of(const Attributes& file, const SecretBytes& token) {
  const auto value = file.find(kValue);
  const auto label = file.find(kLabel);
  if (value == file.end() || label == file.end() || file.contains(kEcPoint)) {
    return std::optional<TokenObject>();
  }
  const auto flag = file.find(kPrivate);
  const bool is_private = flag != file.end() && flag->second.front() != 0;
  const auto clear = [&](const Bytes& octets) -> Result<SecretBytes> {
    return is_private ? decrypted(token.expose(), octets) : SecretBytes::copy_of(octets);
  };
  const SecretBytes name = KB_TRY(clear(label->second));
  SecretBytes key = KB_TRY(clear(value->second));
  if (file.contains(kEcParams) && key.size() < crypto::kEcScalarSize) {
    SecretBytes scalar(crypto::kEcScalarSize);  // leading zeros are left out
    std::ranges::copy(key.expose(), scalar.expose_mutable().last(key.size()).begin());
    key = std::move(scalar);
  }
  return std::optional(TokenObject{.label = std::string(name.expose().begin(), name.expose().end()),
                                   .value = std::move(key)});
}

}  // namespace

Result<Attributes> read_object_file(ByteView file) {
  constexpr std::uint64_t kFlagKind = 1;
  constexpr std::uint64_t kNumberKind = 2;
  constexpr std::uint64_t kOctetsKind = 3;
  constexpr std::uint64_t kMechanismsKind = 5;
  ByteReader in(file);
  KB_TRY(in.u64());  // how often the file was written
  Attributes out;
  while (!in.empty()) {
    const std::uint64_t type = KB_TRY(in.u64());
    const std::uint64_t kind = KB_TRY(in.u64());
    if (kind == kFlagKind) {
      out[type] = Bytes{KB_TRY(in.u8())};
      continue;
    }
    if (kind == kNumberKind) {
      KB_TRY(in.u64());
      continue;
    }
    std::uint64_t size = KB_TRY(in.u64());
    if (kind == kMechanismsKind && size < file.size()) {
      size *= sizeof(std::uint64_t);
    }
    if (size > in.remaining()) {
      return fail(Errc::kTruncated, "an attribute of the token is longer than its file");
    }
    const ByteView octets = KB_TRY(in.bytes(size));
    if (kind == kOctetsKind) {
      out[type] = Bytes(octets.begin(), octets.end());
    }
  }
  return out;
}

Result<std::vector<TokenObject>> read_token(const fs::path& tokens,
                                            std::string_view label,
                                            const SecretBytes& pin) {
  std::error_code error;
  for (const fs::directory_entry& folder : fs::directory_iterator(tokens, error)) {
    const Attributes token = KB_TRY(read_file(folder.path() / "token.object"));
    const auto named = token.find(kTokenLabel);
    std::string name =
        named == token.end() ? "" : std::string(named->second.begin(), named->second.end());
    name.erase(name.find_last_not_of(' ') + 1);
    if (name != label) {
      continue;
    }
    const SecretBytes key = KB_TRY(token_key(token, pin));
    std::vector<TokenObject> out;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path(), error)) {
      if (entry.path().extension() == ".object" && entry.path().stem() != "token") {
        const Attributes file = KB_TRY(read_file(entry.path()));
        auto object = KB_TRY(key_of(file, key));
        if (object) {
          out.push_back(std::move(*object));
        }
      }
    }
    return out;
  }
  return fail(Errc::kNotFound, "there is no token of this name");
}

}  // namespace kagibin::cli::demo
