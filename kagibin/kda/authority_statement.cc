// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/authority_statement.h"

#include <utility>

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::kda {

namespace {

constexpr tlv::Tag kKindTag = 0x80;
constexpr tlv::Tag kValueTag = 0x81;
constexpr tlv::Tag kSignatureTag = 0x9E;

Result<std::size_t> value_size(std::uint8_t kind) {
  switch (kind) {
    case 0x01:
      return std::size_t{4};
    case 0x02:
      return std::size_t{2};
    case 0x03:
      return AuthorityStatement::kRootNumberSize + AuthorityStatement::kRootPointSize;
    default:
      return fail(Errc::kNotSupported, "a statement of the authority is 01, 02 or 03");
  }
}

}  // namespace

Result<AuthorityStatement> AuthorityStatement::decode(ByteView octets) {
  tlv::TlvReader in(octets);
  const std::uint8_t kind = tlv::to_u8(KB_TRY(in.expect(kKindTag, 1)));
  const std::size_t size = KB_TRY(value_size(kind));
  const ByteView value = KB_TRY(in.expect(kValueTag, size)).value;
  const ByteView signature = KB_TRY(in.expect(kSignatureTag, 8, 72)).value;
  KB_TRY(in.finish());
  return AuthorityStatement{Kind{kind}, Bytes(value.begin(), value.end()),
                            Bytes(signature.begin(), signature.end())};
}

Bytes AuthorityStatement::signed_part() const {
  return tlv::TlvWriter().put_u8(kKindTag, std::to_underlying(kind)).put(kValueTag, value).take();
}

Bytes AuthorityStatement::encode() const {
  return tlv::TlvWriter().raw(signed_part()).put(kSignatureTag, signature).take();
}

}  // namespace kagibin::kda
