// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/demo/knowledge/tls_records.h"

#include <array>
#include <optional>
#include <vector>

#include "kagibin/base/byte_io.h"
#include "kagibin/crypto/cipher/aes.h"
#include "kagibin/crypto/kdf/hkdf.h"

namespace kagibin::cli::demo {

namespace {

constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kKeyUpdate = 24;  // a handshake message's type
constexpr std::size_t kRandomSize = 32;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kHeaderSize = 5;

struct Suite {
  crypto::HkdfHash hash;
  std::size_t key_size;
};

Result<Suite> suite_of(std::uint16_t number) {
  switch (number) {
    case 0x1301:
      return Suite{crypto::HkdfHash::kSha256, 16};
    case 0x1302:
      return Suite{crypto::HkdfHash::kSha384, 32};
    default:
      return fail(Errc::kNotSupported, "TLS agreed on a suite other than AES-GCM");
  }
}

// HKDF-Expand-Label with an empty context (RFC 8446, 7.1).
Result<SecretBytes> expand_label(const Suite& suite,
                                 const SecretBytes& secret,
                                 std::string_view label,
                                 std::size_t size) {
  const std::string full = "tls13 " + std::string(label);
  ByteWriter info;
  info.u16(static_cast<std::uint16_t>(size)).u8(static_cast<std::uint8_t>(full.size()));
  info.bytes(ascii(full)).u8(0);
  return crypto::hkdf_expand(suite.hash, secret.expose(), info.view(), size);
}

// Keys of one direction in one phase (RFC 8446, 7.3).
class TrafficKeys {
 public:
  static Result<TrafficKeys> derive(const Suite& suite, SecretBytes secret) {
    SecretBytes key = KB_TRY(expand_label(suite, secret, "key", suite.key_size));
    SecretBytes iv = KB_TRY(expand_label(suite, secret, "iv", kNonceSize));
    return TrafficKeys(suite, std::move(secret), std::move(key), std::move(iv));
  }
  Result<TrafficKeys> next() const {
    SecretBytes secret = KB_TRY(expand_label(suite_, secret_, "traffic upd", secret_.size()));
    return derive(suite_, std::move(secret));
  }
  // The inner plaintext with its type at the end, or nothing when it is not of these keys.
  std::optional<SecretBytes> open(ByteView header, ByteView sealed) {
    std::array<std::uint8_t, kNonceSize> nonce = *to_array<kNonceSize>(iv_.expose());
    for (std::size_t at = 0; at < 8; ++at) {
      nonce[kNonceSize - 1 - at] ^= static_cast<std::uint8_t>(sequence_ >> (8 * at));
    }
    auto plain = crypto::aes_gcm_open(key_.expose(), nonce, header, sealed);
    if (!plain) {
      return std::nullopt;
    }
    ++sequence_;
    return std::move(*plain);
  }

 private:
  TrafficKeys(const Suite& suite, SecretBytes secret, SecretBytes key, SecretBytes iv)
      : suite_(suite), secret_(std::move(secret)), key_(std::move(key)), iv_(std::move(iv)) {}
  Suite suite_;
  SecretBytes secret_;
  SecretBytes key_;
  SecretBytes iv_;
  std::uint64_t sequence_ = 0;
};

struct Record {
  std::uint8_t type;
  ByteView header;
  ByteView body;
};

std::vector<Record> records_of(ByteView stream) {
  std::vector<Record> out;
  while (stream.size() >= kHeaderSize) {
    const std::size_t size = std::size_t{stream[3]} << 8U | stream[4];
    if (stream.size() < kHeaderSize + size) {
      break;
    }
    out.push_back({stream[0], stream.first(kHeaderSize), stream.subspan(kHeaderSize, size)});
    stream = stream.subspan(kHeaderSize + size);
  }
  return out;
}

// Client and server hello begin alike: type, length (3), version (2), random (32).
Result<ByteReader> hello(const std::vector<Record>& records) {
  if (records.empty() || records.front().type != kHandshake) {
    return fail(Errc::kEncoding, "the connection does not begin as TLS");
  }
  ByteReader in(records.front().body);
  KB_TRY(in.bytes(6));
  return in;
}

// Opens what is protected; `later` takes over when `now` does not open a record any more.
Result<Bytes> open_records(const std::vector<Record>& records, TrafficKeys now, TrafficKeys later) {
  Bytes out;
  std::optional<TrafficKeys> waiting(std::move(later));
  for (const Record& record : records) {
    if (record.type != kApplicationData) {
      continue;
    }
    std::optional<SecretBytes> plain = now.open(record.header, record.body);
    if (!plain && waiting) {
      now = std::move(*waiting);
      waiting.reset();
      plain = now.open(record.header, record.body);
    }
    if (!plain) {
      return fail(Errc::kAuthentication, "a TLS record of the capture does not open");
    }
    ByteView inner = plain->expose();
    while (!inner.empty() && inner.back() == 0) {
      inner = inner.first(inner.size() - 1);
    }
    if (inner.empty()) {
      return fail(Errc::kEncoding, "a TLS record of the capture has no type");
    }
    const std::uint8_t type = inner.back();
    inner = inner.first(inner.size() - 1);
    append(out, inner);
    if (!waiting && type == kHandshake && !inner.empty() && inner.front() == kKeyUpdate) {
      TrafficKeys next = KB_TRY(now.next());
      now = std::move(next);
    }
  }
  return out;
}

}  // namespace

TlsKeyLog TlsKeyLog::parse(std::string_view text) {
  TlsKeyLog out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const std::size_t blank = line.rfind(' ');
    if (blank == std::string_view::npos) {
      continue;
    }
    const auto secret = from_hex(line.substr(blank + 1));
    const std::size_t first = line.find(' ');
    const auto random = from_hex(line.substr(first + 1, blank - first - (first < blank ? 1 : 0)));
    if (secret && random && first < blank) {
      out.secrets_.insert_or_assign(std::string(line.substr(0, first)) + " " + to_hex(*random),
                                    SecretBytes::copy_of(*secret));
    }
  }
  return out;
}

Result<SecretBytes> TlsKeyLog::secret(std::string_view label, ByteView client_random) const {
  const auto found = secrets_.find(std::string(label) + " " + to_hex(client_random));
  if (found == secrets_.end()) {
    return fail(Errc::kNotFound, "the key log has no secrets of a connection of the capture");
  }
  return found->second.duplicate();
}

Result<Bytes> open_tls(ByteView to_server, ByteView to_client, const TlsKeyLog& log) {
  const std::vector<Record> client = records_of(to_server);
  const std::vector<Record> server = records_of(to_client);
  ByteReader client_hello = KB_TRY(hello(client));
  const ByteView random = KB_TRY(client_hello.bytes(kRandomSize));
  ByteReader server_hello = KB_TRY(hello(server));
  KB_TRY(server_hello.bytes(kRandomSize));
  const std::uint8_t session_size = KB_TRY(server_hello.u8());
  KB_TRY(server_hello.bytes(session_size));
  const std::uint16_t number = KB_TRY(server_hello.u16());
  const Suite suite = KB_TRY(suite_of(number));
  const auto keys = [&](const char* label) -> Result<TrafficKeys> {
    SecretBytes secret = KB_TRY(log.secret(label, random));
    return TrafficKeys::derive(suite, std::move(secret));
  };
  TrafficKeys client_first = KB_TRY(keys("CLIENT_HANDSHAKE_TRAFFIC_SECRET"));
  TrafficKeys client_then = KB_TRY(keys("CLIENT_TRAFFIC_SECRET_0"));
  TrafficKeys server_first = KB_TRY(keys("SERVER_HANDSHAKE_TRAFFIC_SECRET"));
  TrafficKeys server_then = KB_TRY(keys("SERVER_TRAFFIC_SECRET_0"));
  Bytes out = KB_TRY(open_records(client, std::move(client_first), std::move(client_then)));
  const Bytes answers =
      KB_TRY(open_records(server, std::move(server_first), std::move(server_then)));
  append(out, answers);
  return out;
}

}  // namespace kagibin::cli::demo
