// SPDX-License-Identifier: Apache-2.0
// Keeps a connection good for years: once a day, before a request, it asks the distributor which
// roots are good, and has its own certificate renewed when a third of its life is left or when a
// newer root issues. What changed is used from the next request on, whoever changed it.
//
// A root that is not known yet has to be signed by one that is; the newest that is known is not
// given up again, so that a distributor that lags, or was restored, takes nothing away. A renewed
// certificate is used only if it is of those roots, of our name and key, good now, and for no
// less long than ours. Failures are nobody's trouble: it, or the next process, tries again in an
// hour. Thread-safety: none; processes of one home share the lock of transport_files.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kagibin/base/clock.h"
#include "kagibin/base/result.h"
#include "kagibin/cli/transport/transport_files.h"
#include "kagibin/crypto/rng.h"
#include "kagibin/delivery/http_port.h"

namespace kagibin::cli {

// Asks at once.
Result<void> keep_up(const TransportFiles& files,
                     delivery::HttpClient& http,
                     std::int64_t now,
                     crypto::Rng& rng);

// A client that keeps its files up and connects anew when they changed.
class KeptUpClient final : public delivery::HttpClient {
 public:
  struct Connection {
    std::unique_ptr<delivery::HttpClient> http;
    std::string made_of;  // the texts of roots and certificate
  };
  using Connect = std::function<Result<Connection>()>;
  // `seconds_ahead`: what has to be added to the system's clock.
  KeptUpClient(TransportFiles files,
               Connect connect,
               Connection connection,
               std::int64_t seconds_ahead);

  Result<delivery::HttpResponse> send(const delivery::HttpRequest& request) override;

 private:
  void keep_up_when_due();
  // True when the files are others than the connection was made of.
  bool connect_again();

  TransportFiles files_;
  Connect connect_;
  Connection connection_;
  std::int64_t seconds_ahead_;
  SystemClock clock_;
  crypto::SystemRng rng_;
  std::int64_t due_ms_ = 0;  // of the clock's uptime
};

}  // namespace kagibin::cli
