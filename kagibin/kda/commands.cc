// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/commands.h"

#include <algorithm>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::kda {

namespace {

constexpr std::uint32_t kAnyLe = 256;
constexpr std::uint8_t kChaining = 0x10;  // b5 (ISO/IEC 7816-4, 5.4.1)
constexpr tlv::Tag kHandleTag = 0x83;
constexpr std::size_t kHandleSize = 16;

apdu::CommandApdu single(std::uint8_t instruction, ByteView data, bool expects_answer) {
  const Commands blocks = chain(instruction, data, expects_answer);
  KB_CHECK(blocks.size() == 1);
  return blocks.front();
}

}  // namespace

Aid aid() { return Aid::from(kAid).value(); }

Commands chain(std::uint8_t instruction,
               ByteView message,
               bool expects_answer,
               std::size_t block_size) {
  KB_CHECK(block_size >= 1 && block_size <= kBlockSize && message.size() <= 256 * block_size);
  Commands out;
  do {
    const ByteView block = message.first(std::min(block_size, message.size()));
    message = message.subspan(block.size());
    const bool last = message.empty();
    out.push_back(
        {.cla = static_cast<std::uint8_t>(last ? kClass : kClass | kChaining),
         .ins = instruction,
         .p1 = 0,
         .p2 = static_cast<std::uint8_t>(out.size()),
         .data = Bytes(block.begin(), block.end()),
         .le = last && expects_answer ? std::optional<std::uint32_t>(kAnyLe) : std::nullopt});
  } while (!message.empty());
  return out;
}

apdu::CommandApdu select(const Aid& application) {
  const ByteView name = application.view();
  return {.cla = 0x00,
          .ins = apdu::ins::kSelect,
          .p1 = 0x04,
          .p2 = 0x00,
          .data = Bytes(name.begin(), name.end()),
          .le = kAnyLe};
}

Commands enrol(ByteView request, ByteView security_domain_certificate) {
  Bytes message(request.begin(), request.end());
  append(message, security_domain_certificate);
  return chain(ins::kEnrol, message, true);
}

Commands load(const Handle& handle, ByteView envelope) {
  Bytes message = encode_handle(handle);
  append(message, envelope);
  return chain(ins::kLoad, message, false);
}

Commands next(ByteView request) { return chain(ins::kNext, request, true); }
apdu::CommandApdu get_receipt(const Handle& handle) {
  return single(ins::kGetReceipt, encode_handle(handle), true);
}
Commands cancel(ByteView request) { return chain(ins::kCancel, request, false); }
apdu::CommandApdu status(const Handle& handle) {
  return single(ins::kStatus, encode_handle(handle), true);
}
apdu::CommandApdu statement(ByteView message) { return single(ins::kStatement, message, false); }
apdu::CommandApdu capabilities() { return single(ins::kCapabilities, {}, true); }
apdu::CommandApdu generate() { return single(ins::kGenerate, {}, true); }
Commands store_certificates(ByteView message, std::size_t block_size) {
  return chain(ins::kStoreCertificates, message, false, block_size);
}

Bytes encode_handle(const Handle& handle) { return tlv::encode(kHandleTag, handle.view()); }

Result<Handle> decode_handle(ByteView octets) {
  tlv::TlvReader in(octets);
  const tlv::Tlv handle = KB_TRY(in.expect(kHandleTag, kHandleSize));
  KB_TRY(in.finish());
  return Handle::from(handle.value);
}

}  // namespace kagibin::kda
