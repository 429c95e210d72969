// SPDX-License-Identifier: Apache-2.0
// Our key blocks behind lines of text, so that an implementation in another language can be its
// peer. For tests only. One request a line, keys in hexadecimal digits; one answer a line, or
// "error NAME":
//
//   open KBPK BLOCK                                           -> usage algorithm mode version
//                                                                exportability key [ID=DATA ...]
//   protect KBPK KEY USAGE ALGORITHM MODE VERSION EXPORTABILITY [ID=DATA ...] -> block
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "kagibin/crypto/key_block/key_block_protection.h"

namespace {

using namespace kagibin;
using namespace kagibin::crypto;

SecretBytes octets_of(const std::string& digits) {
  return SecretBytes::copy_of(from_hex(digits).value_or(Bytes()));
}

Result<std::string> open(const std::vector<std::string>& words) {
  const KeyBlock block = KB_TRY(KeyBlock::decode(ascii(words.at(2))));
  const SecretBytes key = KB_TRY(open_key_block(octets_of(words.at(1)), block));
  const KeyBlockHeader& header = block.header;
  std::string out = header.key_usage + " " + header.algorithm + " " + header.mode_of_use + " " +
                    header.key_version_number + " " + header.exportability + " " +
                    to_hex(key.expose());
  for (const OptionalBlock& optional : header.optional_blocks) {
    if (optional.id != kPaddingBlock) {
      out += " " + optional.id + "=" + optional.data;
    }
  }
  return out;
}

Result<std::string> protect(const std::vector<std::string>& words, Rng& rng) {
  KeyBlockHeader header{.key_usage = words.at(3),
                        .algorithm = words.at(4).at(0),
                        .mode_of_use = words.at(5).at(0),
                        .key_version_number = words.at(6),
                        .exportability = words.at(7).at(0),
                        .key_context = '0',
                        .optional_blocks = {}};
  for (std::size_t i = 8; i < words.size(); ++i) {
    header.optional_blocks.push_back({.id = words[i].substr(0, 2), .data = words[i].substr(3)});
  }
  header.pad();
  const KeyBlock block =
      KB_TRY(protect_key(octets_of(words.at(1)), header, octets_of(words.at(2)), rng));
  const Bytes text = KB_TRY(block.encode());
  return std::string(text.begin(), text.end());
}

}  // namespace

int main() {
  SystemRng rng;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
      words.push_back(word);
    }
    const auto result = words.at(0) == "open" ? open(words) : protect(words, rng);
    std::cout << (result ? *result : "error " + std::string(name(result.error().code))) << "\n"
              << std::flush;
  }
  return 0;
}
