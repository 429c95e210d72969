// SPDX-License-Identifier: Apache-2.0
#include "bench/idle_agents.h"

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kagibin/base/result.h"
#include "kagibin/base/secret.h"

namespace kagibin::bench {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using Connection = std::unique_ptr<SSL, decltype(&SSL_free)>;

void write_all(int to, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  for (std::size_t done = 0; done < size;) {
    const ssize_t now = write(to, at + done, size - done);
    KB_CHECK(now > 0);
    done += static_cast<std::size_t>(now);
  }
}

bool read_all(int from, void* data, std::size_t size) {
  char* at = static_cast<char*>(data);
  for (std::size_t done = 0; done < size;) {
    const ssize_t now = read(from, at + done, size - done);
    if (now <= 0) {
      return false;
    }
    done += static_cast<std::size_t>(now);
  }
  return true;
}

void write_octets(int to, ByteView octets) {
  const std::size_t size = octets.size();
  write_all(to, &size, sizeof size);
  write_all(to, octets.data(), size);
}

SecretBytes read_octets(int from) {
  std::size_t size = 0;
  KB_CHECK(read_all(from, &size, sizeof size) && size < 1'000'000);
  SecretBytes octets(size);
  KB_CHECK(read_all(from, octets.expose_mutable().data(), size));
  return octets;
}

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
Bio bio_of(const SecretBytes& pem) {
  return {BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size())), &BIO_free};
}

Context context_of(const SecretBytes& certificate, const SecretBytes& key) {
  Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  X509* parsed = PEM_read_bio_X509(bio_of(certificate).get(), nullptr, nullptr, nullptr);
  EVP_PKEY* private_key = PEM_read_bio_PrivateKey(bio_of(key).get(), nullptr, nullptr, nullptr);
  KB_CHECK(SSL_CTX_use_certificate(context.get(), parsed) == 1);
  KB_CHECK(SSL_CTX_use_PrivateKey(context.get(), private_key) == 1);
  X509_free(parsed);
  EVP_PKEY_free(private_key);
  return context;
}

// Empty when the server does not take it.
Connection connect_to(std::uint16_t port, SSL_CTX* context) {
  const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the sockets' own interface
  if (file < 0 || connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return {nullptr, &SSL_free};
  }
  Connection connection(SSL_new(context), &SSL_free);
  SSL_set_fd(connection.get(), file);
  if (SSL_connect(connection.get()) != 1) {
    return {nullptr, &SSL_free};
  }
  return connection;
}

[[noreturn]] void be_agents(int commands, int answers) {
  std::array<int, 3> plan{};  // port, count, wait
  std::size_t identities = 0;
  if (!read_all(commands, plan.data(), sizeof plan)) {
    _exit(0);
  }
  KB_CHECK(read_all(commands, &identities, sizeof identities));
  std::vector<Context> contexts;
  for (std::size_t i = 0; i < identities; ++i) {
    const SecretBytes certificate = read_octets(commands);
    contexts.push_back(context_of(certificate, read_octets(commands)));
  }
  const std::string request = "GET /v1/devices/self/work?after=0&wait=" + std::to_string(plan[2]) +
                              " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  std::vector<Connection> connections;
  for (int i = 0; i < plan[1]; ++i) {
    Connection connection =
        connect_to(static_cast<std::uint16_t>(plan[0]),
                   contexts[static_cast<std::size_t>(i) % contexts.size()].get());
    if (!connection ||
        SSL_write(connection.get(), request.data(), static_cast<int>(request.size())) <= 0) {
      break;
    }
    connections.push_back(std::move(connection));
  }
  const int under_way = static_cast<int>(connections.size());
  write_all(answers, &under_way, sizeof under_way);
  char go = 0;
  KB_CHECK(read_all(commands, &go, 1));
  int good = 0;
  for (const Connection& connection : connections) {
    std::array<char, 1'024> answer{};
    const int size = SSL_read(connection.get(), answer.data(), static_cast<int>(answer.size()));
    good += size > 0 && std::string_view(answer.data()).starts_with("HTTP/1.1 204 ") ? 1 : 0;
  }
  write_all(answers, &good, sizeof good);
  _exit(0);
}

}  // namespace

IdleAgents::IdleAgents() {
  std::array<int, 2> commands{};
  std::array<int, 2> answers{};
  KB_CHECK(pipe(commands.data()) == 0 && pipe(answers.data()) == 0);
  child_ = fork();
  if (child_ == 0) {
    close(commands[1]);
    close(answers[0]);
    be_agents(commands[0], answers[1]);
  }
  close(commands[0]);
  close(answers[1]);
  child_commands_ = commands[1];
  child_answers_ = answers[0];
}

IdleAgents::~IdleAgents() {
  close(child_commands_);
  close(child_answers_);
  waitpid(child_, nullptr, 0);
}

int IdleAgents::start(std::uint16_t port,
                      const std::vector<net::TlsIdentity>& identities,
                      int count,
                      int wait_seconds) {
  const std::array<int, 3> plan = {port, count, wait_seconds};
  const std::size_t size = identities.size();
  write_all(child_commands_, plan.data(), sizeof plan);
  write_all(child_commands_, &size, sizeof size);
  for (const net::TlsIdentity& identity : identities) {
    const ByteView key = identity.key_pem.expose();
    write_octets(child_commands_, ascii(identity.certificate_pem));
    write_octets(child_commands_, key);
  }
  int under_way = 0;
  KB_CHECK(read_all(child_answers_, &under_way, sizeof under_way));
  return under_way;
}

int IdleAgents::finish() {
  write_all(child_commands_, "g", 1);
  int good = 0;
  KB_CHECK(read_all(child_answers_, &good, sizeof good));
  return good;
}

}  // namespace kagibin::bench
