// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/card/card_capability.h"

#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kCapability = 0x67;
constexpr tlv::Tag kProtocol = 0xA0;
constexpr tlv::Tag kIdentifier = 0x80;
constexpr tlv::Tag kOptions = 0x81;
constexpr tlv::Tag kKeySizes = 0x82;
constexpr tlv::Tag kDomainPrivileges = 0x81;
constexpr tlv::Tag kApplicationPrivileges = 0x82;
constexpr tlv::Tag kHashes = 0x83;
constexpr tlv::Tag kBlockCiphers = 0x84;
constexpr tlv::Tag kTokenSchemes = 0x85;
constexpr tlv::Tag kReceiptSchemes = 0x86;
constexpr tlv::Tag kDapSchemes = 0x87;
constexpr tlv::Tag kCurves = 0x88;
constexpr std::size_t kPrivilegesSize = 3;
constexpr std::size_t kMaxSchemes = 2;

Result<CardCapability::Protocol> read_protocol(ByteView value) {
  tlv::TlvReader in(value);
  CardCapability::Protocol out;
  out.scp = tlv::to_u8(KB_TRY(in.expect(kIdentifier, 1)));
  const tlv::Tlv options = KB_TRY(in.expect(kOptions, 1, 0xFF));
  out.options.assign(options.value.begin(), options.value.end());
  if (const auto sizes = KB_TRY(in.optional(kKeySizes, 1))) {
    out.key_sizes = tlv::to_u8(*sizes);
  }
  return out;  // of SCP81 more follows
}

Result<void> take(Bytes& out, ByteView value, std::size_t most) {
  if (!out.empty()) {
    return fail(Errc::kUnexpectedTag, "an object of card capability information stands once");
  }
  if (value.empty() || value.size() > most) {
    return fail(Errc::kLength, "an object of card capability information has a wrong length");
  }
  out.assign(value.begin(), value.end());
  return {};
}

Result<Privileges> read_privileges(ByteView value, bool again) {
  if (again) {
    return fail(Errc::kUnexpectedTag, "privileges of card capability information stand once");
  }
  if (value.size() != kPrivilegesSize) {
    return fail(Errc::kLength, "privileges of card capability information have three octets");
  }
  return Privileges::decode(value);
}

void put(tlv::TlvWriter& out, tlv::Tag tag, const Bytes& value) {
  if (!value.empty()) {
    out.put(tag, value);
  }
}

}  // namespace

Result<CardCapability> CardCapability::decode(ByteView octets) {
  const tlv::Tlv outer = KB_TRY(tlv::read_single(octets, kCapability));
  tlv::TlvReader in(outer.value);
  CardCapability out;
  bool has_application_privileges = false;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    switch (object.tag) {
      case kProtocol:
        out.protocols.push_back(KB_TRY(read_protocol(object.value)));
        break;
      case kDomainPrivileges:
        out.domain_privileges =
            KB_TRY(read_privileges(object.value, out.domain_privileges.has_value()));
        break;
      case kApplicationPrivileges:
        out.application_privileges =
            KB_TRY(read_privileges(object.value, has_application_privileges));
        has_application_privileges = true;
        break;
      case kHashes:
        KB_TRY(take(out.hashes, object.value, 0xFF));
        break;
      case kBlockCiphers:
        if (out.block_ciphers || object.value.size() != 1) {
          return fail(Errc::kLength, "ciphers of load file data blocks have one octet, once");
        }
        out.block_ciphers = object.value[0];
        break;
      case kTokenSchemes:
        KB_TRY(take(out.token_schemes, object.value, kMaxSchemes));
        break;
      case kReceiptSchemes:
        KB_TRY(take(out.receipt_schemes, object.value, kMaxSchemes));
        break;
      case kDapSchemes:
        KB_TRY(take(out.dap_schemes, object.value, kMaxSchemes));
        break;
      case kCurves:
        KB_TRY(take(out.curves, object.value, 0xFF));
        break;
      default:
        break;
    }
  }
  if (out.protocols.empty() || !has_application_privileges || out.hashes.empty()) {
    return fail(Errc::kTruncated, "card capability information has A0, 82 and 83");
  }
  return out;
}

Bytes CardCapability::encode() const {
  tlv::TlvWriter out;
  for (const Protocol& protocol : protocols) {
    tlv::TlvWriter inner;
    inner.put_u8(kIdentifier, protocol.scp).put(kOptions, protocol.options);
    if (protocol.key_sizes) {
      inner.put_u8(kKeySizes, *protocol.key_sizes);
    }
    out.put(kProtocol, inner.view());
  }
  if (domain_privileges) {
    out.put(kDomainPrivileges, domain_privileges->encode_three());
  }
  out.put(kApplicationPrivileges, application_privileges.encode_three());
  put(out, kHashes, hashes);
  if (block_ciphers) {
    out.put_u8(kBlockCiphers, *block_ciphers);
  }
  put(out, kTokenSchemes, token_schemes);
  put(out, kReceiptSchemes, receipt_schemes);
  put(out, kDapSchemes, dap_schemes);
  put(out, kCurves, curves);
  return tlv::encode(kCapability, out.view());
}

}  // namespace kagibin::gp
