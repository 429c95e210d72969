// SPDX-License-Identifier: Apache-2.0
#include "kagibin/link/pcsc_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <winscard.h>

namespace kagibin::link {

namespace {

class Context {
 public:
  static Result<Context> establish() {
    SCARDCONTEXT handle = 0;
    if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &handle) != SCARD_S_SUCCESS) {
      return fail(Errc::kCardLink,
                  "no pcscd answers; start it, or set PCSCLITE_CSOCK_NAME to the socket of yours");
    }
    return Context(handle);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  Context(Context&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Context& operator=(Context&&) = delete;
  ~Context() {
    if (handle_ != 0) {
      SCardReleaseContext(handle_);
    }
  }
  SCARDCONTEXT handle() const { return handle_; }

 private:
  explicit Context(SCARDCONTEXT handle) : handle_(handle) {}
  SCARDCONTEXT handle_ = 0;
};

Result<std::vector<std::string>> list(const Context& context) {
  DWORD size = 0;
  const LONG first = SCardListReaders(context.handle(), nullptr, nullptr, &size);
  if (first == SCARD_E_NO_READERS_AVAILABLE) {
    return std::vector<std::string>();
  }
  std::string names(size, '\0');
  if (first != SCARD_S_SUCCESS ||
      SCardListReaders(context.handle(), nullptr, names.data(), &size) != SCARD_S_SUCCESS) {
    return fail(Errc::kCardLink, "pcscd does not tell its readers");
  }
  std::vector<std::string> out;
  for (std::size_t at = 0; at < names.size() && names[at] != '\0';) {
    out.emplace_back(names.c_str() + at);
    at += out.back().size() + 1;
  }
  return out;
}

Error explain(LONG code) {
  switch (code) {
    case SCARD_W_REMOVED_CARD:
    case SCARD_E_NO_SMARTCARD:
      return {Errc::kCardLink,
              "the card was taken out; put it back and run again, nothing is lost"};
    case SCARD_W_RESET_CARD:
      return {Errc::kCardLink, "another program reset the card; run again, nothing is lost"};
    case SCARD_E_READER_UNAVAILABLE:
      return {Errc::kCardLink, "the reader is gone; plug it in and run again, nothing is lost"};
    case SCARD_E_SHARING_VIOLATION:
      return {Errc::kCardLink, "another program holds the card; close it and run again"};
    case SCARD_E_NO_SERVICE:
    case SCARD_E_SERVICE_STOPPED:
      return {Errc::kCardLink, "pcscd has ended; start it and run again, nothing is lost"};
    case SCARD_W_UNRESPONSIVE_CARD:
    case SCARD_W_UNPOWERED_CARD:
      return {Errc::kCardLink, "the card does not answer a reset; it may be the wrong way round"};
    default:
      return {Errc::kCardLink, "the reader failed to carry an APDU"};
  }
}

}  // namespace

Result<std::vector<std::string>> pcsc_reader_names() {
  const Context context = KB_TRY(Context::establish());
  return list(context);
}

struct PcscReader::Connection {
  Context context;
  SCARDHANDLE card = 0;
  DWORD protocol = 0;
};

PcscReader::PcscReader(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

PcscReader::~PcscReader() { SCardDisconnect(connection_->card, SCARD_RESET_CARD); }

Result<std::unique_ptr<PcscReader>> PcscReader::connect(const std::string& name) {
  Context context = KB_TRY(Context::establish());
  const std::vector<std::string> readers = KB_TRY(list(context));
  auto chosen = std::ranges::find(readers, name);
  std::size_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  if (chosen == readers.end() && parsed.ec == std::errc() &&
      parsed.ptr == name.data() + name.size() && number < readers.size()) {
    chosen = readers.begin() + static_cast<std::ptrdiff_t>(number);
  }
  if (chosen == readers.end()) {
    return fail(Errc::kNotFound,
                "no reader has this name or number; kagibin agent --list-readers shows them");
  }
  auto connection = std::make_unique<Connection>(Connection{std::move(context)});
  const LONG code =
      SCardConnect(connection->context.handle(), chosen->c_str(), SCARD_SHARE_EXCLUSIVE,
                   SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &connection->card, &connection->protocol);
  if (code != SCARD_S_SUCCESS) {
    return std::unexpected(explain(code));
  }
  std::unique_ptr<PcscReader> out(new PcscReader(std::move(connection)));
  std::array<std::uint8_t, MAX_ATR_SIZE> atr{};
  DWORD size = atr.size();
  DWORD state = 0;
  DWORD protocol = 0;
  if (SCardStatus(out->connection_->card, nullptr, nullptr, &state, &protocol, atr.data(), &size) ==
      SCARD_S_SUCCESS) {
    out->atr_.assign(atr.begin(), atr.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return out;
}

Result<Bytes> PcscReader::transmit(ByteView command) {
  Bytes answer(65'538);
  DWORD size = answer.size();
  const SCARD_IO_REQUEST* request =
      connection_->protocol == SCARD_PROTOCOL_T1 ? SCARD_PCI_T1 : SCARD_PCI_T0;
  const LONG code = SCardTransmit(connection_->card, request, command.data(), command.size(),
                                  nullptr, answer.data(), &size);
  if (code != SCARD_S_SUCCESS) {
    return std::unexpected(explain(code));
  }
  if (size < 2) {
    return fail(Errc::kCardLink, "the card answered less than SW1-SW2");
  }
  answer.resize(size);
  return answer;
}

Result<void> PcscReader::reset() {
  const LONG code = SCardReconnect(connection_->card, SCARD_SHARE_EXCLUSIVE,
                                   SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_RESET_CARD,
                                   &connection_->protocol);
  if (code != SCARD_S_SUCCESS) {
    return std::unexpected(explain(code));
  }
  return {};
}

}  // namespace kagibin::link
