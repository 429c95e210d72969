// SPDX-License-Identifier: Apache-2.0
// Prints testdata/worked_example.vec; with a folder, writes the seed corpora of the fuzzers below
// it. To be run when the example changes on purpose, followed by doc/wire_format_check.py --update.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "kagibin/envelope/delivery_message.h"
#include "kagibin/envelope/payload/payload.h"
#include "kagibin/envelope/suite.h"
#include "kagibin/tlv/ber_tlv.h"

#include "tests/worked_example/worked_example.h"

namespace {

using namespace kagibin;
using namespace kagibin::envelope;
using namespace kagibin::test;

void write_seed(const std::filesystem::path& folder, const std::string& name, ByteView octets) {
  std::filesystem::create_directories(folder);
  std::ofstream out(folder / name, std::ios::binary);
  for (const std::uint8_t octet : octets) {
    out.put(static_cast<char>(octet));
  }
}

// Messages with what the example leaves out, so that a fuzzer starts from every branch. Nobody
// signed or sealed them: decoders do not look.
std::map<std::string, Bytes> with_all_options(const std::map<std::string, Bytes>& example) {
  std::map<std::string, Bytes> out;
  EnrolmentRequest request = EnrolmentRequest::decode(example.at("E0")).value();
  request.cancel = true;
  request.acknowledged_receipt.emplace();
  out["E0"] = request.encode();

  EnrolmentStatement statement = EnrolmentStatement::decode(example.at("E1")).value();
  statement.level_bitmap = 0x0F;
  statement.security_domain_certificate.emplace();
  out["E1"] = statement.encode();

  AnswerContent content = AnswerContent::decode(example.at("T")).value();
  content.statement = out["E1"];
  content.security_domain_certificate = example.at("CERT.SD");
  out["T"] = content.encode();

  Envelope envelope = Envelope::decode(example.at("E2")).value();
  EnvelopeHeader header = EnvelopeHeader::decode(envelope.header).value();
  header.next_nonce_a.emplace();
  envelope.header = header.encode();
  out["E2"] = envelope.encode();

  // The forms of A1 of suites 11, 20 and 21, and a statement of each.
  for (const std::uint8_t id : {std::uint8_t{0x11}, std::uint8_t{0x20}, std::uint8_t{0x21}}) {
    const SuiteInfo suite = suite_info(id).value();
    header.suite = id;
    Envelope other = envelope;
    other.header = header.encode();
    other.ephemeral_key = Bytes(suite.encapsulated_size, id);
    other.sealed = Bytes(40, id);
    other.mac.reset();
    out["E2 in_suite_" + to_hex(std::array{id})] = other.encode();
    statement.suite = id;
    statement.enrolment_key = Bytes(suite.enrolment_key_size, id);
    out["E1 in_suite_" + to_hex(std::array{id})] = statement.encode();
  }

  Receipt receipt = Receipt::decode(example.at("E3")).value();
  receipt.next_enrolment = example.at("E4");
  out["E3"] = receipt.encode();
  receipt.next_enrolment.reset();
  receipt.mac.reset();
  receipt.header_hash = {};
  receipt.seq = 0;
  receipt.level = 0;
  receipt.results = {ActionResult::kCancelled};
  out["E3 without_envelope"] = receipt.encode();

  Payload payload = Payload::decode(example.at("P")).value();
  payload.channel_keys.reset();
  auto& store = std::get<StoreDataAction>(payload.actions.at(1));
  store.data = SecretBytes::copy_of(*from_hex("0101 FF 0003 010203 0102 00"));
  store.under_key_dek = true;
  store.probe = *from_hex("80CA00E000");
  payload.actions.emplace_back(CommandAction{.header = {0x80, 0x40, 0x00, 0x00},
                                             .data = SecretBytes(16),
                                             .probe = from_hex("80CA00E000")});
  const SecretBytes octets = payload.encode();
  out["P"] = Bytes(octets.expose().begin(), octets.expose().end());
  return out;
}

void write_corpora(const std::filesystem::path& folder) {
  std::map<std::string, Bytes> example;
  for (const ExampleValue& value : worked_example()) {
    example[value.name] = value.octets;
  }
  const std::map<std::string, std::string> fuzzers = {{"E0", "enrolment_request_fuzzer"},
                                                      {"E0.cancel", "enrolment_request_fuzzer"},
                                                      {"STATEMENT", "kda_messages_fuzzer"},
                                                      {"E1", "enrolment_statement_fuzzer"},
                                                      {"E2", "envelope_fuzzer"},
                                                      {"E1.10", "enrolment_statement_fuzzer"},
                                                      {"E2.10", "envelope_fuzzer"},
                                                      {"E1.next", "enrolment_statement_fuzzer"},
                                                      {"E3.next", "receipt_fuzzer"},
                                                      {"E4.next", "enrolment_answer_fuzzer"},
                                                      {"T.ATT-2", "answer_content_fuzzer"},
                                                      {"E3", "receipt_fuzzer"},
                                                      {"E4", "enrolment_answer_fuzzer"},
                                                      {"T", "answer_content_fuzzer"},
                                                      {"P", "payload_fuzzer"}};
  for (const auto& [name, octets] : example) {
    if (name.starts_with("CERT.")) {
      write_seed(folder / "certificate_fuzzer", name, octets);
    }
    if (fuzzers.contains(name)) {
      write_seed(folder / fuzzers.at(name), name, octets);
      write_seed(folder / "ber_tlv_fuzzer", name, octets);
    }
  }
  write_seed(folder / fuzzers.at("E2"), "A0", example.at("A0"));
  write_seed(folder / fuzzers.at("E3"), "S", example.at("S"));
  for (const auto& [name, octets] : with_all_options(example)) {
    write_seed(folder / fuzzers.at(name.substr(0, name.find(' '))),
               (name.contains(' ') ? name.substr(name.find(' ') + 1) : name + "_with_options"),
               octets);
  }
  const std::map<std::string, std::string> commands = {{"case_1", "80CA00E0"},
                                                       {"case_2_short", "80CA00E000"},
                                                       {"case_3_short", "84E2800003010203"},
                                                       {"case_4_short", "00A404000501020304050A"},
                                                       {"case_2_extended", "80CA0000000000"},
                                                       {"case_3_extended", "00E2000000000101"},
                                                       {"case_4_extended", "00E20000000001010100"},
                                                       {"response", "6F009000"}};
  for (const auto& [name, hex] : commands) {
    write_seed(folder / "command_apdu_fuzzer", name, *from_hex(hex));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-bounds-pointer-arithmetic): argv is what main has
    write_corpora(argv[1]);
  } else {
    std::cout << as_vector_file(worked_example());
  }
  return 0;
}
