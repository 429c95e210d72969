// SPDX-License-Identifier: Apache-2.0
// kagibin audit: verifies the audit log of a key distribution operator, from its store or from an
// exported copy, without a network, and exports it (doc/audit.md).
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include <boost/json/array.hpp>

#include "kagibin/base/base64.h"
#include "kagibin/cli/audit/log_place.h"
#include "kagibin/cli/console/program.h"
#include "kagibin/roles/key_distribution_operator/audit/log_audit.h"

namespace {

using namespace kagibin;
namespace kdo = roles::key_distribution_operator;

struct Options {
  std::string log;
  std::string key;
  std::string from;
  std::string order;
  std::string to;
};

Result<delivery::OrderKey> order_named(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    return fail(Errc::kInvalidArgument, "an order is named SPID/ORDER");
  }
  const Spid provider = KB_TRY(Spid::from_hex(text.substr(0, slash)));
  const delivery::OrderId id = KB_TRY(delivery::OrderId::from(text.substr(slash + 1)));
  return delivery::OrderKey{.provider = provider, .id = id};
}

// The verifier key itself, or a file that holds it.
Result<kdo::VerifierKey> key_named(const std::string& text) {
  std::error_code error;
  if (std::filesystem::exists(text, error)) {
    const std::string line = KB_TRY(kdo::read_line_file(text));
    return kdo::VerifierKey::parse(line);
  }
  return kdo::VerifierKey::parse(text);
}

class AuditCommands {
 public:
  AuditCommands(cli::Console console, const Options& options)
      : console_(console), options_(options), place_(options.log) {}

  int verify() {
    const auto report = run();
    if (!report && report.error().code == Errc::kNotFound) {
      return console_.failed_file(report.error(), "the log was not verified", missing_);
    }
    if (!report) {
      return console_.failed(report.error(), "the log was not verified",
                             place_.advice(report.error().detail.text()));
    }
    for (const kdo::ProvedEntry& entry : report->entries) {
      boost::json::array proof;
      for (const kdo::Hash& hash : entry.proof) {
        proof.emplace_back(to_base64(hash));
      }
      console_.result({{"entry", entry.place}, {"line", entry.line}, {"proof", std::move(proof)}},
                      "entry {}: {}", entry.place, entry.line);
    }
    if (!report->findings.empty()) {
      return tell(report->findings);
    }
    tell(*report);
    return cli::kExitOk;
  }

  int export_it() {
    const auto exported = [&]() -> Result<kdo::Exported> {
      KB_TRY(open());
      return kdo::export_log(place_.log(), options_.to);
    }();
    if (!exported && exported.error().code == Errc::kNotFound) {
      return console_.failed_file(exported.error(), "the log was not exported", missing_);
    }
    if (!exported) {
      return console_.failed(exported.error(), "the log was not exported",
                             place_.advice(exported.error().detail.text()));
    }
    console_.result(
        {{"entries", exported->entries}, {"files", exported->files}, {"folder", options_.to}},
        "{}: {} entries; {} files were written. Verify it with: kagibin audit verify {}",
        options_.to, exported->entries, exported->files, options_.to);
    return cli::kExitOk;
  }

 private:
  Result<void> open() {
    missing_ = options_.log;
    KB_TRY(place_.open());
    missing_.clear();
    return {};
  }

  Result<kdo::LogReport> run() {
    KB_TRY(open());
    const kdo::VerifierKey key = KB_TRY(verifier());
    kdo::AuditQuestion question{.store = place_.snapshot()};
    if (!options_.from.empty()) {
      missing_ = options_.from;
      std::string note = KB_TRY(kdo::read_line_file(options_.from));
      question.from = std::move(note) + "\n";
      missing_.clear();
    }
    if (!options_.order.empty()) {
      question.order = KB_TRY(order_named(options_.order));
    }
    question.progress = [this](std::uint64_t read, std::uint64_t all) {
      console_.progress("{} of {} entries", read, all);
    };
    return kdo::LogAudit(place_.log(), key).run(question);
  }

  Result<kdo::VerifierKey> verifier() {
    if (!options_.key.empty()) {
      return key_named(options_.key);
    }
    const std::string beside = KB_TRY(place_.log().verifier());
    if (beside.empty()) {
      return fail(
          Errc::kState,
          "nothing was signed yet; a distributor signs within a second or two of its start");
    }
    console_.progress(
        "No --key was given: the log is verified with the key that lies beside it, which whoever "
        "changes the log can change too");
    return kdo::VerifierKey::parse(beside);
  }

  void tell(const kdo::LogReport& report) {
    const std::string root = to_base64(report.head.root);
    boost::json::object object = {{"entries", report.head.size},
                                  {"orders", report.orders},
                                  {"root", root},
                                  {"withoutPlace", report.without_place},
                                  {"storeCompared", place_.snapshot() != nullptr}};
    std::string more;
    if (report.from) {
      object["from"] = report.from->size;
      more += fmt::format(" It continues the earlier checkpoint of {}.", report.from->size);
    }
    if (place_.snapshot() != nullptr) {
      more +=
          fmt::format(" The store's orders are as the log says; {} entries wait for their place.",
                      report.without_place);
    }
    console_.result(object,
                    "{} entries of {} orders are those that were signed, with the root {}.{}",
                    report.head.size, report.orders, root, more);
  }

  int tell(const kdo::Findings& findings) {
    for (const std::string& sentence : findings.sentences()) {
      console_.result({{"finding", sentence}}, "{}", sentence);
    }
    return console_.failed_text(
        Errc::kAuthentication, "the log does not prove what it should",
        fmt::format("{} findings.", findings.count()),
        "Keep the store, the log and the checkpoints as they are, and find out who changed them");
  }

  cli::Console console_;
  const Options& options_;
  cli::LogPlace place_;
  std::filesystem::path missing_;  // what is being looked for
};

}  // namespace

int main(int argc, char** argv) {
  cli::Program program("audit", "Verifies and exports a key distribution operator's audit log.");
  Options options;
  const auto commands = [&] { return AuditCommands(program.console(), options); };
  constexpr const char* kLog =
      "an exported folder, the file orders.sqlite3 in a distributor's --home, or "
      "postgresql://USER@HOST/DATABASE";

  auto* verify = program.app().add_subcommand(
      "verify", "prove that the log is what was signed, and that a store's orders agree with it");
  verify->add_option("log", options.log, kLog)->required();
  verify->add_option("--key", options.key,
                     "verifier key of the log, or a file with it: log.vkey in the distributor's "
                     "--home, had from its operator before");
  verify->add_option("--from", options.from,
                     "file with an earlier checkpoint, which the log has to continue");
  verify->add_option("--order", options.order,
                     "SPID/ORDER: also list this order's entries, with proofs that they are in");
  verify->callback([&] { program.finish(commands().verify()); });

  auto* exporting = program.app().add_subcommand(
      "export", "write the log into a folder, in the layout of c2sp.org/tlog-tiles");
  exporting->add_option("log", options.log, kLog)->required();
  exporting->add_option("folder", options.to, "where to; what is new is added to what is there")
      ->required();
  exporting->callback([&] { program.finish(commands().export_it()); });
  return program.run(argc, argv);
}
