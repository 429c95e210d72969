// SPDX-License-Identifier: Apache-2.0
// A card in a PC/SC reader (pcsc-lite 1.9). PCSCLITE_CSOCK_NAME in the environment chooses another
// pcscd than the system's.
//
// The connection is exclusive, so that no other program can reset the card in the middle of a
// secure channel. The link never retries: a card that was reset or pulled gives kCardLink and the
// caller finds out what happened (STATUS, GET RECEIPT).
//
//   for (const std::string& name : KB_TRY(pcsc_reader_names())) { ... }
//   auto reader = KB_TRY(PcscReader::connect("Kagibin 00 00"));
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kagibin/apdu/card_link.h"

namespace kagibin::link {

// kCardLink when no pcscd runs; an empty list when it has no readers.
Result<std::vector<std::string>> pcsc_reader_names();

class PcscReader final : public apdu::CardLink {
 public:
  // `name` is a reader's full name or a decimal number counting from 0. kNotFound with no such
  // reader, kCardLink without a card.
  static Result<std::unique_ptr<PcscReader>> connect(const std::string& name);
  ~PcscReader() override;

  Result<Bytes> transmit(ByteView command) override;
  const Bytes& atr() const { return atr_; }
  Result<void> reset() override;

 private:
  struct Connection;
  explicit PcscReader(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
  Bytes atr_;
};

}  // namespace kagibin::link
