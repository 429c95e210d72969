// SPDX-License-Identifier: Apache-2.0
// A pcscd of one's own: unprivileged, on a socket in a folder, with one virtual reader that
// connects to a card on loopback.
//
// It is started by systemd-socket-activate, as pcscd takes another socket only by socket
// activation. Started by root it runs as "nobody", so that the pid file of a system daemon cannot
// be overwritten. Nothing listens to the network: vpcd connects out, to `card_port` and, for its
// second slot, to the port above. What can be missing, each said by its own error (kNotSupported):
// the programs, vpcd's driver, /run/pcscd for somebody who is not root. Ownership: the process; it
// ends with the object. The folder stays the caller's.
//
//   auto pcscd = KB_TRY(PrivatePcscd::start(folder, card_port));
//   setenv("PCSCLITE_CSOCK_NAME", pcscd->socket_path().c_str(), 1);
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/types.h>

#include "kagibin/base/result.h"

namespace kagibin::cli {

class PrivatePcscd {
 public:
  // Ready when it returns: the socket accepts clients. The card must listen already: with nobody to
  // connect to, vpcd 3.3 takes pcscd down when the first client comes.
  static Result<std::unique_ptr<PrivatePcscd>> start(const std::filesystem::path& folder,
                                                     std::uint16_t card_port);
  PrivatePcscd(const PrivatePcscd&) = delete;
  PrivatePcscd& operator=(const PrivatePcscd&) = delete;
  ~PrivatePcscd();

  const std::string& socket_path() const { return socket_path_; }
  pid_t process() const { return process_; }

 private:
  PrivatePcscd(pid_t process, std::string socket_path)
      : process_(process), socket_path_(std::move(socket_path)) {}
  pid_t process_;
  std::string socket_path_;
};

}  // namespace kagibin::cli
