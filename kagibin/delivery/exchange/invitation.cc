// SPDX-License-Identifier: Apache-2.0
#include "kagibin/delivery/exchange/invitation.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "kagibin/delivery/names.h"

namespace kagibin::delivery {
namespace {

constexpr std::size_t kMaxFile = 16'384;
constexpr std::string_view kFirstLine = "kagibin-invitation: 1\n";
constexpr std::string_view kSubject = "subject: ";
constexpr std::string_view kServer = "server: ";
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----\n";
constexpr std::string_view kCertificate = "CERTIFICATE";
constexpr std::string_view kPrivateKey = "PRIVATE KEY";

std::string_view text_of(ByteView octets) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): text is octets
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// Takes `head` and what follows it up to and without the end of the line.
Result<std::string_view> take_line(std::string_view& rest, std::string_view head) {
  const std::size_t end = rest.find('\n');
  if (!rest.starts_with(head) || end == std::string_view::npos) {
    return fail(Errc::kEncoding, "not an invitation file");
  }
  const std::string_view line = rest.substr(head.size(), end - head.size());
  rest.remove_prefix(end + 1);
  return line;
}

// Takes one PEM block (RFC 7468) of this label, with its last line's end.
Result<std::string_view> take_block(std::string_view& rest, std::string_view label) {
  const std::string head = std::string(kBegin) + std::string(label) + std::string(kDashes);
  const std::string tail = std::string(kEnd) + std::string(label) + std::string(kDashes);
  const std::size_t end = rest.find(tail);
  if (!rest.starts_with(head) || end == std::string_view::npos ||
      rest.substr(head.size(), end - head.size()).find(kBegin) != std::string_view::npos) {
    return fail(Errc::kEncoding, "an invitation file lacks one of its three PEM blocks");
  }
  const std::string_view block = rest.substr(0, end + tail.size());
  rest.remove_prefix(block.size());
  return block;
}

Result<void> check_host(std::string_view host) {
  const bool good = !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '-';
  });
  if (!good) {
    return fail(Errc::kValue, "a server is named by a host name or an IPv4 address");
  }
  return {};
}

}  // namespace

Result<SecretBytes> encode_invitation(const Invitation& invitation) {
  KB_TRY(Subject::parse(invitation.subject));
  KB_TRY(check_host(invitation.host));
  std::string head(kFirstLine);
  head.append(kSubject).append(invitation.subject).append("\n");
  head.append(kServer).append(invitation.host);
  head.append(":").append(std::to_string(invitation.port)).append("\n");
  const std::array<ByteView, 4> parts = {ascii(head), ascii(invitation.ca_certificate_pem),
                                         ascii(invitation.certificate_pem),
                                         invitation.private_key_pem.expose()};
  std::size_t size = 0;
  for (const ByteView part : parts) {
    size += part.size();
  }
  SecretBytes file(size);
  auto out = file.expose_mutable().begin();
  for (const ByteView part : parts) {
    out = std::ranges::copy(part, out).out;
  }
  KB_TRY(decode_invitation(file.expose()));
  return file;
}

Result<Invitation> decode_invitation(ByteView file) {
  if (file.size() > kMaxFile) {
    return fail(Errc::kLimit, "an invitation file has at most 16 KiB");
  }
  std::string_view rest = text_of(file);
  if (!rest.starts_with(kFirstLine)) {
    return fail(Errc::kEncoding, "not an invitation file");
  }
  rest.remove_prefix(kFirstLine.size());
  Invitation out;
  out.subject = KB_TRY(take_line(rest, kSubject));
  KB_TRY(Subject::parse(out.subject));
  const std::string_view server = KB_TRY(take_line(rest, kServer));
  const std::size_t colon = server.rfind(':');
  if (colon == std::string_view::npos) {
    return fail(Errc::kEncoding, "an invitation names its server as host:port");
  }
  out.host = server.substr(0, colon);
  KB_TRY(check_host(out.host));
  const std::string_view port = server.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port == 0 ||
      port.front() == '0') {
    return fail(Errc::kValue, "an invitation's port is 1 to 65535");
  }
  out.ca_certificate_pem = KB_TRY(take_block(rest, kCertificate));
  out.certificate_pem = KB_TRY(take_block(rest, kCertificate));
  if (rest.starts_with(std::string(kBegin) + std::string(kCertificate))) {
    out.ca_certificate_pem += out.certificate_pem;  // two roots
    out.certificate_pem = KB_TRY(take_block(rest, kCertificate));
  }
  const std::string_view key = KB_TRY(take_block(rest, kPrivateKey));
  out.private_key_pem = SecretBytes::copy_of(ascii(key));
  if (!rest.empty()) {
    return fail(Errc::kTrailing, "something follows an invitation's private key");
  }
  return out;
}

}  // namespace kagibin::delivery
