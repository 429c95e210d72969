// SPDX-License-Identifier: Apache-2.0
#include "kagibin/gp/status_meaning.h"

#include <array>

#include "kagibin/apdu/apdu.h"

namespace kagibin::gp {

namespace {

namespace ins = apdu::ins;

struct Row {
  std::uint8_t ins;
  std::uint16_t sw;
  apdu::StatusMeaning meaning;
};

constexpr auto kRows = std::to_array<Row>({
    {ins::kInitializeUpdate,
     0x6A88,
     {.text = "the card has no such key version",
      .clause = "",
      .advice = "kagibin gp info lists the key versions of the domain; --key-version chooses one"}},
    {ins::kInitializeUpdate,
     0x6700,
     {.text = "the card wants another length of host challenge",
      .clause = "",
      .advice = "it may speak the other of S8 and S16, or another protocol: see kagibin gp info"}},
    {ins::kExternalAuthenticate,
     0x6300,
     {.text = "the host cryptogram was not accepted",
      .clause = "GPCS 11.1.3",
      .advice = "stop and find out why: the card counts such tries and may block the key set"}},
    {ins::kDelete,
     0x6985,
     {.text = "the object cannot be deleted",
      .clause = "GPCS 11.2.3.2",
      .advice = "something was made from it, belongs to it or uses it: delete that first, or use "
                "--related"}},
    {ins::kDelete,
     0x6A88,
     {.text = "there is no such object or key",
      .clause = "",
      .advice = "kagibin gp list shows what is there"}},
    {ins::kDelete,
     0x6A82,
     {.text = "there is no such application",
      .clause = "",
      .advice = "kagibin gp list shows what is there"}},
    {ins::kInstall,
     0x6A80,
     {.text = "a parameter of INSTALL is wrong",
      .clause = "GPCS 11.5.3.2",
      .advice = "often the AID is there already: see kagibin gp list; else check privileges and "
                "parameters"}},
    {ins::kInstall,
     0x6A88,
     {.text = "the load file, module or security domain named is not there",
      .clause = "",
      .advice = "kagibin gp list shows what is there"}},
    {ins::kInstall,
     0x6985,
     {.text = "the card does not allow this INSTALL now",
      .clause = "",
      .advice = "the AID may be in use already (kagibin gp list), the domain may lack the "
                "privilege for content management, or a token may be missing"}},
    {ins::kLoad,
     0x6A80,
     {.text = "the load file is not accepted",
      .clause = "GPCS 11.6.3.2",
      .advice = "its hash, DAP block or content is wrong for this card"}},
    {ins::kLoad,
     0x6985,
     {.text = "the card does not take the load file",
      .clause = "GPCS 11.6.3.2",
      .advice = "a load file hash, DAP block or token that it wants may be missing or wrong"}},
    {ins::kPutKey,
     0x9484,
     {.text = "the card does not support this type of key", .clause = "", .advice = ""}},
    {ins::kPutKey,
     0x9485,
     {.text = "the key check value is wrong",
      .clause = "",
      .advice = "the card decrypted another key than was meant: the Key-DEK of this session is "
                "not the right one"}},
    {ins::kPutKey,
     0x6A88,
     {.text = "the key version to replace is not there",
      .clause = "",
      .advice = "kagibin gp info lists the key versions of the domain"}},
    {ins::kPutKey,
     0x6A80,
     {.text = "the keys are not accepted",
      .clause = "",
      .advice = "the new key version may be there already (then name it with --replace), the type "
                "or length may not be supported, or DEK of the session's key set may be wrong"}},
    {ins::kPutKey,
     0x6985,
     {.text = "the card does not allow this change of keys",
      .clause = "",
      .advice = "replacing needs the same number of keys; the last key set cannot be taken away"}},
    {ins::kSelect,
     0x6283,
     {.text = "the card is locked (CARD_LOCKED)",
      .clause = "",
      .advice = "kagibin gp unlock --card"}},
    {ins::kSelect,
     0x6A82,
     {.text = "there is no such application", .clause = "", .advice = "check the AID"}},
    {ins::kSelect,
     0x6A81,
     {.text = "it cannot be selected",
      .clause = "",
      .advice = "the card is locked or terminated, or this application is not to be selected"}},
    {ins::kSetStatus,
     0x6A88,
     {.text = "there is no such application",
      .clause = "",
      .advice = "kagibin gp list shows what is there"}},
    {ins::kSetStatus,
     0x6985,
     {.text = "this transition of the life cycle is not allowed",
      .clause = "GPCS 5.1 to 5.3",
      .advice = "kagibin gp list shows the state it is in; the card is locked from SECURED only"}},
    {ins::kStoreData,
     0x6A88,
     {.text = "the data object or key named is not there", .clause = "", .advice = ""}},
    {ins::kStoreData,
     0x6A80,
     {.text = "the data are not accepted",
      .clause = "",
      .advice = "check their format and --format (none, dgi, tlv)"}},
    {ins::kGetStatus,
     0x6982,
     {.text = "the security status is not satisfied",
      .clause = "GPCS 11.1.3",
      .advice = "open a secure channel session at the level that the command needs; where one is "
                "open, ENC of the key set may be wrong: SCP03 shows it here first"}},
    {ins::kGetStatus,
     0x6A88,
     {.text = "nothing of that kind is on the card", .clause = "", .advice = ""}},
    {ins::kGetData,
     0x6A88,
     {.text = "the card does not have this data object", .clause = "", .advice = ""}},
});

}  // namespace

apdu::StatusMeaning status_meaning(std::uint8_t instruction, StatusWord sw) {
  for (const Row& row : kRows) {
    if (row.ins == instruction && row.sw == sw.value) {
      return row.meaning;
    }
  }
  return apdu::status_meaning(sw);
}

}  // namespace kagibin::gp
