// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/provider/provider_problem.h"

#include "kagibin/cli/provider/provider_home.h"
#include "kagibin/cli/store/store_advice.h"

namespace kagibin::cli {

using roles::service_provider::Problem;

namespace {

constexpr std::string_view kTryAgain =
    "What was written is kept. See that the disk has room and the network is there, then run the "
    "same command again";

// Empty where the problem says itself what to do.
std::string advice_for(const Program& program, const Problem& problem) {
  if (problem.text.ends_with('.')) {
    return {};
  }
  const ProviderPaths paths{program.home()};
  return store_advice(problem.text, paths.journal(),
                      exit_code(problem.code) == kExitTryAgain ? kTryAgain : std::string_view());
}

// A lower layer's error says what happened and no more.
std::string sentence_of(const Problem& problem) {
  return problem.text.ends_with('.') ? problem.text : problem.text + ".";
}

}  // namespace

std::string sentences_of(const Program& program, const Problem& problem) {
  const std::string advice = advice_for(program, problem);
  return advice.empty() ? sentence_of(problem)
                        : fmt::format("{} {}.", sentence_of(problem), advice);
}

int report_problem(const Program& program, const Problem& problem, std::string_view what) {
  return program.console().failed_text(problem.code, what, sentence_of(problem),
                                       advice_for(program, problem));
}

}  // namespace kagibin::cli
