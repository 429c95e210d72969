// SPDX-License-Identifier: Apache-2.0
// Keeps a connection's files good for years: once a day, before a request, it asks the distributor
// which roots are good, and has its own certificate renewed when a third of its life is left or
// when another root issues now. What changed is used from the next request on.
//
//   transport.checked (when, in seconds since 1970)
//   transport.next.key.pem (0600)  transport.next.cert.pem     while a renewal is under way
//
// A renewal that was cut is finished at the next start. Its own failures are nobody's trouble: it
// tries again in an hour. Roots of which none was known before are refused. Thread-safety: none.
//
//   TransportFiles files(folder);
//   KB_TRY(finish_renewal(files));
//   const bool changed = KB_TRY(keep_up(files, http, now, rng));
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "kagibin/base/clock.h"
#include "kagibin/base/result.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/http_port.h"

namespace kagibin::cli {

struct TransportFiles {
  explicit TransportFiles(std::filesystem::path where) : folder(std::move(where)) {}
  std::filesystem::path key() const { return folder / "transport.key.pem"; }
  std::filesystem::path certificate() const { return folder / "transport.cert.pem"; }
  std::filesystem::path roots() const { return folder / "transport.ca.pem"; }
  std::filesystem::path server() const { return folder / "transport.server"; }
  std::filesystem::path next_key() const { return folder / "transport.next.key.pem"; }
  std::filesystem::path next_certificate() const { return folder / "transport.next.cert.pem"; }
  std::filesystem::path checked() const { return folder / "transport.checked"; }
  std::filesystem::path folder;
};

// Puts a renewed key and certificate in the place of the old ones, where a cut left both.
Result<void> finish_renewal(const TransportFiles& files);

// Asks at once. True when roots, key or certificate are others now.
Result<bool> keep_up(const TransportFiles& files,
                     delivery::HttpClient& http,
                     std::int64_t now,
                     crypto::Rng& rng);

// A client that keeps its files up and connects anew when they changed.
class KeptUpClient final : public delivery::HttpClient {
 public:
  using Connect = std::function<Result<std::unique_ptr<delivery::HttpClient>>()>;
  // `seconds_ahead`: what has to be added to the system's clock.
  KeptUpClient(TransportFiles files,
               Connect connect,
               std::unique_ptr<delivery::HttpClient> http,
               std::int64_t seconds_ahead);

  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override;

 private:
  void keep_up_when_due();

  TransportFiles files_;
  Connect connect_;
  std::unique_ptr<delivery::HttpClient> http_;
  std::int64_t seconds_ahead_;
  SystemClock clock_;
  crypto::SystemRng rng_;
  std::int64_t due_ms_ = 0;  // of the clock's uptime
};

}  // namespace kagibin::cli
