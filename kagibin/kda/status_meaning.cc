// SPDX-License-Identifier: Apache-2.0
#include "kagibin/kda/status_meaning.h"

#include <algorithm>
#include <array>

#include "kagibin/apdu/status_words.h"
#include "kagibin/kda/instructions.h"

namespace kagibin::kda {

namespace {

namespace sw = apdu::sw;

constexpr std::uint8_t kAny = 0x00;  // a row for every instruction without one of its own

struct Row {
  std::uint8_t instruction;
  StatusWord status;
  StatusMeaning meaning;
};

// Rows of an instruction stand before rows for any.
constexpr auto kRows = std::to_array<Row>({
    {ins::kEnrol,
     sw::kConditionsNotSatisfied,
     {"the slot's last delivery has an open outcome",
      "the earlier delivery is unknown; nothing was changed",
      "run NEXT with the earlier handle until it is done, send its receipt, then enrol again"}},
    {ins::kEnrol,
     sw::kCommandNotAllowed,
     {"this enrolment request was used before", "nothing was changed",
      "ask for a new attempt of the order"}},
    {ins::kEnrol,
     sw::kSecurityStatusNotSatisfied,
     {"the service provider's certificate or signature is not accepted for this target",
      "nothing was changed",
      "report it: the service provider needs a valid certificate that allows the target's AID"}},
    {ins::kEnrol,
     sw::kNotEnoughMemory,
     {"the service provider has no slot left in this element", "nothing was changed",
      "report it: four targets a provider; receipts are kept until the newest is acknowledged"}},
    {ins::kEnrol,
     sw::kReferencedDataNotFound,
     {"the key delivery application was never certified by its maker, and no CASD with a "
      "certificate attests it",
      "nothing was changed",
      "use an element whose maker certified the application, or have its CASD certified"}},
    {ins::kEnrol,
     sw::kFunctionNotSupported,
     {"the order asks for a cipher suite that this element does not have", "nothing was changed",
      "report it: the service provider chooses a suite from CAPABILITIES"}},
    {ins::kLoad,
     sw::kConditionsNotSatisfied,
     {"the envelope was refused",
      "nothing was sent to the target; the slot waits for another envelope",
      "send the receipt if there is one, else report it and ask for a new attempt"}},
    {ins::kLoad,
     sw::kFunctionNotSupported,
     {"the envelope asks for the next enrolment in its receipt, which is not built yet",
      "nothing was sent to the target; the slot waits for another envelope",
      "report it: the service provider seals again without that request"}},
    {ins::kNext,
     sw::kConditionsNotSatisfied,
     {"there is nothing to deliver under this handle yet", "the slot waits for its envelope",
      "LOAD the envelope first"}},
    {ins::kGetReceipt,
     sw::kConditionsNotSatisfied,
     {"there is no receipt yet", "the delivery has not come to an outcome",
      "go on with LOAD and NEXT"}},
    {ins::kCancel,
     sw::kConditionsNotSatisfied,
     {"there is nothing to cancel: the attempt has ended or another one took its place",
      "what the element holds stands", "send the receipt: it says what happened"}},
    {ins::kCancel,
     sw::kCommandNotAllowed,
     {"this cancellation was used before", "nothing was changed", "ask for a new one"}},
    {ins::kCancel,
     sw::kSecurityStatusNotSatisfied,
     {"the cancellation is not signed by a provider that this element accepts",
      "nothing was changed", "report it to the service provider"}},
    {ins::kStatement,
     sw::kSecurityStatusNotSatisfied,
     {"the statement is not signed by the controlling authority", "nothing was changed",
      "fetch it again"}},
    {ins::kStatement,
     sw::kConditionsNotSatisfied,
     {"the statement is not newer than what the element knows", "nothing was changed", "drop it"}},
    {ins::kGenerate,
     sw::kConditionsNotSatisfied,
     {"the application is certified already", "nothing was changed", "nothing"}},
    {ins::kStoreCertificates,
     sw::kConditionsNotSatisfied,
     {"the application has no key pair yet, or is certified already", "nothing was changed",
      "run GENERATE first; certificates are stored once"}},
    {ins::kStoreCertificates,
     sw::kSecurityStatusNotSatisfied,
     {"outside the maker's session, or the certificates do not fit this key, application and root",
      "nothing was changed",
      "open the maker's session with C-MAC; issue the certificates for the generated keys"}},
    {kAny, sw::kOk, {"the command was executed", "as STATUS says", "go on"}},
    {kAny,
     sw::kReferencedDataNotFound,
     {"the element knows no delivery under this handle",
      "it was acknowledged, replaced, or never enrolled here",
      "drop the handle; ask the distributor for work"}},
    {kAny,
     sw::kSecurityStatusNotSatisfied,
     {"the command needs rights that this session does not have", "nothing was changed", "report"}},
    {kAny,
     sw::kWrongData,
     {"the message is malformed, or a block of it is missing", "nothing was changed",
      "send it again from its first block; if that fails, fetch it again"}},
    {kAny,
     sw::kWrongLength,
     {"the message is longer than the element takes, or its length fields are wrong",
      "nothing was changed", "fetch it again; CAPABILITIES says how much the element takes"}},
    {kAny,
     sw::kIncorrectP1P2,
     {"P1 or P2 are wrong", "nothing was changed", "the agent and the element do not match"}},
    {kAny,
     sw::kMemoryFailure,
     {"the element could not write its memory", "as before the command",
      "reset the element and ask STATUS", true}},
    {kAny,
     sw::kNoDiagnosis,
     {"the element could not compute an answer", "as before the command",
      "reset the element and ask STATUS", true}},
    {kAny,
     sw::kInstructionNotSupported,
     {"the selected application does not know this command", "nothing was changed",
      "select the key delivery application; in a certified element the maker's commands are "
      "closed"}},
    {kAny,
     sw::kClassNotSupported,
     {"the class of the command is wrong", "nothing was changed", "select the application again"}},
    {kAny,
     sw::kNotFound,
     {"there is no key delivery application in this element", "nothing was changed",
      "use an element whose maker installed one"}},
});

}  // namespace

StatusMeaning meaning(std::uint8_t instruction, StatusWord status) {
  const auto* const row = std::ranges::find_if(kRows, [&](const Row& r) {
    return r.status == status && (r.instruction == instruction || r.instruction == kAny);
  });
  if (row != kRows.end()) {
    return row->meaning;
  }
  return {"the element answered a status word that this version does not know",
          "not known: only STATUS and the receipt tell", "reset the element and ask STATUS", true};
}

}  // namespace kagibin::kda
