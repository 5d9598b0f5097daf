# Packages for Linux, by CPack: udpecho, the client, with the module of HTTP that both programs load;
# udpecho-watch, the client's service; and udpechod, the server with its service. The preset "package"
# builds a .deb and, where there is rpmbuild, an .rpm of each. They are for the system that they are
# built on, and anything like it.
install(FILES packaging/systemd/udpechod-activated.service
              packaging/systemd/udpechod-ipv6.socket
              packaging/systemd/udpechod.service
              packaging/systemd/udpechod.socket
        DESTINATION lib/systemd/system COMPONENT udpechod)
install(FILES packaging/udpechod.conf
        DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/udpecho COMPONENT udpechod)
install(DIRECTORY packaging/anycast/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/udpechod/examples/anycast
        COMPONENT udpechod)
install(FILES packaging/systemd/udpecho-watch.service
        DESTINATION lib/systemd/system COMPONENT udpecho-watch)
install(FILES packaging/targets packaging/udpecho-watch.conf
        DESTINATION ${CMAKE_INSTALL_FULL_SYSCONFDIR}/udpecho COMPONENT udpecho-watch)

set(packaging ${PROJECT_SOURCE_DIR}/packaging)
set(CPACK_GENERATOR DEB)
find_program(RPMBUILD rpmbuild)
if(RPMBUILD)
    list(APPEND CPACK_GENERATOR RPM)
else()
    message(STATUS "No .rpm is built: there is no rpmbuild")
endif()
set(CPACK_COMPONENTS_ALL udpecho udpecho-watch udpechod)
set(CPACK_PACKAGE_CONTACT "udpecho maintainers <maintainers@udpecho.invalid>" CACHE STRING
    "Who answers for the packages: name and address")
set(CPACK_PACKAGE_VENDOR "udpecho maintainers")
set(CPACK_PACKAGE_RELOCATABLE OFF)
set(CPACK_OUTPUT_FILE_PREFIX ${PROJECT_BINARY_DIR}/packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON) # as not everything is below /usr
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${packaging}/stage.cmake)

# Two builds of the same sources are the same, byte by byte: nothing in them is later than the
# changelog, unless SOURCE_DATE_EPOCH says so.
file(STRINGS packaging/debian/changelog signature REGEX "^ -- " LIMIT_COUNT 1)
string(REGEX REPLACE ".*>  " "" changed "${signature}")
execute_process(COMMAND date -u +%s -d ${changed} OUTPUT_VARIABLE changed
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(CONFIGURE OUTPUT packages_time.cmake @ONLY CONTENT [[
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
    set(ENV{SOURCE_DATE_EPOCH} @changed@)
endif()
]])
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/packages_time.cmake)

set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # CPack would put it before those of each package
set(client_summary "Client for UDP echo servers (RFC 862)")
set(client_text
"udpecho asks any UDP echo server and tells what comes back: round trips with
percentiles and jitter, and which datagrams were lost, late, duplicated,
reordered or corrupted. Besides it is a load generator, finds the source ports
that a bad one of several paths harms, and the largest datagram that comes back
whole.")
set(watch_summary "UDP echo client as a service that watches targets")
set(watch_text
"udpecho asks the targets in a file without end, looks their names up again,
and serves round trips, loss and, with STAMP, the delay variation of each
direction to Prometheus. As installed, it is disabled: it has no targets yet.")
set(server_summary "UDP echo server (RFC 862)")
set(server_text
"udpechod answers UDP datagrams with the same bytes, so that one can find out
whether UDP gets to a host and back. It answers from the address that was
asked, limits what each source gets, ends loops between echo servers, and tells
what became of every datagram. As installed, it answers this host only.")

include(packaging/debian/package.cmake)
include(packaging/rpm/package.cmake)
include(CPack)
