// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/transport/transport_upkeep.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "kagibin/base/crash_point.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/certificate_bundle.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/distributor_client.h"

namespace kagibin::cli {
namespace {

constexpr std::int64_t kCheckSeconds = 86'400;
constexpr std::int64_t kTryAgainMs = 3'600'000;

Result<std::string> read_text(const std::filesystem::path& file) {
  const SecretBytes content = KB_TRY(crypto::read_file(file));
  return std::string(content.expose().begin(), content.expose().end());
}

Result<void> remove_file(const std::filesystem::path& file) {
  std::error_code error;
  std::filesystem::remove(file, error);
  return error ? fail(Errc::kIo, "a file of a renewal cannot be removed") : Result<void>();
}

// When the distributor was asked last; empty when never, and when the file says nonsense.
std::optional<std::int64_t> last_check(const TransportFiles& files) {
  const auto text = read_text(files.checked());
  std::int64_t at = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), at).ec != std::errc()) {
    return std::nullopt;
  }
  return at;
}

// The distributor's roots, the one that issues first, once they are in the file.
struct Roots {
  std::vector<std::string> pem;
  bool changed = false;
};
Result<Roots> take_roots(const TransportFiles& files, delivery::HttpClient& http) {
  const std::string ours = KB_TRY(read_text(files.roots()));
  const auto known = KB_TRY(crypto::split_certificates(ours, delivery::kMaxRoots));
  const auto given = delivery::transport_roots(http);
  if (!given && given.error().code == Errc::kNotFound) {
    return Roots{.pem = known};  // a distributor of an earlier version
  }
  if (!given) {
    return std::unexpected(given.error());
  }
  std::string bundle;
  for (const std::string& pem : given->pem) {
    bundle += pem;
  }
  Roots roots{.pem = KB_TRY(crypto::split_certificates(bundle, delivery::kMaxRoots))};
  const bool continued = std::ranges::any_of(roots.pem, [&](const std::string& root) {
    return std::ranges::find(known, root) != known.end();
  });
  if (!continued) {
    return fail(Errc::kUntrusted, "the distributor names roots of which none was known before");
  }
  roots.changed = roots.pem != known;
  if (roots.changed) {
    KB_CRASH_POINT("transport.roots.before_write");
    KB_TRY(crypto::write_file(files.roots(), ascii(bundle), false));
    KB_CRASH_POINT("transport.roots.after_write");
  }
  return roots;
}

// The key of a renewal that was cut serves again.
Result<crypto::EcPrivateKey> key_of_renewal(const TransportFiles& files, crypto::Rng& rng) {
  if (const auto stored = crypto::read_file(files.next_key())) {
    return crypto::private_key_from_pem(stored->expose());
  }
  crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  KB_TRY(crypto::write_file(files.next_key(), pem.expose(), true));
  KB_CRASH_POINT("transport.renewal.after_key");
  return key;
}

Result<void> renew(const TransportFiles& files,
                   delivery::HttpClient& http,
                   const std::string& subject,
                   crypto::Rng& rng) {
  const crypto::EcPrivateKey key = KB_TRY(key_of_renewal(files, rng));
  const std::string request = KB_TRY(crypto::certificate_request(key, subject));
  const auto issued = KB_TRY(delivery::renew_certificate(http, {.pem = request}));
  KB_CRASH_POINT("transport.renewal.after_answer");
  const auto certified = KB_TRY(crypto::public_key_of_certificate(issued.pem));
  if (issued.subject != subject || !(certified == key.public_key())) {
    return fail(Errc::kUntrusted, "the distributor gave a certificate for another name or key");
  }
  KB_TRY(crypto::write_file(files.next_certificate(), ascii(issued.pem), false));
  KB_CRASH_POINT("transport.renewal.after_certificate");
  return finish_renewal(files);
}

}  // namespace

Result<void> finish_renewal(const TransportFiles& files) {
  if (!std::filesystem::exists(files.next_certificate())) {
    return {};
  }
  // The key goes last of all: as long as it is there, both are written again.
  if (std::filesystem::exists(files.next_key())) {
    const SecretBytes key = KB_TRY(crypto::read_file(files.next_key()));
    const std::string certificate = KB_TRY(read_text(files.next_certificate()));
    KB_TRY(crypto::write_file(files.key(), key.expose(), true));
    KB_CRASH_POINT("transport.renewal.between");
    KB_TRY(crypto::write_file(files.certificate(), ascii(certificate), false));
    KB_CRASH_POINT("transport.renewal.after_both");
    KB_TRY(remove_file(files.next_key()));
  }
  return remove_file(files.next_certificate());
}

Result<bool> keep_up(const TransportFiles& files,
                     delivery::HttpClient& http,
                     std::int64_t now,
                     crypto::Rng& rng) {
  const Roots roots = KB_TRY(take_roots(files, http));
  const std::string certificate = KB_TRY(read_text(files.certificate()));
  const auto facts = KB_TRY(crypto::certificate_facts(certificate));
  const std::int64_t life = facts.not_after - facts.not_before;
  const bool old = facts.not_after - now < life / 3;
  const bool issued_by_first = KB_TRY(crypto::is_issued_by(certificate, roots.pem.front()));
  if (old || !issued_by_first) {
    KB_TRY(renew(files, http, facts.common_name, rng));
  }
  KB_TRY(crypto::write_file(files.checked(), ascii(std::to_string(now)), false));
  return roots.changed || old || !issued_by_first;
}

KeptUpClient::KeptUpClient(TransportFiles files,
                           Connect connect,
                           std::unique_ptr<delivery::HttpClient> http,
                           std::int64_t seconds_ahead)
    : files_(std::move(files)),
      connect_(std::move(connect)),
      http_(std::move(http)),
      seconds_ahead_(seconds_ahead) {
  const std::int64_t now = clock_.now() + seconds_ahead_;
  const std::int64_t last = last_check(files_).value_or(0);
  // A clock that went backwards asks at once.
  const std::int64_t left = last > now ? 0 : std::max<std::int64_t>(0, last + kCheckSeconds - now);
  due_ms_ = clock_.uptime_ms() + left * 1'000;
}

void KeptUpClient::keep_up_when_due() {
  if (clock_.uptime_ms() < due_ms_) {
    return;
  }
  const auto changed = keep_up(files_, *http_, clock_.now() + seconds_ahead_, rng_);
  due_ms_ = clock_.uptime_ms() + (changed ? kCheckSeconds * 1'000 : kTryAgainMs);
  if (changed.value_or(false)) {
    if (auto anew = connect_()) {
      http_ = std::move(*anew);
    }
  }
}

Result<delivery::HttpResponse> KeptUpClient::send(const delivery::HttpRequest& request) {
  keep_up_when_due();
  return http_->send(request);
}

}  // namespace kagibin::cli
