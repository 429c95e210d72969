// SPDX-License-Identifier: Apache-2.0
#include "tests/token/soft_token.h"

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <grp.h>
#include <p11-kit/p11-kit.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/token/faults.h"

// Of LeakSanitizer, where there is one.
// NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming): its own name
extern "C" void __lsan_disable() __attribute__((weak));

namespace kagibin::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSoftHsm = "/usr/lib/softhsm/libsofthsm2.so";
constexpr const char* kNss = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so";
constexpr const char* kOpenCryptoki = "/usr/lib/x86_64-linux-gnu/pkcs11/PKCS11_API.so";
constexpr const char* kSlotDaemon = "/usr/sbin/pkcsslotd";
constexpr std::string_view kSoPin = "87654321";  // openCryptoki's first one
constexpr std::size_t kLabelSize = 32;

void must(bool good, std::string_view what) {
  if (!good) {
    std::cerr << "soft token: " << what << '\n';
    std::abort();
  }
}

std::vector<unsigned char> octets(std::string_view text) { return {text.begin(), text.end()}; }

// A session of the user, for as long as it is in scope.
class UserSession {
 public:
  UserSession(const std::string& path, std::string_view label)
      : module_(p11_kit_module_load(path.c_str(), 0)) {
    must(module_ != nullptr && p11_kit_module_initialize(module_) == CKR_OK,
         "the module does not start");
    std::array<CK_SLOT_ID, 16> slots{};
    CK_ULONG count = slots.size();
    must(module_->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK, "no slots");
    for (CK_ULONG i = 0; i < count && session_ == 0; ++i) {
      CK_TOKEN_INFO info{};
      must(module_->C_GetTokenInfo(slots[i], &info) == CKR_OK, "no token in its slot");
      if (std::equal(label.begin(), label.end(), std::begin(info.label))) {
        must(module_->C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                    &session_) == CKR_OK,
             "no session");
      }
    }
    std::vector<unsigned char> pin = octets(SoftToken::pin());
    const CK_RV logged_in = module_->C_Login(session_, CKU_USER, pin.data(), pin.size());
    must(logged_in == CKR_OK || logged_in == CKR_USER_ALREADY_LOGGED_IN, "the user is not let in");
  }
  UserSession(const UserSession&) = delete;
  UserSession& operator=(const UserSession&) = delete;
  ~UserSession() {
    module_->C_CloseSession(session_);
    p11_kit_module_finalize(module_);
    p11_kit_module_release(module_);
  }
  CK_FUNCTION_LIST* operator->() const { return module_; }
  CK_SESSION_HANDLE handle() const { return session_; }

 private:
  CK_FUNCTION_LIST* module_;
  CK_SESSION_HANDLE session_ = 0;
};

}  // namespace

SoftToken::SoftToken(Make make, bool through_faults) {
  std::string name = (fs::temp_directory_path() / "kagibin-token.XXXXXX").string();
  must(::mkdtemp(name.data()) != nullptr, "no temporary folder");
  folder_ = name;
  switch (make) {
    case Make::kSoftHsm:
      module_ = kSoftHsm;
      break;
    case Make::kNss:
      module_ = kNss;
      break;
    case Make::kOpenCryptoki:
      module_ = kOpenCryptoki;
      break;
  }
  if (!fs::exists(module_)) {
    missing_ = module_ + " is not installed: scripts/setup";
    return;
  }
  if (through_faults || make == Make::kNss) {
    ::setenv("KAGIBIN_TOKEN_MODULE", module_.c_str(), 1);
    module_ = Faults::module_path();
  }
  switch (make) {
    case Make::kSoftHsm:
      start_soft_hsm();
      break;
    case Make::kNss:
      start_nss();
      break;
    case Make::kOpenCryptoki:
      start_open_cryptoki();
      break;
  }
}

SoftToken::~SoftToken() {
  if (daemon_ != 0) {
    ::kill(daemon_, SIGTERM);
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::string SoftToken::token_uri() const {
  return fmt::format("pkcs11:token={}?module-path={}", label_, module_);
}

std::string SoftToken::uri(std::string_view key) const {
  return fmt::format("pkcs11:token={};object={}?module-path={}", label_, key, module_);
}

void SoftToken::start_soft_hsm() {
  const fs::path tokens = folder_ / "tokens";
  const fs::path config = folder_ / "softhsm2.conf";
  fs::create_directory(tokens);
  std::ofstream(config) << "directories.tokendir = " << tokens.string()
                        << "\nobjectstore.backend = file\nlog.level = ERROR\n";
  ::setenv("SOFTHSM2_CONF", config.c_str(), 1);
  initialise(kSoPin, true);
}

void SoftToken::start_nss() {
  const fs::path database = folder_ / "nss";
  fs::create_directory(database);
  const std::string parameters =
      fmt::format("configdir='sql:{}' dbTokenDescription='{}' flags= ", database.string(), label_);
  ::setenv("KAGIBIN_TOKEN_PARAMETERS", parameters.c_str(), 1);
  // A user PIN is set by a security officer who has none.
  initialise("", false);
}

void SoftToken::start_open_cryptoki() {
  label_ = "kagibin-ock";
  if (::geteuid() != 0 || !fs::exists(kSlotDaemon)) {
    missing_ = "openCryptoki's slot daemon is started by root alone";
    return;
  }
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) {
    missing_ = "this machine gives no namespaces of mounts and IPC to run openCryptoki in";
    return;
  }
  const group* owners = ::getgrnam("pkcs11");
  must(owners != nullptr, "openCryptoki is installed without its group");
  must(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mounts stay shared");
  for (const char* place : {"/run", "/var/lib/opencryptoki"}) {
    must(::mount("tmpfs", place, "tmpfs", 0, "mode=0755") == 0, "no tmpfs");
  }
  for (const std::string top : {"/run/lock/opencryptoki", "/var/lib/opencryptoki"}) {
    for (const char* token : {"/swtok", "/swtok/TOK_OBJ", "/tpm", "/ccatok", "/icsf", "/ep11tok"}) {
      fs::create_directories(top + token);
      must(::chown((top + token).c_str(), 0, owners->gr_gid) == 0 &&
               ::chmod((top + token).c_str(), 0770) == 0,
           "no folder of openCryptoki");
    }
  }
  // What openCryptoki does not free is not ours to mend.
  if (__lsan_disable != nullptr) {
    __lsan_disable();
  }
  pid_t starter = 0;
  std::array<char, 32> program{};
  std::string_view(kSlotDaemon).copy(program.data(), program.size() - 1);
  std::array<char*, 2> arguments = {program.data(), nullptr};
  must(::posix_spawn(&starter, kSlotDaemon, nullptr, nullptr, arguments.data(), environ) == 0,
       "the slot daemon does not start");
  must(::waitpid(starter, nullptr, 0) == starter, "the slot daemon is lost");
  for (int tries = 0; tries < 100 && daemon_ == 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::ifstream("/run/pkcsslotd.pid") >> daemon_;
  }
  must(daemon_ != 0, "the slot daemon gives no sign of life");
  initialise(kSoPin, true);
}

void SoftToken::initialise(std::string_view so_pin, bool with_init_token) {
  CK_FUNCTION_LIST* module = p11_kit_module_load(module_.c_str(), 0);
  must(module != nullptr && p11_kit_module_initialize(module) == CKR_OK,
       "the module does not start");
  std::array<CK_SLOT_ID, 16> slots{};
  CK_ULONG count = slots.size();
  must(module->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK && count > 0, "no slot");
  CK_SLOT_ID slot = slots[0];
  std::vector<unsigned char> officer = octets(so_pin);
  officer.reserve(1);  // an empty PIN has an address too
  std::vector<unsigned char> label = octets(label_);
  label.resize(kLabelSize, ' ');
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    must(module->C_GetTokenInfo(slots[i], &info) == CKR_OK, "no token in its slot");
    // NSS has its label already.
    if (!with_init_token && std::equal(label.begin(), label.end(), std::begin(info.label))) {
      slot = slots[i];
    }
  }
  if (with_init_token) {
    must(module->C_InitToken(slot, officer.data(), officer.size(), label.data()) == CKR_OK,
         "the token is not initialised");
    // SoftHSM puts a token that was initialised into a slot of its own.
    count = slots.size();
    must(module->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK, "no slot");
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      must(module->C_GetTokenInfo(slots[i], &info) == CKR_OK, "no token in its slot");
      if (std::equal(label.begin(), label.end(), std::begin(info.label))) {
        slot = slots[i];
      }
    }
  }
  CK_SESSION_HANDLE session = 0;
  must(module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                             &session) == CKR_OK,
       "no session");
  const CK_RV let_in = module->C_Login(session, CKU_SO, officer.data(), officer.size());
  must(let_in == CKR_OK, fmt::format("the security officer is not let in: {:X}", let_in));
  std::vector<unsigned char> user = octets(pin());
  const CK_RV set = module->C_InitPIN(session, user.data(), user.size());
  must(set == CKR_OK, fmt::format("no user PIN: {:X}", set));
  module->C_Logout(session);
  module->C_CloseSession(session);
  p11_kit_module_finalize(module);
  p11_kit_module_release(module);
}

void SoftToken::put_aes_key(std::string_view name, ByteView key, bool is_sensitive) const {
  const UserSession session(module_, label_);
  std::vector<unsigned char> label = octets(name);
  Bytes value(key.begin(), key.end());
  CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
  CK_KEY_TYPE type = CKK_AES;
  CK_BBOOL yes = CK_TRUE;
  CK_BBOOL no = CK_FALSE;
  std::vector<CK_ATTRIBUTE> wanted = {{CKA_CLASS, &object_class, sizeof object_class},
                                      {CKA_KEY_TYPE, &type, sizeof type},
                                      {CKA_TOKEN, &yes, 1},
                                      {CKA_PRIVATE, &yes, 1},
                                      {CKA_SENSITIVE, is_sensitive ? &yes : &no, 1},
                                      {CKA_EXTRACTABLE, is_sensitive ? &no : &yes, 1},
                                      {CKA_SIGN, &yes, 1},
                                      {CKA_DERIVE, &yes, 1},
                                      {CKA_ENCRYPT, &yes, 1},
                                      {CKA_LABEL, label.data(), label.size()},
                                      {CKA_VALUE, value.data(), value.size()}};
  CK_OBJECT_HANDLE object = 0;
  must(session->C_CreateObject(session.handle(), wanted.data(), wanted.size(), &object) == CKR_OK,
       "the AES key is not taken");
}

std::size_t SoftToken::count_objects() const {
  const UserSession session(module_, label_);
  must(session->C_FindObjectsInit(session.handle(), nullptr, 0) == CKR_OK, "nothing is found");
  std::size_t out = 0;
  std::array<CK_OBJECT_HANDLE, 16> found{};
  CK_ULONG count = 0;
  do {
    must(session->C_FindObjects(session.handle(), found.data(), found.size(), &count) == CKR_OK,
         "nothing is found");
    out += count;
  } while (count != 0);
  session->C_FindObjectsFinal(session.handle());
  return out;
}

bool SoftToken::is_kept_inside(std::string_view name, CK_OBJECT_CLASS object_class) const {
  const UserSession session(module_, label_);
  std::vector<unsigned char> label = octets(name);
  std::vector<CK_ATTRIBUTE> wanted = {{CKA_CLASS, &object_class, sizeof object_class},
                                      {CKA_LABEL, label.data(), label.size()}};
  std::array<CK_OBJECT_HANDLE, 2> found{};
  CK_ULONG count = 0;
  must(session->C_FindObjectsInit(session.handle(), wanted.data(), wanted.size()) == CKR_OK &&
           session->C_FindObjects(session.handle(), found.data(), found.size(), &count) == CKR_OK &&
           session->C_FindObjectsFinal(session.handle()) == CKR_OK && count == 1,
       "not one key of this name");
  std::array<unsigned char, 64> value{};
  CK_ATTRIBUTE asked{CKA_VALUE, value.data(), value.size()};
  const CK_RV rv = session->C_GetAttributeValue(session.handle(), found[0], &asked, 1);
  return rv == CKR_ATTRIBUTE_SENSITIVE;
}

}  // namespace kagibin::test
