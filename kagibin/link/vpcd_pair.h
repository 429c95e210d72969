// SPDX-License-Identifier: Apache-2.0
// Two neighbouring ports for a vpcd that connects out. Debian's driver always has two slots and
// connects the second one to the port above; when nothing answers there, or hangs up, pcscd 1.9.9
// with vpcd 3.3 ends with "bit out of range ... fd_set". So a blank card sits in the second slot:
// it has an ATR and answers 6D00 to every command.
//
//   auto pair = KB_TRY(VpcdPair::open("127.0.0.1", 0));        // 0: any free pair
//   VpcdCard(element).serve_listening(pair->listener(), stop);
#pragma once

#include <memory>
#include <thread>

#include "kagibin/link/vpcd_card.h"

namespace kagibin::link {

class VpcdPair {
 public:
  static Result<std::unique_ptr<VpcdPair>> open(const std::string& host, std::uint16_t port);
  VpcdPair(const VpcdPair&) = delete;
  VpcdPair& operator=(const VpcdPair&) = delete;
  ~VpcdPair();

  ListeningSocket& listener() { return first_; }
  std::uint16_t port() const { return first_.port(); }

 private:
  VpcdPair(ListeningSocket first, ListeningSocket second);
  ListeningSocket first_;
  ListeningSocket second_;
  StopSignal stop_;
  std::thread blank_;
};

}  // namespace kagibin::link
