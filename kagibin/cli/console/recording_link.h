// SPDX-License-Identifier: Apache-2.0
// A CardLink that writes every APDU to a file, as a hostile device would keep them: "> C-APDU" and
// "< R-APDU" in hexadecimal, one a line.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>

#include "kagibin/apdu/card_link.h"

namespace kagibin::cli {

class RecordingLink final : public apdu::CardLink {
 public:
  // kIo when the file cannot be opened for appending.
  static Result<std::unique_ptr<RecordingLink>> open(std::unique_ptr<apdu::CardLink> link,
                                                     const std::filesystem::path& file);
  Result<Bytes> transmit(ByteView command) override;
  Result<void> reset() override { return link_->reset(); }

 private:
  RecordingLink(std::unique_ptr<apdu::CardLink> link, std::ofstream out)
      : link_(std::move(link)), out_(std::move(out)) {}
  std::unique_ptr<apdu::CardLink> link_;
  std::ofstream out_;
};

}  // namespace kagibin::cli
