// SPDX-License-Identifier: Apache-2.0
// PUT KEY, key information, tokens, receipts and the element's records of keys. The first two
// octets are P1 and P2 of a command.
#include "kagibin/gp/delegated/receipt.h"
#include "kagibin/gp/delegated/token.h"
#include "kagibin/gp/key_information.h"
#include "kagibin/gp/put_key.h"
#include "kagibin/se/domain/keys/key_set_record.h"

#include "fuzz/round_trip.h"

namespace kagibin {
namespace {

// Two dialects and two lengths of 128 say the same: what is written reads as the same.
void check_put_key(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const auto put = gp::PutKey::decode(p1, p2, data);
  if (put) {
    const auto command = put->encode();
    KB_CHECK(command.has_value());
    const auto again = gp::PutKey::decode(command->p1, command->p2, command->data);
    KB_CHECK(again.has_value() && *again == *put);
  }
}

void check_token(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const apdu::CommandApdu command{
      .cla = 0x80, .ins = ins, .p1 = p1, .p2 = p2, .data = Bytes(data.begin(), data.end())};
  const auto split = gp::split_token(command);
  if (split) {
    KB_CHECK(split->covered.size() + split->token.size() <= data.size());
    static_cast<void>(gp::find_token_reference(split->covered));
  }
  const auto reference = gp::TokenReference::decode(data);
  if (reference) {
    const auto again = gp::find_token_reference(reference->encode());
    KB_CHECK(again.has_value() && *again == *reference);
  }
}

void check_receipt(ByteView octets) {
  const auto confirmation = gp::Confirmation::decode(octets);
  if (confirmation && *confirmation) {
    KB_CHECK(equal((*confirmation)->encode(), octets));
  }
}

void check_record(ByteView octets) {
  const auto record = se::KeySetRecord::decode(octets);
  if (record) {
    const SecretBytes written = record->encode();
    const bool old = octets.front() != written.expose().front();
    KB_CHECK(old || equal(written.expose(), octets));
    KB_CHECK(se::KeySetRecord::decode(written.expose()).has_value());
  }
}

}  // namespace
}  // namespace kagibin

FUZZ_OCTETS(octets) {
  kagibin::fuzz::check_round_trip<kagibin::gp::KeyInformation>(octets);
  kagibin::check_receipt(octets);
  kagibin::check_record(octets);
  if (octets.size() >= 2) {
    const kagibin::ByteView data = octets.subspan(2);
    kagibin::check_put_key(octets[0], octets[1], data);
    kagibin::check_token(0xE6, octets[0], octets[1], data);
    kagibin::check_token(0xE4, octets[0], octets[1], data);
  }
}
