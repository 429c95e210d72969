// SPDX-License-Identifier: Apache-2.0
#include "kagibin/scp/scp03/scp03_messages.h"

#include "kagibin/base/byte_io.h"

namespace kagibin::scp {

namespace {

constexpr std::size_t kShortLimit = 255;
constexpr std::uint32_t kShortLe = 256;
constexpr std::uint8_t kResponseMark = 0x80;

// The form the command is sent in, as CommandApdu::encode() chooses it.
bool is_extended(const apdu::CommandApdu& command, std::size_t length) {
  return command.extended || length > kShortLimit || command.le.value_or(1) > kShortLe;
}

}  // namespace

Result<crypto::AesBlock> command_mac(const Scp03SessionKeys& keys,
                                     const crypto::AesBlock& chaining_value,
                                     const apdu::CommandApdu& command,
                                     ByteView data,
                                     std::size_t mac_size) {
  apdu::ClassOctet cla = KB_TRY(apdu::ClassOctet::decode(command.cla));
  cla.channel = 0;
  cla.secure_messaging = true;
  const std::size_t length = data.size() + mac_size;
  // Header of at most seven octets, without an allocation.
  std::array<std::uint8_t, 7> header{cla.encode(), command.ins, command.p1, command.p2};
  std::size_t size = 4;
  if (is_extended(command, length)) {
    header[size++] = 0;
    header[size++] = static_cast<std::uint8_t>(length >> 8U);
  }
  header[size++] = static_cast<std::uint8_t>(length & 0xFFU);
  return crypto::aes_cmac(keys.s_mac.expose(),
                          {chaining_value, ByteView(header).first(size), data});
}

Result<crypto::AesBlock> response_mac(const Scp03SessionKeys& keys,
                                      const crypto::AesBlock& chaining_value,
                                      ByteView data,
                                      StatusWord sw) {
  const std::array<std::uint8_t, 2> trailer{sw.sw1(), sw.sw2()};
  return crypto::aes_cmac(keys.s_rmac.expose(), {chaining_value, data, trailer});
}

Result<crypto::AesBlock> encryption_icv(const Scp03SessionKeys& keys,
                                        std::uint32_t counter,
                                        Direction direction) {
  crypto::AesBlock block{};
  block[0] = direction == Direction::kResponse ? kResponseMark : std::uint8_t{0};
  for (std::size_t i = 0; i < 4; ++i) {
    block[block.size() - 1 - i] = static_cast<std::uint8_t>((counter >> (8U * i)) & 0xFFU);
  }
  return crypto::aes_encrypt_block(keys.s_enc.expose(), block);
}

Result<Bytes> encrypt_data(const Scp03SessionKeys& keys,
                           std::uint32_t counter,
                           Direction direction,
                           ByteView data) {
  const crypto::AesBlock icv = KB_TRY(encryption_icv(keys, counter, direction));
  const SecretBytes padded = crypto::pad80(data);
  return crypto::aes_cbc_encrypt(keys.s_enc.expose(), icv, padded.expose());
}

Result<SecretBytes> decrypt_data(const Scp03SessionKeys& keys,
                                 std::uint32_t counter,
                                 Direction direction,
                                 ByteView data) {
  if (data.empty() || data.size() % crypto::kAesBlockSize != 0) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  const crypto::AesBlock icv = KB_TRY(encryption_icv(keys, counter, direction));
  SecretBytes plain = KB_TRY(crypto::aes_cbc_decrypt(keys.s_enc.expose(), icv, data));
  // Published sessions show answers padded by more than one block.
  const auto size = direction == Direction::kResponse ? crypto::unpad80_blocks(plain.expose())
                                                      : crypto::unpad80(plain.expose());
  if (!size) {
    return fail(Errc::kAuthentication, "secure messaging is wrong");
  }
  plain.shrink(*size);
  return plain;
}

}  // namespace kagibin::scp
