// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/solver/apdu_log.h"

#include <fstream>
#include <string>

namespace kagibin::cli {

std::uint8_t Exchange::channel() const {
  if (command.empty()) {
    return 0;
  }
  const std::uint8_t cla = command[0];
  return (cla & 0x40U) == 0 ? static_cast<std::uint8_t>(cla & 0x03U)
                            : static_cast<std::uint8_t>((cla & 0x0FU) + 4U);
}

bool Exchange::is_answered_ok() const {
  return response.size() >= 2 && response[response.size() - 2] == 0x90 && response.back() == 0x00;
}

std::vector<Exchange> read_apdu_log(const std::filesystem::path& file) {
  std::vector<Exchange> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line) && !in.eof();) {
    if (line.size() < 2 || (line[0] != '>' && line[0] != '<')) {
      continue;
    }
    const auto octets = from_hex(std::string_view(line).substr(1));
    if (!octets) {
      continue;
    }
    if (line[0] == '>') {
      out.push_back({.command = *octets, .response = {}});
    } else if (!out.empty()) {
      out.back().response = *octets;
    }
  }
  return out;
}

}  // namespace kagibin::cli
