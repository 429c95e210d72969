// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp02/scp02_messages.h"

#include "kagibin/crypto/cipher/padding.h"

namespace kagibin::scp {

namespace {

constexpr std::size_t kShortLimit = 255;
constexpr std::uint32_t kShortLe = 256;

}  // namespace

bool is_sent_extended(const apdu::CommandApdu& command, std::size_t data_bytes) {
  return command.extended || data_bytes > kShortLimit || command.le.value_or(1) > kShortLe;
}

Result<crypto::DesBlock> scp02_command_mac(const Scp02SessionKeys& keys,
                                           const crypto::DesBlock& icv,
                                           const apdu::CommandApdu& command,
                                           bool extended,
                                           ByteView data) {
  apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  cla.channel = 0;
  cla.secure_messaging = true;
  const std::size_t length = data.size() + kScp02MacSize;
  std::array<std::uint8_t, 7> header{cla.encode(), command.ins, command.p1, command.p2};
  std::size_t size = 4;
  if (extended) {
    header[size++] = 0;
    header[size++] = static_cast<std::uint8_t>(length >> 8U);
  }
  header[size++] = static_cast<std::uint8_t>(length & 0xFFU);
  return crypto::retail_mac(keys.c_mac.expose(), icv, {ByteView(header).first(size), data});
}

Result<crypto::DesBlock> scp02_next_icv(const Scp02SessionKeys& keys,
                                        const crypto::DesBlock& c_mac_before) {
  return crypto::des_encrypt_block(keys.c_mac.expose().first(crypto::kDesBlockSize), c_mac_before);
}

Result<Bytes> scp02_encrypt_data(const Scp02SessionKeys& keys, ByteView data) {
  const SecretBytes padded = crypto::pad80(data, crypto::kDesBlockSize);
  return crypto::des3_cbc_encrypt(keys.s_enc.expose(), {}, padded.expose());
}

Result<SecretBytes> scp02_decrypt_data(const Scp02SessionKeys& keys, ByteView data) {
  return crypto::des3_cbc_decrypt(keys.s_enc.expose(), {}, data);
}

}  // namespace kagibin::scp
