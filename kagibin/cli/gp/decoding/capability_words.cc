// SPDX-License-Identifier: Apache-2.0
#include "kagibin/cli/gp/decoding/capability_words.h"

#include <array>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace kagibin::cli {

namespace {

// The name of each bit that is set, b1 first.
std::vector<std::string> of_bits(std::uint8_t octet,
                                 std::span<const std::string_view> names,
                                 std::string_view other) {
  std::vector<std::string> out;
  for (unsigned bit = 0; bit < 8; ++bit) {
    if ((static_cast<unsigned>(octet) >> bit & 1U) == 0) {
      continue;
    }
    out.push_back(bit < names.size() ? std::string(names[bit])
                                     : fmt::format("{} b{}", other, bit + 1));
  }
  return out;
}

// The name of each number, counted from `first`.
std::vector<std::string> of_numbers(ByteView numbers,
                                    std::uint8_t first,
                                    std::span<const std::string_view> names,
                                    std::string_view other) {
  std::vector<std::string> out;
  for (const std::uint8_t number : numbers) {
    const auto at = static_cast<std::size_t>(number - first);
    out.push_back(number >= first && at < names.size() ? std::string(names[at])
                                                       : fmt::format("{} {:02X}", other, number));
  }
  return out;
}

constexpr auto kHashes =
    std::to_array<std::string_view>({"SHA-1", "SHA-256", "SHA-384", "SHA-512"});
constexpr auto kCiphers =
    std::to_array<std::string_view>({"3DES", "AES-128", "AES-192", "AES-256"});
constexpr auto kSchemes =
    std::to_array<std::string_view>({"RSA-1024 SHA-1", "RSASSA-PSS", "3DES MAC", "CMAC AES-128",
                                     "CMAC AES-192", "CMAC AES-256", "ECDSA P-256", "ECDSA P-384"});
constexpr auto kMoreSchemes = std::to_array<std::string_view>({"ECDSA 512 bits", "ECDSA P-521"});
constexpr auto kCurves = std::to_array<std::string_view>(
    {"P-256", "P-384", "P-521", "brainpoolP256r1", "brainpoolP256t1", "brainpoolP384r1",
     "brainpoolP384t1", "brainpoolP512r1", "brainpoolP512t1"});
constexpr auto kSizes = std::to_array<std::string_view>({"AES-128", "AES-192", "AES-256"});

}  // namespace

std::vector<std::string> hash_names(ByteView hashes) {
  return of_numbers(hashes, 1, kHashes, "hash");
}

std::vector<std::string> block_cipher_names(std::uint8_t ciphers) {
  return of_bits(ciphers, kCiphers, "cipher");
}

std::vector<std::string> signature_names(ByteView schemes) {
  std::vector<std::string> out;
  if (!schemes.empty()) {
    out = of_bits(schemes.front(), kSchemes, "scheme");
  }
  if (schemes.size() > 1) {
    const auto more = of_bits(schemes[1], kMoreSchemes, "second octet,");
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::vector<std::string> curve_names(ByteView references) {
  return of_numbers(references, 0, kCurves, "curve");
}

std::vector<std::string> key_size_names(std::uint8_t sizes) {
  return of_bits(sizes, kSizes, "key size");
}

}  // namespace kagibin::cli
