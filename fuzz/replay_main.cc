// SPDX-License-Identifier: Apache-2.0
// The main function of a fuzzer where libFuzzer is not linked: runs each file given, and each file
// in a folder given, once. A failure ends the process, as it does under libFuzzer.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include "fuzz/round_trip.h"

// Nothing is mutated here; tlv_mutator.cc wants it to be there.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
std::size_t LLVMFuzzerMutate(std::uint8_t* /*data*/, std::size_t size, std::size_t /*max_size*/) {
  return size;
}

namespace {

void run(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> content{std::istreambuf_iterator<char>(in), {}};
  std::vector<std::uint8_t> octets;
  octets.reserve(content.size());
  for (const char octet : content) {
    octets.push_back(static_cast<std::uint8_t>(octet));
  }
  LLVMFuzzerTestOneInput(octets.data(), octets.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (const std::filesystem::path path : std::vector<const char*>(argv + 1, argv + argc)) {
    if (std::filesystem::is_directory(path)) {
      for (const auto& entry : std::filesystem::directory_iterator(path)) {
        run(entry.path());
        ++count;
      }
    } else {
      run(path);
      ++count;
    }
  }
  std::cout << count << " inputs\n";
  return count == 0 ? 1 : 0;
}
