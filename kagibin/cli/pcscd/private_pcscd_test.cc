// SPDX-License-Identifier: Apache-2.0
// A real pcscd with vpcd's real driver, and foreign tools (opensc-tool, scriptor) on a card of
// ours.
#include "kagibin/cli/pcscd/private_pcscd.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "kagibin/link/pcsc_reader.h"
#include "kagibin/link/vpcd_card.h"
#include "kagibin/link/vpcd_pair.h"

namespace kagibin::cli {
namespace {

class FixedCard final : public link::CardSide {
 public:
  void power_on() override {}
  void power_off() override {}
  void reset() override {}
  Bytes atr() const override { return *from_hex("3B800181"); }
  Result<Bytes> transmit(ByteView command) override {
    ++apdus;
    Bytes out(command.begin(), command.begin() + 4);
    append(out, *from_hex("9000"));
    return out;
  }
  std::atomic<int> apdus = 0;
};

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen((command + " 2>&1").c_str(),
                     "r");  // NOLINT(cert-env33-c): foreign tools are what is tested
  if (pipe == nullptr) {
    return out;
  }
  std::array<char, 512> buffer{};
  while (fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    out += buffer.data();
  }
  pclose(pipe);
  return out;
}

TEST(PrivatePcscdTest, ForeignToolsSeeTheCardAndTheLinkIsNotHeldUpByDelayedAcknowledgements) {
  auto pair = link::VpcdPair::open("127.0.0.1", 0).value();
  FixedCard card;
  link::StopSignal stop;
  std::thread server(
      [&] { static_cast<void>(link::VpcdCard(card).serve_listening(pair->listener(), stop)); });
  char folder_name[] = "/tmp/kagibin-pcscd-XXXXXX";
  const std::filesystem::path folder = mkdtemp(folder_name);
  auto pcscd = PrivatePcscd::start(folder, pair->port());
  if (!pcscd) {
    stop.raise();
    server.join();
    std::filesystem::remove_all(folder);
    GTEST_SKIP() << "no pcscd here: " << pcscd.error().detail.text();
  }
  setenv("PCSCLITE_CSOCK_NAME", (*pcscd)->socket_path().c_str(), 1);
  std::unique_ptr<link::PcscReader> reader;
  for (int tries = 0; tries < 100 && !reader; ++tries) {
    auto connected = link::PcscReader::connect("0");
    if (connected) {
      reader = std::move(*connected);
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(to_hex(reader->atr()), "3B800181");
  const auto begin = std::chrono::steady_clock::now();
  constexpr int kApdus = 200;
  for (int i = 0; i < kApdus; ++i) {
    ASSERT_EQ(to_hex(reader->transmit(*from_hex("00B0000000")).value()), "00B000009000");
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  // Delayed acknowledgement would cost 40 ms an APDU: eight seconds. Not a speed test, a trap that
  // either is there or is not.
  EXPECT_LT(elapsed.count(), 4.0);
  RecordProperty("apdus_per_second", static_cast<int>(kApdus / elapsed.count()));
  reader.reset();
  EXPECT_NE(output_of("opensc-tool --list-readers").find("Kagibin 00 00"), std::string::npos);
  EXPECT_NE(output_of("opensc-tool --reader 0 --atr").find("3b:80:01:81"), std::string::npos);
  EXPECT_NE(output_of("printf '00 A4 04 00 00\\n' | scriptor -r 'Kagibin 00 00'").find("90 00"),
            std::string::npos);
  pcscd->reset();
  stop.raise();
  server.join();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace kagibin::cli
