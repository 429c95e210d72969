// SPDX-License-Identifier: Apache-2.0
// A PKCS#11 module that stands before another one and hands everything on, except what it was told
// to let fail. Only tests load it; they speak to it through faults.h.
//
//   KAGIBIN_TOKEN_MODULE      the module behind it
//   KAGIBIN_TOKEN_PARAMETERS  what that one wants to be initialised with (NSS), or nothing
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>

namespace {

// What C_Initialize of NSS reads: the usual arguments with a string in front of pReserved.
struct NssArguments {
  CK_CREATEMUTEX create_mutex;
  CK_DESTROYMUTEX destroy_mutex;
  CK_LOCKMUTEX lock_mutex;
  CK_UNLOCKMUTEX unlock_mutex;
  CK_FLAGS flags;
  char* parameters;
  void* reserved;
};

struct Fault {
  std::array<char, 32> function{};
  CK_RV rv = CKR_OK;
  int skipped = 0;  // calls that still work
  int times = 0;    // calls that fail then; -1: all
};

std::mutex lock;
std::array<Fault, 8> faults;
CK_MECHANISM_TYPE hidden = ~CK_MECHANISM_TYPE{0};
std::atomic<bool> spoil_signatures{false};
std::atomic<bool> spoil_wrapping{false};
std::atomic<bool> deny_sensitive{false};
std::atomic<int> logins{0};
std::vector<unsigned char> returned;  // all that calls handed out, since it was cleared
CK_FUNCTION_LIST* behind = nullptr;
CK_FUNCTION_LIST own{};

CK_RV fault_of(const char* function) {
  const std::scoped_lock held(lock);
  for (Fault& fault : faults) {
    if (fault.times == 0 || std::strcmp(fault.function.data(), function) != 0) {
      continue;
    }
    if (fault.skipped > 0) {
      --fault.skipped;
      continue;
    }
    fault.times -= fault.times > 0 ? 1 : 0;
    return fault.rv;
  }
  return CKR_OK;
}

#define MAY_FAIL(name)                                  \
  if (const CK_RV fault = fault_of(name); fault != 0) { \
    return fault;                                       \
  }

void note_returned(const void* octets, CK_ULONG size) {
  if (octets != nullptr) {
    const std::scoped_lock held(lock);
    const auto* first = static_cast<const unsigned char*>(octets);
    returned.insert(returned.end(), first, first + size);
  }
}

CK_RV initialize(void* arguments) {
  MAY_FAIL("C_Initialize")
  const char* parameters = std::getenv("KAGIBIN_TOKEN_PARAMETERS");
  if (parameters == nullptr) {
    return behind->C_Initialize(arguments);
  }
  static std::array<char, 1024> text{};
  std::strncpy(text.data(), parameters, text.size() - 1);
  NssArguments nss{};
  nss.flags = CKF_OS_LOCKING_OK;
  nss.parameters = text.data();
  return behind->C_Initialize(&nss);
}

CK_RV get_slot_list(CK_BBOOL present, CK_SLOT_ID* slots, CK_ULONG* count) {
  MAY_FAIL("C_GetSlotList")
  const CK_RV rv = behind->C_GetSlotList(present, slots, count);
  if (fault_of("no slots") != CKR_OK) {
    *count = 0;
  }
  return rv;
}

CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  return type == hidden ? CKR_MECHANISM_INVALID : behind->C_GetMechanismInfo(slot, type, info);
}

CK_RV open_session(CK_SLOT_ID slot,
                   CK_FLAGS flags,
                   void* application,
                   CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session) {
  MAY_FAIL("C_OpenSession")
  return behind->C_OpenSession(slot, flags, application, notify, session);
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char* pin, CK_ULONG size) {
  ++logins;
  MAY_FAIL("C_Login")
  return behind->C_Login(session, user, pin, size);
}

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  MAY_FAIL("C_SignInit")
  return behind->C_SignInit(session, mechanism, key);
}

CK_RV sign(CK_SESSION_HANDLE session,
           unsigned char* data,
           CK_ULONG data_size,
           unsigned char* signature,
           CK_ULONG* size) {
  MAY_FAIL("C_Sign")
  const CK_RV rv = behind->C_Sign(session, data, data_size, signature, size);
  if (rv == CKR_OK && spoil_signatures && signature != nullptr) {
    signature[0] ^= 0x01U;
  }
  if (rv == CKR_OK) {
    note_returned(signature, *size);
  }
  return rv;
}

CK_RV encrypt_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE key) {
  MAY_FAIL("C_EncryptInit")
  return behind->C_EncryptInit(session, mechanism, key);
}

CK_RV encrypt(CK_SESSION_HANDLE session,
              unsigned char* data,
              CK_ULONG data_size,
              unsigned char* out,
              CK_ULONG* size) {
  MAY_FAIL("C_Encrypt")
  const CK_RV rv = behind->C_Encrypt(session, data, data_size, out, size);
  if (rv == CKR_OK) {
    note_returned(out, *size);
  }
  return rv;
}

CK_RV wrap_key(CK_SESSION_HANDLE session,
               CK_MECHANISM* mechanism,
               CK_OBJECT_HANDLE wrapping,
               CK_OBJECT_HANDLE key,
               unsigned char* out,
               CK_ULONG* size) {
  MAY_FAIL("C_WrapKey")
  const CK_RV rv = behind->C_WrapKey(session, mechanism, wrapping, key, out, size);
  if (rv == CKR_OK) {
    note_returned(out, *size);
    if (spoil_wrapping && out != nullptr) {
      out[0] ^= 0x01U;
    }
  }
  return rv;
}

// Functions that would hand octets out and that nothing here calls.
CK_RV no_octets(CK_SESSION_HANDLE, unsigned char*, CK_ULONG, unsigned char*, CK_ULONG*) {
  return CKR_FUNCTION_NOT_SUPPORTED;
}
CK_RV no_last_octets(CK_SESSION_HANDLE, unsigned char*, CK_ULONG*) {
  return CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV derive_key(CK_SESSION_HANDLE session,
                 CK_MECHANISM* mechanism,
                 CK_OBJECT_HANDLE base,
                 CK_ATTRIBUTE* wanted,
                 CK_ULONG count,
                 CK_OBJECT_HANDLE* key) {
  MAY_FAIL("C_DeriveKey")
  // A token lacks a mechanism also where it does not say so, as NSS does of some that it has.
  if (mechanism->mechanism == hidden) {
    return CKR_MECHANISM_INVALID;
  }
  return behind->C_DeriveKey(session, mechanism, base, wanted, count, key);
}

CK_RV generate_key_pair(CK_SESSION_HANDLE session,
                        CK_MECHANISM* mechanism,
                        CK_ATTRIBUTE* of_public,
                        CK_ULONG public_count,
                        CK_ATTRIBUTE* of_private,
                        CK_ULONG private_count,
                        CK_OBJECT_HANDLE* public_key,
                        CK_OBJECT_HANDLE* private_key) {
  MAY_FAIL("C_GenerateKeyPair")
  return behind->C_GenerateKeyPair(session, mechanism, of_public, public_count, of_private,
                                   private_count, public_key, private_key);
}

CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE* wanted, CK_ULONG count) {
  MAY_FAIL("C_FindObjectsInit")
  return behind->C_FindObjectsInit(session, wanted, count);
}

CK_RV get_attribute_value(CK_SESSION_HANDLE session,
                          CK_OBJECT_HANDLE object,
                          CK_ATTRIBUTE* asked,
                          CK_ULONG count) {
  MAY_FAIL("C_GetAttributeValue")
  const CK_RV rv = behind->C_GetAttributeValue(session, object, asked, count);
  for (CK_ULONG i = 0; i < count && rv == CKR_OK; ++i) {
    note_returned(asked[i].pValue, asked[i].ulValueLen);
    if (deny_sensitive && asked[i].type == CKA_SENSITIVE && asked[i].pValue != nullptr) {
      *static_cast<CK_BBOOL*>(asked[i].pValue) = CK_FALSE;
    }
  }
  return rv;
}

CK_RV create_object(CK_SESSION_HANDLE session,
                    CK_ATTRIBUTE* wanted,
                    CK_ULONG count,
                    CK_OBJECT_HANDLE* object) {
  MAY_FAIL("C_CreateObject")
  return behind->C_CreateObject(session, wanted, count, object);
}

CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  MAY_FAIL("C_DestroyObject")
  return behind->C_DestroyObject(session, object);
}

CK_RV generate_key(CK_SESSION_HANDLE session,
                   CK_MECHANISM* mechanism,
                   CK_ATTRIBUTE* wanted,
                   CK_ULONG count,
                   CK_OBJECT_HANDLE* key) {
  MAY_FAIL("C_GenerateKey")
  return behind->C_GenerateKey(session, mechanism, wanted, count, key);
}

// A fault of a function that is not among these would never come.
constexpr std::array kMayFail = {"C_Initialize",
                                 "C_GetSlotList",
                                 "no slots",
                                 "C_OpenSession",
                                 "C_Login",
                                 "C_SignInit",
                                 "C_Sign",
                                 "C_DeriveKey",
                                 "C_GenerateKey",
                                 "C_GenerateKeyPair",
                                 "C_FindObjectsInit",
                                 "C_GetAttributeValue",
                                 "C_CreateObject",
                                 "C_DestroyObject",
                                 "C_EncryptInit",
                                 "C_Encrypt",
                                 "C_WrapKey"};

CK_RV load() {
  const char* path = std::getenv("KAGIBIN_TOKEN_MODULE");
  void* module = path == nullptr ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void* symbol = module == nullptr ? nullptr : dlsym(module, "C_GetFunctionList");
  if (symbol == nullptr) {
    return CKR_GENERAL_ERROR;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): dlsym gives functions as void*
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(symbol);
  const CK_RV rv = get(&behind);
  if (rv != CKR_OK) {
    return rv;
  }
  own = *behind;
  own.version = {2, 40};
  own.C_Initialize = initialize;
  own.C_GetSlotList = get_slot_list;
  own.C_GetMechanismInfo = get_mechanism_info;
  own.C_OpenSession = open_session;
  own.C_Login = login;
  own.C_SignInit = sign_init;
  own.C_Sign = sign;
  own.C_DeriveKey = derive_key;
  own.C_GenerateKeyPair = generate_key_pair;
  own.C_FindObjectsInit = find_objects_init;
  own.C_GetAttributeValue = get_attribute_value;
  own.C_CreateObject = create_object;
  own.C_GenerateKey = generate_key;
  own.C_DestroyObject = destroy_object;
  own.C_EncryptInit = encrypt_init;
  own.C_Encrypt = encrypt;
  own.C_WrapKey = wrap_key;
  own.C_EncryptUpdate = no_octets;
  own.C_EncryptFinal = no_last_octets;
  own.C_Decrypt = no_octets;
  own.C_DecryptUpdate = no_octets;
  own.C_DecryptFinal = no_last_octets;
  own.C_Digest = no_octets;
  own.C_DigestFinal = no_last_octets;
  own.C_SignFinal = no_last_octets;
  own.C_SignRecover = no_octets;
  own.C_VerifyRecover = no_octets;
  own.C_GetOperationState = no_last_octets;
  return CKR_OK;
}

}  // namespace

extern "C" {

CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  if (behind == nullptr) {
    const CK_RV rv = load();
    if (rv != CKR_OK) {
      return rv;
    }
  }
  *list = &own;
  return CKR_OK;
}

void kagibin_faulty_set(const char* function, CK_RV rv, int skipped, int times) {
  if (std::none_of(kMayFail.begin(), kMayFail.end(),
                   [&](const char* name) { return std::strcmp(name, function) == 0; })) {
    std::abort();
  }
  const std::scoped_lock held(lock);
  for (Fault& fault : faults) {
    if (fault.times == 0) {
      std::strncpy(fault.function.data(), function, fault.function.size() - 1);
      fault.rv = rv;
      fault.skipped = skipped;
      fault.times = times;
      return;
    }
  }
}
void kagibin_faulty_clear() {
  const std::scoped_lock held(lock);
  faults = {};
  hidden = ~CK_MECHANISM_TYPE{0};
  spoil_signatures = false;
  spoil_wrapping = false;
  deny_sensitive = false;
  returned.clear();
}
void kagibin_faulty_hide(CK_MECHANISM_TYPE mechanism) { hidden = mechanism; }
void kagibin_faulty_spoil_signatures(int on) { spoil_signatures = on != 0; }
void kagibin_faulty_deny_sensitive(int on) { deny_sensitive = on != 0; }
void kagibin_faulty_spoil_wrapping(int on) { spoil_wrapping = on != 0; }
// As many as there is room for; the number of all.
std::size_t kagibin_faulty_returned(unsigned char* out, std::size_t room) {
  const std::scoped_lock held(lock);
  std::copy_n(returned.begin(), std::min(room, returned.size()), out);
  return returned.size();
}
int kagibin_faulty_logins() { return logins; }
// The token itself forgets its sessions, as when it was pulled and plugged in again.
void kagibin_faulty_close_sessions() {
  std::array<CK_SLOT_ID, 16> slots{};
  CK_ULONG count = slots.size();
  if (behind->C_GetSlotList(CK_TRUE, slots.data(), &count) == CKR_OK) {
    for (CK_ULONG i = 0; i < count; ++i) {
      behind->C_CloseAllSessions(slots[i]);
    }
  }
}
}
