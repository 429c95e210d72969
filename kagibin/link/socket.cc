// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/socket.h"

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kagibin/base/byte_io.h"

namespace kagibin::link {

namespace {

constexpr int kBacklog = 128;

void set_option(int descriptor, int level, int option) {
  const int on = 1;
  static_cast<void>(setsockopt(descriptor, level, option, &on, sizeof(on)));
}

// Waits for `events`; true when ready, false after the limit.
Result<bool> wait(int descriptor, short events, int timeout_ms, const StopSignal* stop) {
  std::array<pollfd, 2> fds{{{descriptor, events, 0}, {stop ? stop->descriptor() : -1, POLLIN, 0}}};
  for (;;) {
    const int ready = poll(fds.data(), fds.size(), timeout_ms);
    if (ready < 0 && errno == EINTR) {
      continue;
    }
    if (ready < 0) {
      return fail(Errc::kNetwork, "waiting for the connection failed");
    }
    if (fds[1].revents != 0) {
      return fail(Errc::kInterrupted, "stopped on request");
    }
    return ready > 0;
  }
}

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<Addresses> resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
    return fail(Errc::kNetwork, "the host name has no address; check it for a typing error");
  }
  return Addresses(found, &freeaddrinfo);
}

}  // namespace

StopSignal::StopSignal() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  KB_CHECK(descriptor_ >= 0);
}
StopSignal::~StopSignal() { close(descriptor_); }
void StopSignal::raise() const {
  const std::uint64_t one = 1;
  static_cast<void>(!write(descriptor_, &one, sizeof(one)));
}
bool StopSignal::raised() const {
  pollfd fd{descriptor_, POLLIN, 0};
  return poll(&fd, 1, 0) > 0;
}

Result<Socket> Socket::connect(const std::string& host, std::uint16_t port, int timeout_ms) {
  const Addresses addresses = KB_TRY(resolve(host, port));
  for (const addrinfo* address = addresses.get(); address != nullptr; address = address->ai_next) {
    Socket candidate(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (candidate.descriptor_ < 0) {
      continue;
    }
    if (::connect(candidate.descriptor_, address->ai_addr, address->ai_addrlen) != 0) {
      if (errno != EINPROGRESS ||
          !KB_TRY(wait(candidate.descriptor_, POLLOUT, timeout_ms, nullptr))) {
        continue;
      }
      int error = 0;
      socklen_t size = sizeof(error);
      static_cast<void>(getsockopt(candidate.descriptor_, SOL_SOCKET, SO_ERROR, &error, &size));
      if (error != 0) {
        continue;
      }
    }
    set_option(candidate.descriptor_, IPPROTO_TCP, TCP_NODELAY);
    return candidate;
  }
  return fail(Errc::kNetwork, "nothing answers at this host and port");
}

Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}
Socket::~Socket() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

Result<void> Socket::read_exact(MutableByteView out, int timeout_ms, const StopSignal* stop) {
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t got = recv(descriptor_, out.data() + have, out.size() - have, MSG_DONTWAIT);
    if (got > 0) {
      have += static_cast<std::size_t>(got);
      set_option(descriptor_, IPPROTO_TCP, TCP_QUICKACK);
    } else if (got == 0) {
      return fail(Errc::kNetwork, "the other side closed the connection");
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!KB_TRY(wait(descriptor_, POLLIN, timeout_ms, stop))) {
        return fail(Errc::kNetwork, "the other side did not answer in time");
      }
    } else if (errno != EINTR) {
      return fail(Errc::kNetwork, "the connection broke");
    }
  }
  return {};
}

Result<Bytes> Socket::read_frame(int timeout_ms, const StopSignal* stop) {
  std::array<std::uint8_t, 2> head{};
  KB_TRY(read_exact(head, timeout_ms, stop));
  Bytes body(static_cast<std::size_t>(head[0]) * 256 + head[1]);
  KB_TRY(read_exact(body, timeout_ms, stop));
  return body;
}

Result<void> Socket::write_frame(ByteView octets) {
  if (octets.size() > 0xFFFF) {
    return fail(Errc::kLimit, "a frame has at most 65,535 octets");
  }
  const Bytes frame =
      ByteWriter().u16(static_cast<std::uint16_t>(octets.size())).bytes(octets).take();
  ByteView rest = frame;
  while (!rest.empty()) {
    const ssize_t sent = send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      rest = rest.subspan(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (!KB_TRY(wait(descriptor_, POLLOUT, 10'000, nullptr))) {
        return fail(Errc::kNetwork, "the other side does not read");
      }
    } else if (errno != EINTR) {
      return fail(Errc::kNetwork, "the connection broke");
    }
  }
  return {};
}

Result<ListeningSocket> ListeningSocket::open(const std::string& host, std::uint16_t port) {
  const Addresses addresses = KB_TRY(resolve(host, port));
  const int descriptor =
      socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return fail(Errc::kNetwork, "no socket could be made");
  }
  ListeningSocket out(descriptor, port);
  set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the sockets API works on sockaddr
  if (bind(descriptor, addresses->ai_addr, addresses->ai_addrlen) != 0 ||
      listen(descriptor, kBacklog) != 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return fail(Errc::kNetwork,
                "this address and port cannot be listened on; it may be in use already");
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&bound);
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&bound);
  // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
  out.port_ = ntohs(bound.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
  return out;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), port_(other.port_) {}
ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) {
    close(descriptor_);
  }
}

Result<Socket> ListeningSocket::accept(const StopSignal& stop) {
  for (;;) {
    KB_TRY(wait(descriptor_, POLLIN, -1, &stop));
    const int accepted = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted >= 0) {
      set_option(accepted, IPPROTO_TCP, TCP_NODELAY);
      set_option(accepted, IPPROTO_TCP, TCP_QUICKACK);
      return Socket(accepted);
    }
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
      return fail(Errc::kNetwork, "taking a connection failed");
    }
  }
}

}  // namespace kagibin::link
