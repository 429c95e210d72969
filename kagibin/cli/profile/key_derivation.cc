// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/profile/key_derivation.h"

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/cipher/des3.h"
#include "kagibin/crypto/kdf/kdf.h"

namespace kagibin::cli {

namespace {

constexpr std::uint8_t kEnc = 0x01;
constexpr std::uint8_t kMac = 0x02;
constexpr std::uint8_t kDek = 0x03;

Result<SecretBytes> kdf3(const SecretBytes& master,
                         std::uint8_t usage,
                         const DiversificationData& data) {
  const Bytes suffix = ByteWriter().u8(0).u8(0).u8(0).u8(usage).u8(0).bytes(data).take();
  return crypto::sp800_108_counter_cmac(master.expose(), {}, suffix, master.size());
}

Result<SecretBytes> emv(const SecretBytes& master,
                        std::uint8_t usage,
                        const DiversificationData& data) {
  const ByteView tail = ByteView(data).subspan(4);
  const Bytes blocks =
      ByteWriter().bytes(tail).u8(0xF0).u8(usage).bytes(tail).u8(0x0F).u8(usage).take();
  Bytes key = KB_TRY(crypto::des3_ecb_encrypt(master.expose(), blocks));
  SecretBytes out = SecretBytes::copy_of(key);
  wipe(key);
  return out;
}

}  // namespace

Result<scp::Scp03KeySet> derive_kdf3(const SecretBytes& master, const DiversificationData& data) {
  if (!crypto::is_aes_key_size(master.size())) {
    return fail(Errc::kInvalidArgument, "a master key of AES keys has 16, 24 or 32 octets");
  }
  return scp::Scp03KeySet::create(KB_TRY(kdf3(master, kEnc, data)),
                                  KB_TRY(kdf3(master, kMac, data)),
                                  KB_TRY(kdf3(master, kDek, data)));
}

Result<scp::Scp02KeySet> derive_emv(const SecretBytes& master, const DiversificationData& data) {
  constexpr std::size_t kSize = 16;
  if (master.size() != kSize) {
    return fail(Errc::kInvalidArgument, "a master key of 3DES keys has 16 octets");
  }
  return scp::Scp02KeySet::create(KB_TRY(emv(master, kEnc, data)), KB_TRY(emv(master, kMac, data)),
                                  KB_TRY(emv(master, kDek, data)));
}

}  // namespace kagibin::cli
