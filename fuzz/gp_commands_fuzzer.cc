// SPDX-License-Identifier: Apache-2.0
// Commands of GlobalPlatform and what answers them. The first two octets are P1 and P2 of a
// command. Fields have several forms of length, and order is free in places: what is written reads
// as the same.
#include <variant>

#include "kagibin/gp/card_data.h"
#include "kagibin/gp/content/delete.h"
#include "kagibin/gp/content/domain_parameters.h"
#include "kagibin/gp/content/extradition.h"
#include "kagibin/gp/content/install.h"
#include "kagibin/gp/content/install_load.h"
#include "kagibin/gp/content/install_parameters.h"
#include "kagibin/gp/get_data.h"
#include "kagibin/gp/manage_channel.h"
#include "kagibin/gp/registry/get_status.h"
#include "kagibin/gp/registry/set_status.h"
#include "kagibin/gp/select.h"
#include "kagibin/gp/store_data.h"

#include "fuzz/round_trip.h"

namespace kagibin::gp {
namespace {

apdu::CommandApdu command_of(apdu::CommandApdu command) { return command; }
apdu::CommandApdu command_of(const Result<apdu::CommandApdu>& command) {
  KB_CHECK(command.has_value());
  return *command;
}

template <typename Command>
void check(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const auto read = Command::decode(p1, p2, data);
  if (read) {
    const auto written = read->encode();
    const apdu::CommandApdu& command = command_of(written);
    const auto again = Command::decode(command.p1, command.p2, command.data);
    KB_CHECK(again.has_value() && *again == *read);
  }
}

void check_delete(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const auto read = decode_delete(p1, p2, data);
  if (read) {
    const auto command = std::visit([](const auto& what) { return what.encode(); }, *read);
    const auto again = decode_delete(command.p1, command.p2, command.data);
    KB_CHECK(again.has_value() && *again == *read);
  }
}

void check_get_data(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const GetData read = GetData::decode(p1, p2, data);
  const apdu::CommandApdu command = read.encode();
  KB_CHECK(GetData::decode(command.p1, command.p2, command.data) == read);
}

// The entries of an answer, asked for by P1 and P2. A page carries them whole.
void check_entries(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const auto command = GetStatus::decode(p1, p2, Bytes{0x4F, 0x00});
  if (!command) {
    return;
  }
  const auto entries = decode_entries(data, *command);
  if (!entries || entries->empty()) {
    return;
  }
  const StatusPage page = status_page(*entries, *command, 256);
  KB_CHECK(page.count >= 1 && page.count <= entries->size());
  KB_CHECK(page.more == (page.count < entries->size()));
  const auto again = decode_entries(page.data, *command);
  KB_CHECK(again.has_value() && again->size() == page.count);
}

void check_store_data(std::uint8_t p1, std::uint8_t p2, ByteView data) {
  const auto head = StoreData::decode(p1, p2);
  KB_CHECK(!head || (head->p1() == p1 && head->block == p2));
  const auto groupings = decode_groupings(data);
  if (groupings) {
    const auto again = encode_groupings(*groupings);
    KB_CHECK(again.has_value() && equal(again->expose(), data));
  }
}

void check_parameters(ByteView octets) {
  const auto parameters = InstallParameters::decode(octets);
  if (parameters && parameters->application) {
    const auto value = application_parameters(octets);
    KB_CHECK(value.has_value() && equal(*value, *parameters->application));
    const Bytes alone = with_application_parameters(*value);
    const auto again = application_parameters(alone);
    KB_CHECK(again.has_value() && equal(*again, *value));
  }
  const auto domain = DomainParameters::decode(octets);
  KB_CHECK(!domain || domain->protocols.size() <= DomainParameters::kMaxProtocols);
}

template <typename Answer>
void check_answer(ByteView octets) {
  const auto read = Answer::decode(octets);
  if (read) {
    const auto again = Answer::decode(read->encode());
    KB_CHECK(again.has_value() && *again == *read);
  }
}

}  // namespace
}  // namespace kagibin::gp

FUZZ_OCTETS(octets) {
  namespace gp = kagibin::gp;
  gp::check_answer<gp::FileControlInformation>(octets);
  gp::check_answer<gp::CardData>(octets);
  gp::check_parameters(octets);
  if (octets.size() < 2) {
    return;
  }
  const std::uint8_t p1 = octets[0];
  const std::uint8_t p2 = octets[1];
  const kagibin::ByteView data = octets.subspan(2);
  gp::check<gp::Install>(p1, p2, data);
  gp::check<gp::InstallForLoad>(p1, p2, data);
  gp::check<gp::Extradition>(p1, p2, data);
  gp::check<gp::RegistryUpdate>(p1, p2, data);
  gp::check<gp::GetStatus>(p1, p2, data);
  gp::check<gp::SetStatus>(p1, p2, data);
  gp::check<gp::Select>(p1, p2, data);
  gp::check<gp::ManageChannel>(p1, p2, data);
  gp::check_delete(p1, p2, data);
  gp::check_get_data(p1, p2, data);
  gp::check_entries(p1, p2, data);
  gp::check_store_data(p1, p2, data);
}
