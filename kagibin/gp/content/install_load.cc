// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/content/install_load.h"

#include "kagibin/gp/content/length_value.h"

namespace kagibin::gp {

namespace {

constexpr std::size_t kLongest = 0xFFFF;

Bytes copy(ByteView octets) { return {octets.begin(), octets.end()}; }

}  // namespace

Result<InstallForLoad> InstallForLoad::decode(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const bool combined = p1 == kCombinedP1 && p2 == kCombinedBegins;
  if (!combined && (p1 != kP1 || p2 != 0)) {
    return fail(Errc::kValue, "INSTALL [for load] has P1 P2 02 00 or 0E 01 (GPCS 11.5.2.1)");
  }
  ByteReader in(data);
  const std::optional<Aid> load_file = KB_TRY(read_aid_field(in));
  if (!load_file) {
    return fail(Errc::kValue, "INSTALL [for load] names a load file (GPCS 11.5.2.3.1)");
  }
  const std::optional<Aid> domain = KB_TRY(read_aid_field(in));
  const ByteView hash = KB_TRY(read_field(in));
  const ByteView parameters = KB_TRY(read_field(in));
  const ByteView token = KB_TRY(read_field(in));
  KB_TRY(in.finish());
  return InstallForLoad{.load_file = *load_file,
                        .security_domain = domain,
                        .hash = copy(hash),
                        .parameters = copy(parameters),
                        .token = copy(token),
                        .combined = combined};
}

Result<apdu::CommandApdu> InstallForLoad::encode() const {
  if (hash.size() > kLongest || parameters.size() > kLongest || token.size() > kLongest) {
    return fail(Errc::kLength, "a field of INSTALL has at most 65,535 octets");
  }
  ByteWriter out;
  write_aid_field(out, load_file);
  write_aid_field(out, security_domain);
  write_field(out, hash);
  write_field(out, parameters);
  write_field(out, token);
  return apdu::CommandApdu{.cla = 0x80,
                           .ins = apdu::ins::kInstall,
                           .p1 = combined ? kCombinedP1 : kP1,
                           .p2 = combined ? kCombinedBegins : std::uint8_t{0},
                           .data = out.take(),
                           .le = 256};
}

}  // namespace kagibin::gp
