// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/install.h"

#include <utility>

#include "kagibin/gp/content/length_value.h"
#include "kagibin/tlv/ber_tlv.h"

namespace kagibin::gp {

namespace {

constexpr tlv::Tag kApplicationParameters = 0xC9;

Result<InstallFor> purpose_from(std::uint8_t p1, std::uint8_t p2) {
  const bool ends_combined = p1 == std::to_underlying(InstallFor::kLoadInstallAndMakeSelectable) &&
                             p2 == kCombinedLoadEnds;
  if (ends_combined) {
    return InstallFor::kLoadInstallAndMakeSelectable;
  }
  if (p2 != 0) {
    return fail(Errc::kNotSupported, "P2 of INSTALL is 00 but in a combined load (GPCS 11.5.2.2)");
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

std::uint8_t p2_of(InstallFor purpose) {
  return purpose == InstallFor::kLoadInstallAndMakeSelectable ? kCombinedLoadEnds : std::uint8_t{0};
}

Result<void> check(const Install& install) {
  KB_TRY(purpose_from(std::to_underlying(install.purpose), p2_of(install.purpose)));
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
  const std::optional<Aid> load_file = KB_TRY(read_aid_field(in));
  const std::optional<Aid> module = KB_TRY(read_aid_field(in));
  const std::optional<Aid> application = KB_TRY(read_aid_field(in));
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
  write_aid_field(out, load_file);
  write_aid_field(out, module);
  write_field(out, application.view());
  write_field(out, purpose == InstallFor::kPersonalization ? Bytes{} : privileges.encode());
  write_field(out, parameters);
  write_field(out, token);
  return apdu::CommandApdu{.cla = 0x80,
                           .ins = apdu::ins::kInstall,
                           .p1 = std::to_underlying(purpose),
                           .p2 = p2_of(purpose),
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
      return fail(Errc::kUnexpectedTag,
                  "tag C9 stands once in install parameters (GPCS 11.5.2.3.7)");
    }
    out = object.value;
  }
  if (!out) {
    return fail(Errc::kNotFound, "install parameters carry tag C9 (GPCS 11.5.2.3.7)");
  }
  return *out;
}

Bytes with_application_parameters(ByteView value) {
  return tlv::encode(kApplicationParameters, value);
}

}  // namespace kagibin::gp
