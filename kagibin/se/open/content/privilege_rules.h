// SPDX-License-Identifier: Apache-2.0
// Which privileges are given, to whom and by whom (GPCS 6.6.1 and 6.6.2). For se/ only.
//
//   given to both                kGivenToApplications
//   given to domains alone       the others of kGivenToDomains; Mandated DAP Verification with DAP
//                                Verification
//   refused by name              Global Service, Ciphered Load File Data Block, Contactless
//                                Activation and Self-Activation
//
// Card Reset and Final Application have one holder at a time: the ISD until another gets one, and
// again when that one is gone or loses it. What concerns the whole card (Card Lock, Card Terminate,
// Card Reset, CVM Management, Mandated DAP Verification, Global Delete, Global Lock, Global
// Registry, Final Application) is given in the ISD's hierarchy alone, by the ISD or by a domain
// that holds it itself: rules of this element, so that no other domain can lock the issuer
// out. 9.1.3 lets a domain with Authorized Management manage what is its own, and the whole card is
// not (the UICC Configuration, 4.1, has the ISD alone assign Mandated DAP Verification). Who gives
// is the domain that manages in its own right, or the one that verified the token. CVM Management
// is given by all of them, recorded and told, as hosts expect who ask for it with every
// application; this element shares no CVM to manage.
#pragma once

#include "kagibin/se/open/registry.h"

namespace kagibin::se {

inline constexpr std::uint32_t kGivenToApplications =
    gp::Privileges::kCardLock | gp::Privileges::kCardTerminate | gp::Privileges::kCardReset |
    gp::Privileges::kCvmManagement | gp::Privileges::kTrustedPath | gp::Privileges::kGlobalDelete |
    gp::Privileges::kGlobalLock | gp::Privileges::kGlobalRegistry |
    gp::Privileges::kFinalApplication;
inline constexpr std::uint32_t kGivenToDomains =
    kGivenToApplications | gp::Privileges::kSecurityDomain | gp::Privileges::kDapVerification |
    gp::Privileges::kMandatedDapVerification | gp::Privileges::kDelegatedManagement |
    gp::Privileges::kAuthorizedManagement | gp::Privileges::kTokenVerification |
    gp::Privileges::kReceiptGeneration;

// Whether `asked` may be the privileges of `holder`, in the hierarchy of `domain`. kValue for
// combinations that are none; kNotSupported for those refused by name; kPolicy for a card-wide one
// outside the ISD's hierarchy; kConflict when another holds a single one.
Result<void> check_privileges(const Registry& registry,
                              const Aid& holder,
                              gp::Privileges asked,
                              const Aid& domain);

// kPolicy when `granter` may not give these to one that had none of them.
Result<void> check_grant(const Registry& registry, const Aid& granter, gp::Privileges given);

// After entries have come, gone or changed: takes from the ISD the single privileges that somebody
// else holds now, and gives it those of `given_up` that nobody does.
Result<void> settle_single_privileges(Registry& registry, gp::Privileges given_up);

}  // namespace kagibin::se
