// SPDX-License-Identifier: Apache-2.0
#include "kagibin/net/tls_context.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <openssl/ssl.h>

#include "kagibin/crypto/x509/certificate_bundle.h"
#include "kagibin/delivery/messages.h"

namespace kagibin::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr const char* kGroups = "X25519:P-256";
constexpr long kSessionSeconds = 3'600;
constexpr std::string_view kSessionContext = "kagibin";

const unsigned char* octets_of(std::string_view text) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): libssl takes text as octets
  return reinterpret_cast<const unsigned char*>(text.data());
}

void free_key_log(void* /*parent*/,
                  void* log,
                  CRYPTO_EX_DATA* /*data*/,
                  int /*index*/,
                  long /*argl*/,
                  void* /*argp*/) {
  delete static_cast<std::ofstream*>(log);  // NOLINT(cppcoreguidelines-owning-memory): ex_data owns
}

// The slot of SSL_CTX in which the key log's stream lives.
int key_log_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_key_log);
  return slot;
}

void write_key_log(const SSL* connection, const char* line) {
  auto* log =
      static_cast<std::ofstream*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), key_log_slot()));
  if (log != nullptr) {
    *log << line << '\n' << std::flush;
  }
}

Result<void> add_key_log(SSL_CTX* context, const DemoKeyLog& where) {
  auto log = std::make_unique<std::ofstream>(where.path, std::ios::app);
  if (!*log || SSL_CTX_set_ex_data(context, key_log_slot(), log.get()) != 1) {
    return fail(Errc::kIo, "the TLS key log cannot be written");
  }
  static_cast<void>(log.release());
  std::error_code ignored;
  std::filesystem::permissions(
      where.path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write,
      ignored);
  SSL_CTX_set_keylog_callback(context, write_key_log);
  return {};
}

}  // namespace

Result<TlsContext> TlsContext::make(const TlsIdentity& identity,
                                    const std::optional<DemoKeyLog>& key_log,
                                    bool server) {
  auto context =
      std::make_unique<ssl::context>(server ? ssl::context::tls_server : ssl::context::tls_client);
  SSL_CTX* raw = context->native_handle();
  if (SSL_CTX_set_min_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1) {
    return fail(Errc::kTls, "the TLS library does not offer TLS 1.3");
  }
  error_code error;
  context->use_certificate_chain(boost::asio::buffer(identity.certificate_pem), error);
  if (error) {
    return fail(Errc::kTls, "our transport certificate cannot be read");
  }
  context->use_private_key(
      boost::asio::buffer(identity.key_pem.expose().data(), identity.key_pem.expose().size()),
      ssl::context::pem, error);
  if (error || SSL_CTX_check_private_key(raw) != 1) {
    return fail(Errc::kTls, "our transport key does not belong to our certificate");
  }
  const auto roots = crypto::split_certificates(identity.ca_pem, delivery::kMaxRoots);
  for (const std::string& root : roots.value_or(std::vector<std::string>{})) {
    context->add_certificate_authority(boost::asio::buffer(root), error);
  }
  if (!roots || error) {
    return fail(Errc::kTls, "the transport CA's certificate cannot be read");
  }
  // Without verify_fail_if_no_peer_cert a server goes on without a certificate, never with a bad
  // one.
  context->set_verify_mode(ssl::verify_peer, error);
  SSL_CTX_set_timeout(raw, kSessionSeconds);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  if (server) {
    if (SSL_CTX_set_session_id_context(raw, octets_of(kSessionContext),
                                       static_cast<unsigned>(kSessionContext.size())) != 1 ||
        SSL_CTX_set_num_tickets(raw, 1) != 1) {
      return fail(Errc::kTls, "the TLS library did not take the session's settings");
    }
  }
  if (key_log) {
    KB_TRY(add_key_log(raw, *key_log));
  }
  return TlsContext(std::move(context));
}

Result<TlsContext> TlsContext::server(const TlsIdentity& identity,
                                      const std::optional<DemoKeyLog>& key_log) {
  return make(identity, key_log, true);
}

void TlsContext::verify_at(std::int64_t seconds) {
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context_->native_handle()), seconds);
}

Result<TlsContext> TlsContext::client(const TlsIdentity& identity,
                                      const std::optional<DemoKeyLog>& key_log) {
  return make(identity, key_log, false);
}

std::optional<std::string> peer_common_name(SSL* connection) {
  const X509* certificate = SSL_get0_peer_certificate(connection);
  if (certificate == nullptr || SSL_get_verify_result(connection) != X509_V_OK) {
    return std::nullopt;
  }
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, place) >= 0) {
    return std::nullopt;
  }
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  if (size < 0) {
    return std::nullopt;
  }
  std::string name(utf8, utf8 + size);
  OPENSSL_free(utf8);
  return name;
}

}  // namespace kagibin::net
