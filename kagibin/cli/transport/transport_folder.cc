// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/transport/transport_folder.h"

#include <utility>

#include "kagibin/base/clock.h"
#include "kagibin/cli/console/host_port.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/crypto/x509/transport_x509.h"
#include "kagibin/delivery/distributor_client.h"
#include "kagibin/delivery/exchange/invitation.h"

namespace kagibin::cli {

namespace {

Result<net::HttpClientOptions> client_options(const HostPort& server,
                                              const TransportOptions& options) {
  net::HttpClientOptions out{.host = server.host,
                             .port = server.port,
                             .server_name = server.host,
                             .verification_time = options.now,
                             .stop = options.stop};
  if (!options.via.empty()) {
    const HostPort via = KB_TRY(parse_host_port(options.via));
    out.host = via.host;
    out.port = via.port;
  }
  if (!options.demo_key_log.empty()) {
    out.demo_key_log = net::DemoKeyLog{options.demo_key_log};
  }
  return out;
}

// The key of an interrupted join() serves again, so that the distributor gives the same answer.
Result<crypto::EcPrivateKey> own_key(const std::filesystem::path& file, crypto::Rng& rng) {
  const auto stored = crypto::read_file(file);
  if (stored) {
    return crypto::private_key_from_pem(stored->expose());
  }
  crypto::EcPrivateKey key = KB_TRY(crypto::EcPrivateKey::generate(rng));
  const SecretBytes pem = KB_TRY(crypto::private_key_to_pem(key));
  KB_TRY(crypto::write_file(file, pem.expose(), true));
  return key;
}

std::int64_t now_of(const TransportOptions& options) {
  return options.now.value_or(SystemClock().now());
}

}  // namespace

Result<std::string> TransportFolder::text(const std::filesystem::path& file) const {
  const auto octets = crypto::read_file(file);
  if (!octets) {
    return fail(Errc::kNotFound,
                "not connected to a distributor yet; redeem its invitation with: join FILE");
  }
  return std::string(octets->expose().begin(), octets->expose().end());
}

Result<std::string> TransportFolder::join(const std::filesystem::path& invitation,
                                          const TransportOptions& options) const {
  if (std::filesystem::exists(files_.certificate())) {
    return fail(Errc::kConflict,
                "connected to a distributor already; take another --home for another one");
  }
  const SecretBytes file = KB_TRY(crypto::read_file(invitation));
  const delivery::Invitation invited = KB_TRY(delivery::decode_invitation(file.expose()));
  std::error_code error;
  std::filesystem::create_directories(files_.folder, error);
  crypto::SystemRng rng;
  const crypto::EcPrivateKey key = KB_TRY(own_key(files_.key(), rng));
  const std::string request = KB_TRY(crypto::certificate_request(key, invited.subject));
  const HostPort server{invited.host, invited.port};
  const net::HttpClientOptions client = KB_TRY(client_options(server, options));
  const auto http =
      KB_TRY(net::open_https_client(client, {.certificate_pem = invited.certificate_pem,
                                             .key_pem = invited.private_key_pem.duplicate(),
                                             .ca_pem = invited.ca_certificate_pem}));
  const delivery::IssuedCertificate issued =
      KB_TRY(delivery::redeem_invitation(*http, {.pem = request}));
  KB_TRY(crypto::write_file(files_.roots(), ascii(invited.ca_certificate_pem), false));
  KB_TRY(crypto::write_file(files_.server(),
                            ascii(invited.host + ":" + std::to_string(invited.port)), false));
  KB_TRY(crypto::write_file(files_.certificate(), ascii(issued.pem), false));
  // All roots, for another machine of the distributor may be known by another one. What fails here
  // is asked for again before the first request.
  if (const auto member = open(options)) {
    static_cast<void>(keep_up(files_, **member, now_of(options), rng));
  }
  return issued.subject;
}

Result<std::unique_ptr<delivery::HttpClient>> TransportFolder::open(
    const TransportOptions& options) const {
  const std::string where = KB_TRY(text(files_.server()));
  const HostPort server = KB_TRY(parse_host_port(where));
  net::TlsIdentity identity;
  identity.certificate_pem = KB_TRY(text(files_.certificate()));
  identity.ca_pem = KB_TRY(text(files_.roots()));
  identity.key_pem = KB_TRY(crypto::read_file(files_.key()));
  const net::HttpClientOptions client = KB_TRY(client_options(server, options));
  return net::open_https_client(client, identity);
}

Result<std::unique_ptr<delivery::HttpClient>> TransportFolder::connect(
    const TransportOptions& options) const {
  KB_TRY(finish_renewal(files_));
  auto http = KB_TRY(open(options));
  const std::int64_t ahead = now_of(options) - SystemClock().now();
  return std::make_unique<KeptUpClient>(
      files_, [*this, options] { return open(options); }, std::move(http), ahead);
}

Result<std::int64_t> TransportFolder::ca_not_before() const {
  const std::string pem = KB_TRY(text(files_.roots()));
  return KB_TRY(crypto::certificate_facts(pem)).not_before;
}

}  // namespace kagibin::cli
