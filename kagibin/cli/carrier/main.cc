// SPDX-License-Identifier: Apache-2.0
// kagibin carrier: carries bytes between devices and the distributor, and can keep what it saw.
#include <chrono>
#include <fstream>
#include <thread>

#include <signal.h>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/net/tcp_relay.h"
#include "kagibin/roles/carrier/capture.h"

namespace {

using namespace kagibin;
namespace carrier = roles::carrier;

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string to;
  std::filesystem::path capture;
};

std::uint64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

class CarrierCommands {
 public:
  CarrierCommands(cli::Program& program, Options& options)
      : options_(options), console_(program.console()) {}

  int run() {
    // Blocked before any thread is made; the waiting thread alone takes them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const auto done = relay(signals);
    return done ? cli::kExitOk : console_.failed(done.error(), "the carrier does not run");
  }

 private:
  Result<void> relay(const sigset_t& signals) {
    const cli::HostPort listen = KB_TRY(cli::parse_host_port(options_.listen));
    const cli::HostPort to = KB_TRY(cli::parse_host_port(options_.to));
    std::ofstream out;
    if (!options_.capture.empty()) {
      out.open(options_.capture, std::ios::binary | std::ios::trunc);
      write(out, carrier::capture_head());
      if (!out) {
        return fail(Errc::kIo, "the capture file cannot be written");
      }
    }
    const auto tap = [&](std::uint32_t connection, bool to_server, ByteView octets) {
      if (out.is_open()) {
        write(out, carrier::encode_piece({.time_us = now_us(),
                                          .connection = connection,
                                          .direction = to_server ? carrier::Direction::kToServer
                                                                 : carrier::Direction::kToClient,
                                          .octets = Bytes(octets.begin(), octets.end())}));
      }
    };
    const auto relay =
        KB_TRY(net::TcpRelay::open({listen.host, listen.port}, {to.host, to.port}, tap));
    console_.result({{"host", listen.host}, {"port", relay->port()}, {"to", options_.to}},
                    "Carrying {}:{} to {}. Ctrl-C ends it.", listen.host, relay->port(),
                    options_.to);
    const std::jthread waiting([&] {
      int number = 0;
      sigwait(&signals, &number);
      relay->stop();
    });
    relay->run();
    return {};
  }

  static void write(std::ofstream& out, const Bytes& octets) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): iostreams are made of char
    out.write(reinterpret_cast<const char*>(octets.data()),
              static_cast<std::streamsize>(octets.size()));
    out.flush();
  }

  Options& options_;
  cli::Console console_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("carrier", "D: the carrier. It moves bytes and holds nothing else.");
  Options options;
  auto* run = program.app().add_subcommand("run", "carry connections until Ctrl-C");
  run->add_option("--listen", options.listen, "HOST:PORT for devices; port 0 takes a free one")
      ->capture_default_str();
  run->add_option("--to", options.to, "HOST:PORT of the distributor")->required();
  run->add_option("--capture", options.capture, "keep everything that passes in this file");
  run->callback([&] { program.finish(CarrierCommands(program, options).run()); });
  return program.run(argc, argv);
}
