// SPDX-License-Identifier: Apache-2.0
// Transcripts of APDUs, with the fields that are random by nature named. Test-only.
//
//   # remark
//   rng = SEED                       what the deployment drew from
//   clock = SECONDS
//   [section]
//   > C-APDU in hexadecimal
//   < R-APDU with SW1-SW2
//     ~ NAME OFFSET LENGTH         of the line above: what an implementation draws, and what it
//                                  derives from that
//
// The length of a field may differ, too (DER signatures, padding). Every octet outside the ~ fields
// is the same for every implementation of the KDA and the same seed of the roles. A player that
// drives another implementation captures the ~ fields of `<` lines and computes those of `>` lines
// from them; what they are is said by their names:
//
//   challenge                 of the host, in INITIALIZE UPDATE
//   challenge_and_cryptogram  the answer, behind diversification data, KVN, 03 and i
//   cryptogram                of EXTERNAL AUTHENTICATE, with its C-MAC: verified by the other end
//   wrapped                   a command or an answer under SCP03: verified by its MAC
//   handle                    GET RECEIPT, STATUS: the handle that E4 told
//   handle_and_envelope       LOAD: E2, computed by the provider for that E4
//   handle_and_answer         NEXT: the target's last answer
//   next                      what NEXT answers: the next command for the target
//   answer_e4, receipt_e3     E4 opens with PK.SP.KEM's key; 8E of E3 verifies under Kr, 8F opens
//   continued, remaining      the rest of such an answer, and the Le of GET RESPONSE for it
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kagibin/apdu/card_link.h"

namespace kagibin::test {

struct Transcript {
  struct Field {
    std::string name;
    std::size_t offset = 0;
    std::size_t length = 0;
    friend bool operator==(const Field&, const Field&) = default;
  };
  struct Line {
    bool command = true;
    Bytes octets;
    std::vector<Field> random;
    bool is_random(std::size_t at) const;
  };
  std::vector<Line> lines;

  // kEncoding for a line that is none of the forms above, a field outside its line, or fields that
  // overlap.
  static Result<Transcript> parse(std::string_view text);
};

// "" when equal, else where and what differs.
std::string compare_outside_random_fields(const Transcript& one, const Transcript& other);
std::string compare_all(const Transcript& one, const Transcript& other);

// A link that writes down what it carries and names the random fields of what it knows: the KDA's
// messages and SCP03.
class TranscriptWriter final : public apdu::CardLink {
 public:
  explicit TranscriptWriter(apdu::CardLink& card) : card_(card) {}
  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override { return card_.reset(); }

  void remark(std::string_view text);
  void head(std::string_view name, std::string_view value);
  void section(std::string_view name);
  const std::string& text() const { return text_; }

 private:
  void line(char direction, ByteView octets, const std::vector<Transcript::Field>& fields);

  apdu::CardLink& card_;
  std::string text_;
};

}  // namespace kagibin::test
