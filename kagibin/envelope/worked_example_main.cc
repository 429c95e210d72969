// SPDX-License-Identifier: Apache-2.0
// Prints testdata/worked_example.vec; with a folder, writes the seed corpora of the fuzzers below
// it. To be run when the example changes on purpose, followed by doc/wire_format_check.py --update.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "kagibin/envelope/worked_example.h"
#include "kagibin/tlv/ber_tlv.h"

namespace {

using kagibin::Bytes;
using kagibin::ByteView;

void write_seed(const std::filesystem::path& folder, const std::string& name, ByteView octets) {
  std::filesystem::create_directories(folder);
  std::ofstream out(folder / name, std::ios::binary);
  for (const std::uint8_t octet : octets) {
    out.put(static_cast<char>(octet));
  }
}

void write_corpora(const std::filesystem::path& folder) {
  struct Seed {
    const char* fuzzer;
    const char* value;
  };
  const auto values = kagibin::envelope::worked_example();
  for (const Seed& seed :
       {Seed{"ber_tlv_fuzzer", "E0"}, Seed{"ber_tlv_fuzzer", "P"},
        Seed{"certificate_fuzzer", "CERT.EUM"}, Seed{"certificate_fuzzer", "CERT.KDA"},
        Seed{"certificate_fuzzer", "CERT.OCE"}, Seed{"certificate_fuzzer", "CERT.SD"},
        Seed{"certificate_fuzzer", "CERT.SP"}, Seed{"enrolment_request_fuzzer", "E0"},
        Seed{"enrolment_statement_fuzzer", "E1"}, Seed{"envelope_fuzzer", "E2"},
        Seed{"receipt_fuzzer", "E3"}, Seed{"enrolment_answer_fuzzer", "E4"},
        Seed{"answer_content_fuzzer", "T"}, Seed{"payload_fuzzer", "P"}}) {
    const Bytes octets = kagibin::envelope::example_octets(values, seed.value);
    write_seed(folder / seed.fuzzer, seed.value, octets);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-bounds-pointer-arithmetic): argv is what main has
    write_corpora(argv[1]);
  } else {
    std::cout << kagibin::envelope::as_vector_file(kagibin::envelope::worked_example());
  }
  return 0;
}
