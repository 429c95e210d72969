// SPDX-License-Identifier: Apache-2.0
// kagibin distributor: relays orders, sealed messages and receipts between service providers and
// devices. It cannot read them.
#include <cstdio>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/distributor/campaign_commands.h"
#include "kagibin/cli/distributor/service.h"
#include "kagibin/cli/distributor/status.h"
#include "kagibin/cli/distributor/tenant_commands.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"

namespace {

using namespace kagibin;
namespace kdo = roles::key_distribution_operator;

cli::EventLog::Level level_named(std::string_view name) {
  if (name == "debug") {
    return cli::EventLog::Level::kDebug;
  }
  if (name == "info") {
    return cli::EventLog::Level::kInfo;
  }
  return name == "warning" ? cli::EventLog::Level::kWarning : cli::EventLog::Level::kError;
}

struct Options {
  std::string name = "kagibin distributor";
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  cli::ServiceOptions service;
  unsigned drain_seconds = 0;
  unsigned slow_commit_ms = 1'000;
  std::string log_format = "text";
  std::string log_level = "info";
  std::string store;
  std::string server;
  std::string device;
  std::string provider;
  std::vector<std::string> roles;
  std::string operator_name;
  std::string auditor;
  std::filesystem::path invitation;
  bool again = false;
  std::string via;
  std::string target;
  std::filesystem::path out;
};

class DistributorCommands {
 public:
  DistributorCommands(cli::Program& program, Options& options)
      : program_(program),
        options_(options),
        console_(program.console()),
        folder_(program.home()),
        place_(options.store, folder_.orders()) {}

  int init() {
    std::error_code error;
    std::filesystem::create_directories(program_.home(), error);
    const auto done =
        folder_.init({.ca_name = options_.name, .server = names()}, clock_.now(), rng_);
    if (!done) {
      return console_.failed(done.error(), "no distributor was made");
    }
    console_.result(
        {{"ca", folder_.ca_certificate().string()},
         {"verifierKey", folder_.log_verifier().string()}},
        "The transport CA is {}. Whoever verifies the audit log needs {}. Invite providers and "
        "devices with: kagibin distributor invite",
        folder_.ca_certificate().string(), folder_.log_verifier().string());
    return cli::kExitOk;
  }

  int renew_server() {
    const auto done = folder_.renew_server(names(), clock_.now(), rng_);
    if (!done) {
      return console_.failed(done.error(), "the server certificate was not renewed");
    }
    console_.result({{"renewed", true}},
                    "The server certificate is renewed. Restart the distributor.");
    return cli::kExitOk;
  }

  int start_rotation() {
    const auto done = folder_.start_rotation(options_.name, clock_.now(), rng_);
    if (!done) {
      return console_.failed(done.error(), "no rotation was started");
    }
    console_.result(
        {{"next", folder_.next_certificate().string()}},
        "{}: the next transport CA. Copy the three next.ca.* files to every distributor "
        "of the store and restart them, then switch them all. Clients learn of it by "
        "themselves.",
        folder_.next_certificate().string());
    return cli::kExitOk;
  }

  int switch_ca() {
    const auto done = folder_.switch_ca(clock_.now());
    if (!done) {
      return console_.failed(done.error(), "the transport CA was not switched");
    }
    console_.result({{"ca", folder_.ca_certificate().string()}},
                    "The next transport CA issues now. Restart the distributor; clients renew "
                    "their certificates within a day of their next visit. When those that matter "
                    "have, finish.");
    return cli::kExitOk;
  }

  int finish_rotation() {
    const auto done = folder_.finish_rotation(
        {.dns_names = options_.dns_names, .ip_addresses = options_.ip_addresses}, clock_.now(),
        rng_);
    if (!done) {
      return console_.failed(done.error(), "the rotation was not finished");
    }
    console_.result({{"finished", true}},
                    "The server has a certificate of the CA of now. Once the distributor is "
                    "restarted, certificates of the CA before are refused: clients that have no "
                    "other need an invitation (join --again).");
    return cli::kExitOk;
  }

  int invite() {
    const auto done = [&]() -> Result<std::string> {
      const delivery::Subject subject = KB_TRY(invited());
      const cli::HostPort server = KB_TRY(cli::parse_host_port(options_.server));
      const kdo::TransportCa ca = KB_TRY(folder_.load_ca());
      const auto store = KB_TRY(place_.open());
      const SecretBytes file = KB_TRY(
          kdo::invite(*store, ca, {.subject = subject, .host = server.host, .port = server.port},
                      clock_.now(), rng_));
      KB_TRY(crypto::write_file(options_.out, file.expose(), true));
      return subject.common_name();
    }();
    if (!done) {
      return console_.failed(done.error(), "nobody was invited",
                             place_.advice(done.error().detail.text()));
    }
    console_.result({{"invitation", options_.out.string()}, {"subject", *done}},
                    "{}: an invitation for {}, good once and for {} days", options_.out.string(),
                    *done, kdo::kInvitationDays);
    return cli::kExitOk;
  }

  int join() {
    const auto joined =
        cli::TransportFolder(program_.home())
            .join(options_.invitation, {.via = options_.via, .demo_key_log = {}, .now = {}},
                  options_.again);
    if (!joined) {
      return console_.failed(joined.error(), "not connected to the distributor");
    }
    console_.result({{"subject", *joined}}, "Connected as {}.", *joined);
    return cli::kExitOk;
  }

  int get() {
    const auto answer = [&]() -> Result<delivery::HttpResponse> {
      const auto http = KB_TRY(cli::TransportFolder(program_.home())
                                   .connect({.via = options_.via, .demo_key_log = {}, .now = {}}));
      auto response = KB_TRY(http->send({.target = options_.target}));
      if (response.status >= 400) {
        if (const auto problem = delivery::problem_from_json(response.body)) {
          console_.progress("{}", problem->detail);
        }
        return std::unexpected(delivery::error_of(response));
      }
      return response;
    }();
    if (!answer) {
      return console_.failed(answer.error(), "nothing was read");
    }
    const std::string& body = answer->body;
    if (std::fwrite(body.data(), 1, body.size(), stdout) != body.size() ||
        std::fflush(stdout) != 0) {
      return console_.failed({Errc::kIo, "the output cannot be written"}, "not all was printed");
    }
    return cli::kExitOk;
  }

  int status() { return cli::DistributorStatus(console_, folder_, place_, clock_.now()).tell(); }

  int serve() {
    options_.service.drain = std::chrono::seconds(options_.drain_seconds);
    options_.service.slow_commit = std::chrono::milliseconds(options_.slow_commit_ms);
    options_.service.log = {.json = options_.log_format == "json",
                            .level = level_named(options_.log_level)};
    cli::DistributorService service(folder_, place_, options_.service);
    const auto done = service.run([&](const std::string& host, std::uint16_t port) {
      console_.result({{"host", host}, {"port", port}}, "Serving https://{}:{}. Ctrl-C ends it.",
                      host, port);
    });
    if (!done) {
      const bool missing = done.error().code == Errc::kNotFound;
      return console_.failed(
          done.error(), "the distributor does not run",
          place_.advice(done.error().detail.text(),
                        missing ? "Make it with: kagibin distributor init"
                                : "What it acknowledged is in its store; when the cause is gone, "
                                  "start it again"));
    }
    return cli::kExitOk;
  }

 private:
  kdo::ServerNames names() const {
    if (options_.dns_names.empty() && options_.ip_addresses.empty()) {
      return {.dns_names = {"localhost"}, .ip_addresses = {"127.0.0.1"}};
    }
    return {.dns_names = options_.dns_names, .ip_addresses = options_.ip_addresses};
  }

  Result<delivery::Subject> invited() const {
    if (!options_.provider.empty()) {
      delivery::Subject provider =
          delivery::provider_subject(KB_TRY(Spid::from_hex(options_.provider)));
      if (!options_.roles.empty()) {
        provider.roles = delivery::Roles::none();
      }
      for (const std::string& text : options_.roles) {
        provider.roles.add(KB_TRY(delivery::role_by_name(text)));
      }
      return provider;
    }
    if (!options_.operator_name.empty()) {
      const auto name = KB_TRY(delivery::DeviceId::from(options_.operator_name));
      return delivery::Subject{delivery::Party::kOperator, name.text()};
    }
    if (!options_.auditor.empty()) {
      const auto name = KB_TRY(delivery::DeviceId::from(options_.auditor));
      return delivery::Subject{delivery::Party::kAuditor, name.text()};
    }
    return delivery::device_subject(KB_TRY(delivery::DeviceId::from(options_.device)));
  }

  cli::Program& program_;
  Options& options_;
  cli::Console console_;
  kdo::DistributorFolder folder_;
  cli::OrderStorePlace place_;
  SystemClock clock_;
  crypto::SystemRng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program(
      "distributor",
      "B: the key distribution operator. It relays sealed messages and cannot read them.");
  Options options;
  cli::TenantOptions tenant_options;
  const auto commands = [&] { return DistributorCommands(program, options); };
  const auto add_names = [&](CLI::App* command) {
    command->add_option("--dns", options.dns_names,
                        "DNS name of the server; may be repeated (default: localhost, 127.0.0.1)");
    command->add_option("--ip", options.ip_addresses, "IP address of the server; may be repeated");
  };

  const auto add_store = [&](CLI::App* command) {
    command->add_option("--store", options.store,
                        "postgresql://USER@HOST/DATABASE, or postgresql:///?service=NAME: a store "
                        "that several distributors share, in place of the SQLite file in --home; "
                        "its password stands in ~/.pgpass or in the service file");
  };

  auto* init =
      program.app().add_subcommand("init", "make the transport CA and the server's certificate");
  init->add_option("--name", options.name, "name of the transport CA")->capture_default_str();
  add_names(init);
  init->callback([&] { program.finish(commands().init()); });

  auto* renew =
      program.app().add_subcommand("renew-server", "issue the server a new key and certificate");
  add_names(renew);
  renew->callback([&] { program.finish(commands().renew_server()); });

  auto* rotate = program.app().add_subcommand(
      "rotate-ca", "let another transport CA take the place of this one, in three steps");
  rotate->require_subcommand(1);
  auto* start = rotate->add_subcommand("start", "make the next CA; from now on two roots are good");
  start->add_option("--name", options.name, "name of the next CA")->capture_default_str();
  start->callback([&] { program.finish(commands().start_rotation()); });
  auto* change =
      rotate->add_subcommand("switch", "let the next CA issue, and erase the key of this one");
  change->callback([&] { program.finish(commands().switch_ca()); });
  auto* finish = rotate->add_subcommand(
      "finish", "believe the CA before no longer, with a server certificate of the CA of now");
  finish->add_option("--dns", options.dns_names,
                     "DNS name of the server; may be repeated (default: as its certificate now)");
  finish->add_option("--ip", options.ip_addresses, "IP address of the server; may be repeated");
  finish->callback([&] { program.finish(commands().finish_rotation()); });

  auto* invite = program.app().add_subcommand(
      "invite", "make a one-time invitation for a provider, a device, an operator or an auditor");
  auto* whom = invite->add_option_group("whom");
  whom->add_option("--device", options.device, "name of the device");
  auto* provider = whom->add_option("--provider", options.provider,
                                    "SPID of the provider, 32 hexadecimal digits");
  whom->add_option("--operator", options.operator_name,
                   "name of one who looks after orders of all providers, and sees no message");
  whom->add_option("--auditor", options.auditor,
                   "name of one who reads the audit log and orders of all providers");
  whom->require_option(1);
  invite
      ->add_option("--role", options.roles,
                   "what the provider's certificate may do: submit (orders and messages), operate "
                   "(stop what is on its way), audit (read); may be repeated (default: all three)")
      ->needs(provider)
      ->check(CLI::IsMember({"submit", "operate", "audit"}));
  invite->add_option("--server", options.server, "HOST:PORT at which this distributor is reached")
      ->required();
  invite->add_option("--out", options.out, "where to write the invitation (it holds a private key)")
      ->required();
  add_store(invite);
  invite->callback([&] { program.finish(commands().invite()); });

  cli::add_tenant_commands(program, tenant_options);
  cli::CampaignWish campaign_options;
  cli::add_campaign_commands(program, campaign_options);

  auto* join = program.app().add_subcommand(
      "join", "redeem an operator's or auditor's invitation, in a --home of their own");
  join->add_option("invitation", options.invitation, "the invitation")->required();
  join->add_flag("--again", options.again,
                 "in the place of a connection that there is, and that has ended");
  auto* get = program.app().add_subcommand(
      "get", "print what the distributor answers at a path, as whoever joined in --home");
  get->add_option("path", options.target, "such as /v1/providers/SPID/orders")->required();
  for (auto* command : {join, get}) {
    command->add_option("--via", options.via, "HOST:PORT of a carrier before the distributor");
  }
  join->callback([&] { program.finish(commands().join()); });
  get->callback([&] { program.finish(commands().get()); });

  auto* status = program.app().add_subcommand(
      "status", "say what the store holds and how long certificates are good; changes nothing");
  add_store(status);
  status->callback([&] { program.finish(commands().status()); });

  auto* serve = program.app().add_subcommand("serve", "serve until Ctrl-C");
  serve->add_option("--listen", options.service.listen, "ADDRESS:PORT; port 0 takes a free one")
      ->capture_default_str();
  serve
      ->add_option(
          "--max-connections", options.service.max_connections,
          "connections at a time, one for each device that waits; further ones are closed at once. "
          "The limit of open files (ulimit -n) has to allow them")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  serve
      ->add_option("--drain-seconds", options.drain_seconds,
                   "how long to go on, not ready any more, before an end that was asked for: the "
                   "time in which a balancer looks at /readyz")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600));
  serve->add_option("--log-format", options.log_format, "of the log on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  serve->add_option("--log-level", options.log_level, "what is logged: this and above")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  serve->add_flag("--log-access", options.service.log_access,
                  "log every answer, with the kind of who asked and the route; at --log-level "
                  "debug with the order's name");
  serve
      ->add_option("--slow-commit-ms", options.slow_commit_ms,
                   "commits that take so many milliseconds are logged")
      ->capture_default_str()
      ->check(CLI::Range(1, 3'600'000));
  serve->add_option("--demo-key-log", options.service.demo_key_log,
                    "append TLS secrets to this file: undoes TLS, for the demo only");
  add_store(serve);
  serve->callback([&] { program.finish(commands().serve()); });
  return program.run(argc, argv);
}
