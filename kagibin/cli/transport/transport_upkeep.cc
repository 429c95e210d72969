// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/transport/transport_upkeep.h"

#include <algorithm>
#include <charconv>
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
constexpr std::int64_t kTryAgainSeconds = 3'600;

using Pems = std::vector<std::string>;

bool contains(const Pems& roots, const std::string& root) {
  return std::ranges::find(roots, root) != roots.end();
}

Result<std::int64_t> beginning(const std::string& root) {
  return KB_TRY(crypto::certificate_facts(root)).not_before;
}

// When the distributor was asked last; 0 for never, and when the file says nonsense.
std::int64_t last_check(const TransportFiles& files) {
  const auto text = crypto::read_text_file(files.checked());
  std::int64_t at = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), at).ec != std::errc() ||
      at < 0) {
    return 0;
  }
  return at;
}

Result<Pems> known_roots(const TransportFiles& files) {
  const std::string bundle = KB_TRY(crypto::read_text_file(files.roots()));
  return crypto::split_certificates(bundle, delivery::kMaxRoots);
}

// Empty when a distributor of an earlier version was asked, or one that knows less than we do.
Result<Pems> roots_to_believe(const Pems& known, delivery::HttpClient& http) {
  const auto given = delivery::transport_roots(http);
  if (!given) {
    return given.error().code == Errc::kNotFound ? Result<Pems>(Pems{})
                                                 : std::unexpected(given.error());
  }
  std::string bundle;
  for (const std::string& pem : given->pem) {
    bundle += pem;
  }
  const Pems roots = KB_TRY(crypto::split_certificates(bundle, delivery::kMaxRoots));
  for (const std::string& root : roots) {
    bool good = contains(known, root);
    for (std::size_t i = 0; i < known.size() && !good; ++i) {
      good = given->succession && KB_TRY(crypto::is_successor(root, known[i], *given->succession));
    }
    if (!good) {
      return fail(Errc::kUntrusted, "the distributor names a root that none we know has signed");
    }
  }
  std::int64_t newest = 0;
  std::int64_t newest_left = 0;
  for (const std::string& root : known) {
    const std::int64_t begins = KB_TRY(beginning(root));
    newest = std::max(newest, begins);
    newest_left = contains(roots, root) ? std::max(newest_left, begins) : newest_left;
  }
  return newest_left == newest ? roots : Pems{};
}

Result<void> write_roots(const TransportFiles& files, const Pems& roots) {
  std::string bundle;
  for (const std::string& root : roots) {
    bundle += root;
  }
  KB_CRASH_POINT("transport.roots.before_write");
  KB_TRY(crypto::write_file(files.roots(), ascii(bundle), false));
  KB_CRASH_POINT("transport.roots.after_write");
  return {};
}

// A third of its life is left, or another root issues now that is not older than its issuer.
Result<bool> is_due(const std::string& certificate, const Pems& roots, std::int64_t now) {
  const auto facts = KB_TRY(crypto::certificate_facts(certificate));
  if (facts.not_after - now < (facts.not_after - facts.not_before) / 3) {
    return true;
  }
  for (const std::string& root : roots) {
    if (KB_TRY(crypto::is_issued_by(certificate, root))) {
      return root != roots.front() && KB_TRY(beginning(roots.front())) >= KB_TRY(beginning(root));
    }
  }
  return true;
}

Result<void> check_renewed(const delivery::IssuedCertificate& issued,
                           const crypto::EcPrivateKey& key,
                           const crypto::CertificateFacts& ours,
                           const Pems& roots,
                           std::int64_t now) {
  const auto facts = KB_TRY(crypto::certificate_facts(issued.pem));
  const auto certified = KB_TRY(crypto::public_key_of_certificate(issued.pem));
  bool of_a_root = false;
  for (const std::string& root : roots) {
    of_a_root = of_a_root || KB_TRY(crypto::is_issued_by(issued.pem, root));
  }
  if (!of_a_root || facts.common_name != ours.common_name || !(certified == key.public_key())) {
    return fail(Errc::kUntrusted, "the distributor gave a certificate for another name or key");
  }
  if (facts.not_before > now + kCheckSeconds || facts.not_after < ours.not_after) {
    return fail(Errc::kExpired, "the distributor gave a certificate that is worse than ours");
  }
  return {};
}

}  // namespace

namespace {

Result<void> roots_and_certificate(const TransportFiles& files,
                                   delivery::HttpClient& http,
                                   std::int64_t now,
                                   crypto::Rng& rng) {
  KB_TRY(finish_pair(files));
  const Pems known = KB_TRY(known_roots(files));
  const Pems given = KB_TRY(roots_to_believe(known, http));
  if (given.empty()) {
    return {};
  }
  if (given != known) {
    KB_TRY(write_roots(files, given));
  }
  const std::string certificate = KB_TRY(crypto::read_text_file(files.certificate()));
  if (!KB_TRY(is_due(certificate, given, now))) {
    return {};
  }
  const auto ours = KB_TRY(crypto::certificate_facts(certificate));
  const crypto::EcPrivateKey key = KB_TRY(next_key_of(files, rng));
  const std::string request = KB_TRY(crypto::certificate_request(key, ours.common_name));
  const auto issued = KB_TRY(delivery::renew_certificate(http, {.pem = request}));
  KB_CRASH_POINT("transport.renewal.after_answer");
  KB_TRY(check_renewed(issued, key, ours, given, now));
  return use_next(files, issued.pem);
}

}  // namespace

Result<void> keep_up(const TransportFiles& files,
                     delivery::HttpClient& http,
                     std::int64_t now,
                     crypto::Rng& rng) {
  const auto lock = TransportLock::take(files);
  if (!lock && lock.error().code == Errc::kInterrupted) {
    return {};  // another process is at it
  }
  if (!lock) {
    return std::unexpected(lock.error());
  }
  const auto kept = roots_and_certificate(files, http, now, rng);
  const std::int64_t asked = kept ? now : now - kCheckSeconds + kTryAgainSeconds;
  static_cast<void>(crypto::write_file(files.checked(), ascii(std::to_string(asked)), false));
  return kept;
}

KeptUpClient::KeptUpClient(TransportFiles files,
                           Connect connect,
                           Connection connection,
                           std::int64_t seconds_ahead)
    : files_(std::move(files)),
      connect_(std::move(connect)),
      connection_(std::move(connection)),
      seconds_ahead_(seconds_ahead) {
  const std::int64_t now = clock_.now() + seconds_ahead_;
  const std::int64_t last = last_check(files_);
  // A clock that went backwards asks at once.
  const std::int64_t passed = last > now ? kCheckSeconds : std::min(now - last, kCheckSeconds);
  due_ms_ = clock_.uptime_ms() + (kCheckSeconds - passed) * 1'000;
}

bool KeptUpClient::connect_again() {
  auto anew = connect_();
  if (!anew || anew->made_of == connection_.made_of) {
    return false;
  }
  connection_ = std::move(*anew);
  return true;
}

void KeptUpClient::keep_up_when_due() {
  if (clock_.uptime_ms() < due_ms_) {
    return;
  }
  const auto kept = keep_up(files_, *connection_.http, clock_.now() + seconds_ahead_, rng_);
  due_ms_ = clock_.uptime_ms() + (kept ? kCheckSeconds : kTryAgainSeconds) * 1'000;
  connect_again();
}

Result<delivery::HttpResponse> KeptUpClient::send(const delivery::HttpRequest& request) {
  keep_up_when_due();
  auto answer = connection_.http->send(request);
  // Another process of this home may know the roots of now.
  if (!answer && answer.error().code == Errc::kTls && connect_again()) {
    answer = connection_.http->send(request);
  }
  return answer;
}

}  // namespace kagibin::cli
