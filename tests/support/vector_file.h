// SPDX-License-Identifier: Apache-2.0
// Test vectors as files, one format for the whole project:
//
//   # Source: NIST SP 800-38B, D.1
//   # Licence: none needed, numbers of a published standard
//   [AES-128]
//   Key = 2B7E151628AED2A6ABF7158809CF4F3C
//   Message =
//   Mac = BB1D6929E95937287FA37D129B756746
//
// A section holds until the next; a blank line ends a case; a value is hexadecimal and may be
// empty. The first lines must name source and licence. An attribute twice in a case, one that the
// test does not read, one that it reads and is not there, and a file without cases all fail the
// test.
//
//   for_each_vector("kagibin/crypto/cipher/testdata/aes_cmac.vec", [](VectorCase& vector) {
//     EXPECT_EQ(aes_cmac(vector.octets("Key"), {vector.octets("Message")}), vector.octets("Mac"));
//   });
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kagibin/base/bytes.h"
#include "kagibin/base/result.h"

namespace kagibin::test {

class VectorCase {
 public:
  VectorCase(std::string section,
             std::size_t line,
             std::map<std::string, Bytes, std::less<>> values)
      : section_(std::move(section)), line_(line), values_(std::move(values)) {}

  const std::string& section() const { return section_; }
  std::size_t line() const { return line_; }  // of the case's first attribute
  bool has(std::string_view name) const { return values_.contains(name); }
  // Empty, and noted as missing, when the case has no such attribute.
  Bytes octets(std::string_view name);
  // The attribute as a big-endian number of at most eight octets.
  std::uint64_t number(std::string_view name);

  // Attributes that were read and are not there, and those there that were not read.
  std::vector<std::string> missing() const { return {missing_.begin(), missing_.end()}; }
  std::vector<std::string> unused() const;

 private:
  std::string section_;
  std::size_t line_;
  std::map<std::string, Bytes, std::less<>> values_;
  std::set<std::string, std::less<>> used_;
  std::set<std::string, std::less<>> missing_;
};

// kEncoding for a line that is none of the above, kConflict for an attribute twice, kNotFound
// without source, licence or cases.
Result<std::vector<VectorCase>> parse_vectors(std::string_view text);

// Runs the function on every case of a file below `source_folder`; failures are GoogleTest's and
// carry file, section and line.
void for_each_vector(std::string_view source_folder,
                     std::string_view path,
                     const std::function<void(VectorCase&)>& function);

#ifdef KAGIBIN_SOURCE_DIR
inline void for_each_vector(std::string_view path,
                            const std::function<void(VectorCase&)>& function) {
  for_each_vector(KAGIBIN_SOURCE_DIR, path, function);
}
#endif

}  // namespace kagibin::test
