// SPDX-License-Identifier: Apache-2.0
#include "tests/conventional/relay.h"

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/open_card.h"
#include "kagibin/cli/console/recording_link.h"
#include "kagibin/link/socket.h"

namespace kagibin::conventional {

namespace {

constexpr int kTimeoutMs = 10'000;

class RemoteCard final : public apdu::CardLink {
 public:
  explicit RemoteCard(link::Socket socket) : socket_(std::move(socket)) {}
  Result<Bytes> transmit(ByteView command) override {
    KB_TRY(socket_.write_frame(command));
    return socket_.read_frame(kTimeoutMs, nullptr);
  }

 private:
  link::Socket socket_;
};

}  // namespace

Result<std::unique_ptr<apdu::CardLink>> connect_device(const std::string& host_and_port) {
  const cli::HostPort where = KB_TRY(cli::parse_host_port(host_and_port));
  link::Socket socket = KB_TRY(link::Socket::connect(where.host, where.port, kTimeoutMs));
  return std::make_unique<RemoteCard>(std::move(socket));
}

Result<void> serve_device(const std::string& reader,
                          const std::filesystem::path& log,
                          const std::function<void(std::uint16_t)>& announce) {
  const link::StopSignal stop;
  auto listener = KB_TRY(link::ListeningSocket::open("127.0.0.1", 0));
  announce(listener.port());
  link::Socket peer = KB_TRY(listener.accept(stop));
  auto card = KB_TRY(cli::open_card(reader));
  const auto recorded = KB_TRY(cli::RecordingLink::open(std::move(card), log));
  while (true) {
    const auto command = peer.read_frame(kTimeoutMs, &stop);
    if (!command) {
      return {};  // the operator hung up
    }
    const Bytes response = KB_TRY(recorded->transmit(*command));
    KB_TRY(peer.write_frame(response));
  }
}

}  // namespace kagibin::conventional
