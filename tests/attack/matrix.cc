// SPDX-License-Identifier: Apache-2.0
#include "tests/attack/matrix.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace kagibin::attack {

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> out;
  for (std::string word; in >> word;) {
    out.push_back(word);
  }
  return out;
}

std::vector<std::vector<std::string>> lines_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::vector<std::string>> out;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') {
      out.push_back(words_of(line));
    }
  }
  return out;
}

}  // namespace

Result<ExpectedMatrix> ExpectedMatrix::parse(std::string_view text) {
  const auto lines = lines_of(text);
  const auto columns = coalitions();
  const auto all = schemes();
  if (lines.size() != all.size() + 1) {
    return fail(Errc::kEncoding, "the expected matrix has a head and a line a scheme");
  }
  ExpectedMatrix out;
  for (std::size_t row = 0; row < lines.size(); ++row) {
    const std::vector<std::string>& words = lines[row];
    if (words.size() != columns.size() + 2) {
      return fail(Errc::kEncoding, "a line of the expected matrix has a word a coalition");
    }
    const bool is_head = row == 0;
    if (!is_head && (words[0] != all[row - 1].name || words[1] != all[row - 1].model)) {
      return fail(Errc::kEncoding, "the expected matrix names other schemes or models");
    }
    for (std::size_t at = 0; at < columns.size(); ++at) {
      const std::string& word = words[at + 2];
      const bool is_run = !is_head && at < columns_of(all[row - 1]).size();
      const bool is_right = is_head  ? word == columns[at].name()
                            : is_run ? word == "secret" || word == "leaks"
                                     : word == ".";
      if (!is_right) {
        return fail(Errc::kEncoding, "the expected matrix has another word or coalition");
      }
      if (is_run) {
        out.words_[{words[0], columns[at].name()}] = word;
      }
    }
  }
  return out;
}

void ExpectedMatrix::compare(const std::string& scheme,
                             const Coalition& coalition,
                             std::string_view word,
                             std::vector<std::string>& out) const {
  const std::string& expected = words_.at({scheme, coalition.name()});
  if (expected != word) {
    out.push_back(fmt::format("{} {}: {}, expected {}", scheme, coalition.name(), word, expected));
  }
}

std::vector<std::string> ExpectedMatrix::differences(const std::vector<Cell>& cells) const {
  std::vector<std::string> out;
  for (const Cell& cell : cells) {
    compare(std::string(cell.scheme.name), cell.coalition, cell.word(), out);
  }
  return out;
}

std::vector<std::string> ExpectedMatrix::differences(const std::vector<ProcessCell>& cells) const {
  std::vector<std::string> out;
  for (const ProcessCell& cell : cells) {
    compare(cell.scheme, cell.coalition, cell.word(), out);
  }
  return out;
}

std::vector<std::string> ExpectedMatrix::disagreements(std::string_view proofs,
                                                       std::vector<std::string>& unproved) const {
  std::map<std::pair<std::string, std::string>, char> letters;
  for (const std::vector<std::string>& words : lines_of(proofs)) {
    if (words.size() == 4) {
      letters[{words[0], words[1]}] = words[2].front();
    }
  }
  std::vector<std::string> out;
  for (const Scheme& scheme : schemes()) {
    for (const Coalition& coalition : columns_of(scheme)) {
      const std::string& word = words_.at({std::string(scheme.name), coalition.name()});
      const auto letter = letters.find({std::string(scheme.model), coalition.column()});
      if (letter == letters.end()) {
        out.push_back(
            fmt::format("{} {}: the models have no such cell", scheme.model, coalition.column()));
      } else if (letter->second == '-') {
        unproved.push_back(fmt::format("{} {}", scheme.name, coalition.name()));
      } else if (letter->second != (word == "secret" ? 'S' : 'A')) {
        out.push_back(fmt::format("{} {}: {} here, {} in {}", scheme.name, coalition.name(), word,
                                  letter->second, scheme.model));
      }
    }
  }
  return out;
}

}  // namespace kagibin::attack
