// SPDX-License-Identifier: Apache-2.0
// kagibin-conventional: the old way, as a positive control for the demo's examination. Never
// installed: an operator that holds keys is what this project is there to avoid.
#include <CLI/CLI.hpp>

#include "kagibin/cli/console/console.h"
#include "kagibin/cli/console/hex_option.h"

#include "tests/conventional/push.h"
#include "tests/conventional/relay.h"

namespace {

using namespace kagibin;

struct Options {
  std::filesystem::path home;
  std::filesystem::path manager;
  std::filesystem::path apdu_log;
  std::string to;
  std::string reader;
  std::string aid;
  std::string replaced;
  std::string key_version;
};

Result<conventional::Push> wish_of(const Options& options) {
  const std::uint8_t replaced = KB_TRY(cli::parse_octet(options.replaced));
  const std::uint8_t version = KB_TRY(cli::parse_octet(options.key_version));
  return conventional::Push{.home = options.home,
                            .manager = options.manager,
                            .to = options.to,
                            .target = KB_TRY(Aid::from_hex(options.aid)),
                            .replaced_version = replaced,
                            .key_version = version};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The conventional way (RL0): the operator holds the service provider's keys.",
               "kagibin-conventional");
  app.set_version_flag("--version", "kagibin " KAGIBIN_VERSION);
  app.require_subcommand(1);
  Options options;
  cli::Console console(true);
  int code = cli::kExitUsage;
  const auto finish = [&](const Result<void>& done, const char* what) {
    code = done ? cli::kExitOk : console.failed(done.error(), what);
  };

  auto* found = app.add_subcommand("found", "make the operator's exchange key");
  found->add_option("--home", options.home)->required();
  found->callback(
      [&] { finish(conventional::found_operator(options.home), "no operator was made"); });

  auto* push = app.add_subcommand("push", "set the entrusted keys in the target");
  push->add_option("--home", options.home)->required();
  push->add_option("--to", options.to, "HOST:PORT that leads to the device")->required();
  push->add_option("--manager", options.manager, "the manager's signing.pem")->required();
  push->add_option("--aid", options.aid)->required();
  push->add_option("--replace", options.replaced)->required();
  push->add_option("--key-version", options.key_version)->required();
  push->callback([&] {
    const auto wish = wish_of(options);
    finish(wish ? conventional::push(*wish) : std::unexpected(wish.error()),
           "the keys were not set");
  });

  auto* device = app.add_subcommand("device", "relay APDUs of one connection to a card");
  device->add_option("--reader", options.reader)->required();
  device->add_option("--apdu-log", options.apdu_log)->required();
  device->callback([&] {
    const auto announce = [&](std::uint16_t port) {
      console.result({{"port", port}}, "Listening on port {}.", port);
    };
    finish(conventional::serve_device(options.reader, options.apdu_log, announce),
           "the device stopped");
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? cli::kExitOk : cli::kExitUsage;
  }
  return code;
}
