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

std::int64_t now_of(const TransportOptions& options) {
  return options.now.value_or(SystemClock().now());
}

}  // namespace

Result<std::string> TransportFolder::join(const std::filesystem::path& invitation,
                                          const TransportOptions& options,
                                          bool again) const {
  const SecretBytes file = KB_TRY(crypto::read_file(invitation));
  const delivery::Invitation invited = KB_TRY(delivery::decode_invitation(file.expose()));
  {
    const TransportLock lock = KB_TRY(TransportLock::take(files_));
    std::error_code error;
    if (!again && std::filesystem::exists(files_.certificate(), error)) {
      return fail(Errc::kConflict,
                  "connected to a distributor already; take another --home for another one, or "
                  "--again where this connection has ended");
    }
    KB_TRY(redeem(invited, options));
  }
  // All roots, for another machine of the distributor may be known by another one. What fails here
  // is asked for again before the first request.
  crypto::SystemRng rng;
  if (const auto member = open(options)) {
    static_cast<void>(keep_up(files_, *member->http, now_of(options), rng));
  }
  return invited.subject;
}

// The key of a join that was cut serves again, so that the distributor gives the same answer.
Result<void> TransportFolder::redeem(const delivery::Invitation& invited,
                                     const TransportOptions& options) const {
  crypto::SystemRng rng;
  const crypto::EcPrivateKey key = KB_TRY(next_key_of(files_, rng));
  const std::string request = KB_TRY(crypto::certificate_request(key, invited.subject));
  const HostPort server{invited.host, invited.port};
  const net::HttpClientOptions client = KB_TRY(client_options(server, options));
  const auto http =
      KB_TRY(net::open_https_client(client, {.certificate_pem = invited.certificate_pem,
                                             .key_pem = invited.private_key_pem.duplicate(),
                                             .ca_pem = invited.ca_certificate_pem}));
  const delivery::IssuedCertificate issued =
      KB_TRY(delivery::redeem_invitation(*http, {.pem = request}));
  if (issued.subject != invited.subject) {
    return fail(Errc::kUntrusted, "the distributor gave a certificate for another name");
  }
  KB_TRY(crypto::write_file(files_.roots(), ascii(invited.ca_certificate_pem), false));
  KB_TRY(crypto::write_file(files_.server(),
                            ascii(invited.host + ":" + std::to_string(invited.port)), false));
  return use_next(files_, issued.pem);
}

Result<KeptUpClient::Connection> TransportFolder::open(const TransportOptions& options) const {
  const auto where = crypto::read_text_file(files_.server());
  if (!where) {
    return fail(Errc::kNotFound,
                "not connected to a distributor yet; redeem its invitation with: join FILE");
  }
  const HostPort server = KB_TRY(parse_host_port(*where));
  net::TlsIdentity identity;
  TransportPair pair = KB_TRY(read_pair(files_));
  identity.certificate_pem = std::move(pair.certificate_pem);
  identity.key_pem = std::move(pair.key_pem);
  identity.ca_pem = KB_TRY(crypto::read_text_file(files_.roots()));
  const net::HttpClientOptions client = KB_TRY(client_options(server, options));
  auto http = KB_TRY(net::open_https_client(client, identity));
  return KeptUpClient::Connection{.http = std::move(http),
                                  .made_of = identity.ca_pem + identity.certificate_pem};
}

Result<std::unique_ptr<delivery::HttpClient>> TransportFolder::connect(
    const TransportOptions& options) const {
  if (const auto lock = TransportLock::take(files_)) {
    // What a cut left is finished. Where that fails, on a full disk, the old pair may be good
    // still.
    static_cast<void>(finish_pair(files_));
  }
  auto connection = KB_TRY(open(options));
  const std::int64_t ahead = now_of(options) - SystemClock().now();
  return std::make_unique<KeptUpClient>(
      files_, [*this, options] { return open(options); }, std::move(connection), ahead);
}

Result<std::int64_t> TransportFolder::ca_not_before() const {
  const std::string pem = KB_TRY(crypto::read_text_file(files_.roots()));
  return KB_TRY(crypto::certificate_facts(pem)).not_before;
}

}  // namespace kagibin::cli
