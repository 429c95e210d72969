// SPDX-License-Identifier: Apache-2.0
#include "kagibin/apdu/status_meaning.h"

#include <algorithm>
#include <array>

#include "kagibin/apdu/status_words.h"

namespace kagibin::apdu {

namespace {

constexpr std::uint8_t kWarning = 0x62;

struct Row {
  StatusWord status;
  StatusMeaning meaning;
};

constexpr auto kRows = std::to_array<Row>({
    {sw::kOk, {"it was done", "ISO/IEC 7816-4, 5.6", "go on"}},
    {sw::kMoreData,
     {"more data is available", "GPCS 11.4.3.2", "ask for the next occurrence: P2 with b1 set"}},
    {sw::kAuthenticationFailed,
     {"authentication failed", "Amendment D, 7.1.2; GPCS E.5.2",
      "check the key version and the keys before another try"}},
    {sw::kNoDiagnosis,
     {"it failed without a specific diagnosis", "GPCS 11.1.3",
      "reset and try again; nothing was changed"}},
    {sw::kMemoryFailure,
     {"the memory failed", "ISO/IEC 7816-4, 5.6", "check the element's state file and its disk"}},
    {sw::kWrongLength,
     {"a length is wrong", "GPCS 11.1.3", "check Lc, Le and the lengths in the data field"}},
    {sw::kChannelNotSupported,
     {"the logical channel is not supported or not open", "GPCS 11.1.3",
      "open it with MANAGE CHANNEL first"}},
    {sw::kSecureMessagingNotSupported,
     {"secure messaging is not supported here", "GPCS 11.1.3",
      "send the command without secure messaging"}},
    {sw::kLastCommandExpected,
     {"the last command of a chain was expected", "ISO/IEC 7816-4, 5.3.3",
      "end the chain, then begin anew"}},
    {sw::kChainingNotSupported,
     {"command chaining is not supported here", "ISO/IEC 7816-4, 5.3.3",
      "clear b5 of CLA; long data goes in the blocks of its command"}},
    {sw::kSecurityStatusNotSatisfied,
     {"the security status is not satisfied", "GPCS 11.1.3",
      "open a secure channel session at the level that the command needs"}},
    {sw::kAuthenticationMethodBlocked,
     {"the authentication method is blocked", "ISO/IEC 7816-4, 5.6",
      "use another key set: this one stays blocked until PUT KEY replaces it"}},
    {sw::kConditionsNotSatisfied,
     {"the conditions of use are not satisfied", "GPCS 11.1.3",
      "look at the state of the registry and of the session: GET STATUS"}},
    {sw::kCommandNotAllowed,
     {"the command is not allowed now", "ISO/IEC 7816-4, 5.6", "send it in the state it is for"}},
    {sw::kIncorrectSecureMessagingObjects,
     {"secure messaging data objects are wrong", "ISO/IEC 7816-4, 5.6",
      "open another session: this one is out of step"}},
    {sw::kWrongData,
     {"the data field is wrong", "GPCS 11.1.3", "correct the field that the reason names"}},
    {sw::kFunctionNotSupported,
     {"the function is not supported", "GPCS 11.1.3",
      "do without it, or use an element that offers it"}},
    {sw::kNotFound,
     {"the application or file was not found", "GPCS 11.9.3.2",
      "see GET STATUS for the AIDs that are there and selectable"}},
    {sw::kNotEnoughMemory,
     {"there is not enough memory", "GPCS 11.1.3", "delete what is not needed, or send less"}},
    {sw::kIncorrectP1P2, {"P1 or P2 is wrong", "GPCS 11.1.3", "correct P1 and P2"}},
    {sw::kReferencedDataNotFound,
     {"what the command refers to was not found", "GPCS 11.1.3",
      "see GET STATUS for content and GET DATA 00E0 for keys"}},
    {sw::kInstructionNotSupported,
     {"the instruction is not supported", "GPCS 11.1.3",
      "check INS, and which application is selected"}},
    {sw::kClassNotSupported, {"the class is not supported", "GPCS 11.1.3", "check CLA"}},
    {StatusWord{0x6600},
     {"the certificate was not verified", "Amendment F, 7.5",
      "show a chain that ends under the CA key the command names"}},
    {StatusWord{0x6640},
     {"the certificate's subject is not on the allow list", "Amendment F, 7.5",
      "show a certificate that the list names, or store another list"}},
});

}  // namespace

StatusMeaning status_meaning(StatusWord sw) {
  const auto found = std::ranges::find(kRows, sw, &Row::status);
  if (found != kRows.end()) {
    return found->meaning;
  }
  if (sw::has_more(sw)) {
    return {"more octets of the answer wait", "ISO/IEC 7816-4, 5.6", "GET RESPONSE fetches them"};
  }
  if (sw::wants_le(sw)) {
    return {"Le is wrong", "ISO/IEC 7816-4, 5.6", "send it again with Le = SW2"};
  }
  if (sw.sw1() == kWarning) {
    return {"it was done, with a warning", "ISO/IEC 7816-4, 5.6", "go on"};
  }
  return {"a word of the application's own", "ISO/IEC 7816-4, 5.6",
          "see the documentation of the application that is selected"};
}

bool is_refusal(StatusWord sw) {
  return !sw::is_ok(sw) && !sw::has_more(sw) && sw != sw::kMoreData && sw.sw1() != kWarning;
}

}  // namespace kagibin::apdu
