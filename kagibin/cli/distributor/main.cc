// SPDX-License-Identifier: Apache-2.0
// kagibin distributor: relays orders, sealed messages and receipts between service providers and
// devices. It cannot read them.
#include <cstdio>
#include <thread>

#include <signal.h>

#include "kagibin/cli/console/host_port.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/cli/store/order_store_place.h"
#include "kagibin/cli/transport/transport_folder.h"
#include "kagibin/cli/waiting/descriptor_limit.h"
#include "kagibin/crypto/ed25519/ed25519.h"
#include "kagibin/crypto/key_file/key_file.h"
#include "kagibin/delivery/problem.h"
#include "kagibin/delivery/store_snapshot.h"
#include "kagibin/net/http_server.h"
#include "kagibin/roles/key_distribution_operator/audit/log_keeper.h"
#include "kagibin/roles/key_distribution_operator/distributor.h"
#include "kagibin/roles/key_distribution_operator/distributor_folder.h"
#include "kagibin/roles/key_distribution_operator/invitations.h"

namespace {

using namespace kagibin;
namespace kdo = roles::key_distribution_operator;

struct Options {
  std::string name = "kagibin distributor";
  std::vector<std::string> dns_names;
  std::vector<std::string> ip_addresses;
  std::string listen = "127.0.0.1:8443";
  std::size_t max_connections = 16'384;
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
  std::filesystem::path demo_key_log;
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

  int serve() {
    // Blocked before any thread is made; the waiting thread alone takes them.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const auto done = run_server(signals);
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

  // The key with which this distributor extends the audit log; empty when the log is another one's.
  Result<std::optional<crypto::Ed25519PrivateKey>> log_key(delivery::OrderStore& store) {
    const auto verifier_of = [&]() -> Result<std::string> {
      const auto snapshot = KB_TRY(store.snapshot());
      delivery::AuditHead head = KB_TRY(snapshot->audit_head());
      return std::move(head.verifier);
    };
    const std::string signs = KB_TRY(verifier_of());
    auto key = KB_TRY(folder_.log_key(signs.empty(), rng_));
    if (!signs.empty() && (!key || kdo::LogKeeper(*key).verifier().text() != signs)) {
      console_.progress(
          "The store's audit log is signed with another key ({}): this distributor writes entries, "
          "and leaves it to the one with that log.key.pem to give them their places",
          signs);
      key.reset();
    }
    return key;
  }

  // Gives what waits its places; says so when the log cannot be extended, which keeps nobody from
  // serving.
  Result<void> begin_log(delivery::OrderStore& store, kdo::LogKeeper& log) {
    const auto transaction = KB_TRY(store.begin());
    const auto placed = [&]() -> Result<std::size_t> {
      KB_TRY(log.check(*transaction));
      return log.extend(*transaction);
    }();
    if (placed && *placed > 0 && transaction->commit()) {
      log.committed();
    }
    if (!placed) {
      tell_log_stands(placed.error());
    }
    return {};
  }

  void tell_log_stands(const Error& why) {
    if (why.code != Errc::kAuthentication && why.code != Errc::kConflict) {
      console_.progress("The audit log: {}. Entries are written and get no places until that ends",
                        why.detail.text());
      return;
    }
    console_.progress(
        "{}. Entries are written and get no places. Look with: kagibin audit verify --from {}. If "
        "the older state is meant, move that file away; earlier checkpoints are not continued then",
        why.detail.text(), folder_.log_checkpoint().string());
  }

  Result<void> run_server(const sigset_t& signals) {
    const cli::HostPort listen = KB_TRY(cli::parse_host_port(options_.listen));
    kdo::DistributorIdentity identity = KB_TRY(folder_.load());
    const auto store = KB_TRY(place_.open());
    const auto log_key = KB_TRY(this->log_key(*store));
    std::optional<kdo::LogKeeper> log;
    if (log_key) {
      std::string last = KB_TRY(folder_.last_checkpoint());
      log.emplace(*log_key, std::move(last), [this](std::string_view note) {
        // The next one is kept again; an older one is a prefix of the log, too.
        static_cast<void>(folder_.keep_checkpoint(note));
      });
      KB_TRY(begin_log(*store, *log));
    }
    kdo::Distributor distributor({.store = *store,
                                  .ca = identity.ca,
                                  .clock = clock_,
                                  .rng = rng_,
                                  .log = log ? &*log : nullptr,
                                  .log_stands = [this](const Error* why) {
                                    if (why != nullptr) {
                                      tell_log_stands(*why);
                                    } else {
                                      console_.progress("The audit log goes on");
                                    }
                                  }});
    cli::raise_descriptor_limit();
    net::HttpServerOptions server_options{
        .address = listen.host, .port = listen.port, .max_connections = options_.max_connections};
    if (!options_.demo_key_log.empty()) {
      server_options.demo_key_log = net::DemoKeyLog{options_.demo_key_log};
    }
    const net::TlsIdentity tls{.certificate_pem = identity.server_certificate_pem,
                               .key_pem = std::move(identity.server_key_pem),
                               .ca_pem = identity.ca.roots_pem()};
    const auto server = KB_TRY(net::HttpServer::open(server_options, tls, distributor, clock_));
    console_.result({{"host", listen.host}, {"port", server->port()}},
                    "Serving https://{}:{}. Ctrl-C ends it.", listen.host, server->port());
    const std::jthread waiting([&] {
      int number = 0;
      sigwait(&signals, &number);
      server->stop();
    });
    server->run();
    return {};
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

  auto* serve = program.app().add_subcommand("serve", "serve until Ctrl-C");
  serve->add_option("--listen", options.listen, "ADDRESS:PORT; port 0 takes a free one")
      ->capture_default_str();
  serve
      ->add_option(
          "--max-connections", options.max_connections,
          "connections at a time, one for each device that waits; further ones are closed at once. "
          "The limit of open files (ulimit -n) has to allow them")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));
  serve->add_option("--demo-key-log", options.demo_key_log,
                    "append TLS secrets to this file: undoes TLS, for the demo only");
  add_store(serve);
  serve->callback([&] { program.finish(commands().serve()); });
  return program.run(argc, argv);
}
