// SPDX-License-Identifier: Apache-2.0
// kagibin VERB ...: runs kagibin-VERB, from the folder this program lies in or from PATH, as git
// does.
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

namespace {

struct Verb {
  std::string_view name;
  std::string_view what;
};
constexpr std::array<Verb, 14> kVerbs = {{
    {"provider", "A: the service provider, whose keys are delivered"},
    {"distributor", "B: the key distribution operator"},
    {"manager", "C: the security module manager"},
    {"carrier", "D: the carrier between device and distributor"},
    {"agent", "the smart-device application"},
    {"se", "a virtual secure element"},
    {"maker", "M: the element maker"},
    {"authority", "E: the controlling authority"},
    {"store", "moves a distributor's orders to PostgreSQL"},
    {"audit", "verifies a distributor's audit log, and exports it"},
    {"gp", "content and keys of any GlobalPlatform card"},
    {"token", "keys in PKCS#11 tokens"},
    {"demo", "the whole system on this machine"},
    {"fleet", "many elements under load and failures, all of them checked"},
}};

void print_help() {
  fmt::print(
      "Usage: kagibin VERB [options]\n       kagibin VERB --help\n\n"
      "Carries a service provider's keys into secure elements over operators that cannot read "
      "them.\n\n");
  for (const Verb& verb : kVerbs) {
    fmt::print("  {:<12} {}\n", verb.name, verb.what);
  }
  fmt::print(
      "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 try again (nothing is lost).\n");
}

// execv does not change its arguments, whatever its signature says.
void run(const std::string& program, const std::vector<char*>& arguments, bool search_path) {
  if (search_path) {
    execvp(program.c_str(), arguments.data());
  } else {
    execv(program.c_str(), arguments.data());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<char*> given(argv, argv + argc);
  if (argc < 2 || std::string_view(given[1]) == "--help" || std::string_view(given[1]) == "-h") {
    print_help();
    return argc < 2 ? 2 : 0;
  }
  if (std::string_view(given[1]) == "--version") {
    fmt::print("kagibin {}\n", KAGIBIN_VERSION);
    return 0;
  }
  std::vector<char*> arguments(given.begin() + 1, given.end());
  std::string program = std::string("kagibin-") + given[1];
  if (program.find('/') != std::string::npos) {
    fmt::print(stderr, "kagibin: a verb is a word; kagibin --help lists them.\n");
    return 2;
  }
  arguments[0] = program.data();
  arguments.push_back(nullptr);
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    run(self.parent_path() / program, arguments, false);
  }
  run(program, arguments, true);
  fmt::print(stderr, "kagibin: there is no verb \"{}\" here; kagibin --help lists them.\n",
             given[1]);
  return 2;
}
