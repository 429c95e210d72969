// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/extradition.h"

#include "kagibin/gp/content/length_value.h"

namespace kagibin::gp {

namespace {

constexpr std::size_t kLongest = 0xFFFF;

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

Result<void> check_lengths(ByteView parameters, ByteView token) {
  if (parameters.size() > kLongest || token.size() > kLongest) {
    return fail(Errc::kLength, "a field of INSTALL has at most 65,535 octets");
  }
  return {};
}

apdu::CommandApdu command(std::uint8_t p1, Bytes data) {
  return {.cla = 0x80,
          .ins = apdu::ins::kInstall,
          .p1 = p1,
          .p2 = 0,
          .data = std::move(data),
          .le = 256};
}

Result<void> check_head(std::uint8_t p1, std::uint8_t p2, std::uint8_t expected) {
  if (p1 != expected || p2 != 0) {
    return fail(Errc::kValue, "INSTALL [for extradition] and [for registry update] have P2 00");
  }
  return {};
}

}  // namespace

Result<Extradition> Extradition::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  KB_TRY(check_head(p1, p2, kP1));
  ByteReader in(data);
  const std::optional<Aid> domain = KB_TRY(read_aid_field(in));
  KB_TRY(read_empty_field(in));
  const std::optional<Aid> object = KB_TRY(read_aid_field(in));
  KB_TRY(read_empty_field(in));
  const ByteView parameters = KB_TRY(read_field(in));
  const ByteView token = KB_TRY(read_field(in));
  KB_TRY(in.finish());
  if (!domain || !object) {
    return fail(
        Errc::kValue,
        "INSTALL [for extradition] names a security domain and an object (GPCS 11.5.2.3.4)");
  }
  return Extradition{.security_domain = *domain,
                     .object = *object,
                     .parameters = copy(parameters),
                     .token = copy(token)};
}

Result<apdu::CommandApdu> Extradition::encode() const {
  KB_TRY(check_lengths(parameters, token));
  ByteWriter out;
  write_aid_field(out, security_domain);
  write_field(out, {});
  write_aid_field(out, object);
  write_field(out, {});
  write_field(out, parameters);
  write_field(out, token);
  return command(kP1, out.take());
}

Result<RegistryUpdate> RegistryUpdate::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  KB_TRY(check_head(p1, p2, kP1));
  ByteReader in(data);
  RegistryUpdate out;
  out.security_domain = KB_TRY(read_aid_field(in));
  KB_TRY(read_empty_field(in));
  out.application = KB_TRY(read_aid_field(in));
  const ByteView privileges = KB_TRY(read_field(in));
  if (!privileges.empty()) {
    out.privileges = KB_TRY(Privileges::decode(privileges));
  }
  out.parameters = copy(KB_TRY(read_field(in)));
  out.token = copy(KB_TRY(read_field(in)));
  KB_TRY(in.finish());
  return out;
}

Result<apdu::CommandApdu> RegistryUpdate::encode() const {
  KB_TRY(check_lengths(parameters, token));
  ByteWriter out;
  write_aid_field(out, security_domain);
  write_field(out, {});
  write_aid_field(out, application);
  write_field(out, privileges ? privileges->encode() : Bytes{});
  write_field(out, parameters);
  write_field(out, token);
  return command(kP1, out.take());
}

}  // namespace kagibin::gp
