# SPDX-License-Identifier: Apache-2.0
# Run by CPack over the files of the package: manual pages and changelogs are compressed, as Debian has them.
file(GLOB_RECURSE pages ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/*.1
  ${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.1 ${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/changelog.Debian
  ${CPACK_TEMPORARY_DIRECTORY}/usr/share/doc/*/changelog.Debian)
if(NOT pages)
  message(FATAL_ERROR "no manual pages under ${CPACK_TEMPORARY_DIRECTORY}")
endif()
foreach(page IN LISTS pages)
  execute_process(COMMAND gzip -9nf ${page} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
