# SPDX-License-Identifier: Apache-2.0
# The Debian package of the key distribution operator: its programs (the install component "distributor"), their manual pages and
# systemd units. scripts/package builds it; doc/decisions/0032 has the choices.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kagibin-distributor)
set(CPACK_PACKAGE_VENDOR Kagibin)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "key distribution operator that relays sealed keys to secure elements")
set(CPACK_PACKAGE_DESCRIPTION
"Kagibin carries a service provider's secret keys into secure components,
over operators that cannot read them. This is the operator's part: a server
that relays orders, sealed messages and receipts over mutual TLS, keeps them
in SQLite or PostgreSQL, and writes every change into a signed, append-only
log; and the programs that verify that log and move the store.")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Kagibin maintainers <maintainers@kagibin.example>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_COMPONENTS_ALL distributor)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/compress.cmake)

set(packaging ${CMAKE_SOURCE_DIR}/packaging)
set(made ${CMAKE_BINARY_DIR}/packaging)
# One date for one commit, so that one commit gives one package.
execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE KAGIBIN_PACKAGE_EPOCH
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT KAGIBIN_PACKAGE_EPOCH)
  set(KAGIBIN_PACKAGE_EPOCH 0)
endif()
set(ENV{SOURCE_DATE_EPOCH} ${KAGIBIN_PACKAGE_EPOCH})
string(TIMESTAMP KAGIBIN_PACKAGE_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
unset(ENV{SOURCE_DATE_EPOCH})
configure_file(${packaging}/debian/changelog ${made}/changelog.Debian @ONLY)

include(GNUInstallDirs)
install(FILES ${packaging}/kagibin-distributor.service ${packaging}/kagibin-audit-verify.service
  ${packaging}/kagibin-audit-verify.timer ${packaging}/kagibin-backup.service ${packaging}/kagibin-backup.timer DESTINATION /lib/systemd/system COMPONENT distributor)
install(FILES ${packaging}/kagibin-distributor.sysusers DESTINATION lib/sysusers.d RENAME kagibin-distributor.conf
  COMPONENT distributor)
install(FILES ${packaging}/kagibin-distributor.default DESTINATION /etc/default RENAME kagibin-distributor
  COMPONENT distributor)
install(FILES ${packaging}/debian/copyright ${made}/changelog.Debian DESTINATION share/doc/kagibin-distributor
  COMPONENT distributor)
install(FILES doc/operations.md doc/audit.md doc/openapi.yaml packaging/kagibin-distributor.rules.yml DESTINATION share/doc/kagibin-distributor COMPONENT distributor)
file(WRITE ${made}/conffiles "/etc/default/kagibin-distributor\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/debian/postinst ${packaging}/debian/prerm ${packaging}/debian/postrm
  ${made}/conffiles)
include(CPack)
