// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/install.h"

#include <utility>

#include "kagibin/base/byte_io.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kApplicationParameters = 0xC9;
constexpr std::uint8_t kOneOctetLength = 0x81;
constexpr std::uint8_t kTwoOctetLength = 0x82;

// A BER length in its minimal form and that many octets.
Result<ByteView> read_field(ByteReader& in) {
  std::size_t length = KB_TRY(in.u8());
  if (length == kOneOctetLength) {
    length = KB_TRY(in.u8());
    if (length < 0x80) {
      return fail(Errc::kEncoding, "a length is in its shortest form");
    }
  } else if (length == kTwoOctetLength) {
    length = KB_TRY(in.u16());
    if (length < 0x100) {
      return fail(Errc::kEncoding, "a length is in its shortest form");
    }
  } else if (length >= 0x80) {
    return fail(Errc::kEncoding, "a length is below 80, or follows 81 or 82");
  }
  return in.bytes(length);
}

void write_field(ByteWriter& out, ByteView value) {
  if (value.size() >= 0x100) {
    out.u8(kTwoOctetLength).u16(static_cast<std::uint16_t>(value.size()));
  } else if (value.size() >= 0x80) {
    out.u8(kOneOctetLength).u8(static_cast<std::uint8_t>(value.size()));
  } else {
    out.u8(static_cast<std::uint8_t>(value.size()));
  }
  out.bytes(value);
}

Result<std::optional<Aid>> read_aid(ByteReader& in) {
  const ByteView octets = KB_TRY(read_field(in));
  if (octets.empty()) {
    return std::nullopt;
  }
  return KB_TRY(Aid::from(octets));
}

Result<InstallFor> purpose_from(std::uint8_t p1, std::uint8_t p2) {
  if (p2 != 0) {
    return fail(Errc::kNotSupported, "INSTALL combined with a load (P2) is not taken");
  }
  switch (p1) {
    case 0x04:
    case 0x08:
    case 0x0C:
    case 0x20:
      return static_cast<InstallFor>(p1);
    default:
      return fail(Errc::kNotSupported,
                  "INSTALL is for install (04), make selectable (08), both (0C) or "
                  "personalization (20)");
  }
}

Result<void> check(const Install& install) {
  KB_TRY(purpose_from(std::to_underlying(install.purpose), 0));
  KB_TRY(install.privileges.check());
  if (install.installs() != install.load_file.has_value() ||
      install.installs() != install.module.has_value()) {
    return fail(Errc::kValue, "load file and module are named for install, and only then");
  }
  if (install.purpose == InstallFor::kPersonalization &&
      (install.privileges.bits != 0 || !install.parameters.empty() || !install.token.empty())) {
    return fail(Errc::kValue, "INSTALL [for personalization] carries an application AID alone");
  }
  return {};
}

}  // namespace

Result<Install> Install::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const InstallFor purpose = KB_TRY(purpose_from(p1, p2));
  ByteReader in(data);
  const std::optional<Aid> load_file = KB_TRY(read_aid(in));
  const std::optional<Aid> module = KB_TRY(read_aid(in));
  const std::optional<Aid> application = KB_TRY(read_aid(in));
  if (!application) {
    return fail(Errc::kValue, "INSTALL names an application");
  }
  Install out{
      .purpose = purpose, .load_file = load_file, .module = module, .application = *application};
  const ByteView privileges = KB_TRY(read_field(in));
  if (!privileges.empty() || out.installs()) {
    out.privileges = KB_TRY(Privileges::decode(privileges));
  }
  const ByteView parameters = KB_TRY(read_field(in));
  out.parameters.assign(parameters.begin(), parameters.end());
  const ByteView token = KB_TRY(read_field(in));
  out.token.assign(token.begin(), token.end());
  KB_TRY(in.finish());
  KB_TRY(check(out));
  return out;
}

Result<apdu::CommandApdu> Install::encode() const {
  KB_TRY(check(*this));
  constexpr std::size_t kLongest = 0xFFFF;
  if (parameters.size() > kLongest || token.size() > kLongest) {
    return fail(Errc::kLength, "a field of INSTALL has at most 65,535 octets");
  }
  ByteWriter out;
  write_field(out, load_file ? load_file->view() : ByteView{});
  write_field(out, module ? module->view() : ByteView{});
  write_field(out, application.view());
  write_field(out, purpose == InstallFor::kPersonalization ? Bytes{} : privileges.encode());
  write_field(out, parameters);
  write_field(out, token);
  return apdu::CommandApdu{.cla = 0x80,
                           .ins = apdu::ins::kInstall,
                           .p1 = std::to_underlying(purpose),
                           .p2 = 0,
                           .data = out.take(),
                           .le = 256};
}

Result<ByteView> application_parameters(ByteView parameters) {
  tlv::TlvReader in(parameters);
  std::optional<ByteView> out;
  while (!in.empty()) {
    const tlv::Tlv object = KB_TRY(in.next());
    if (object.tag != kApplicationParameters) {
      continue;
    }
    if (out) {
      return fail(Errc::kUnexpectedTag, "C9 stands once in install parameters");
    }
    out = object.value;
  }
  if (!out) {
    return fail(Errc::kNotFound, "install parameters carry C9");
  }
  return *out;
}

Bytes with_application_parameters(ByteView value) {
  return tlv::encode(kApplicationParameters, value);
}

}  // namespace kagibin::gp
