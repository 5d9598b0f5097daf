set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_UDPECHO_PACKAGE_NAME udpecho)
set(CPACK_DEBIAN_UDPECHO_DESCRIPTION "${client_summary}\n${client_text}")
set(CPACK_DEBIAN_UDPECHO_PACKAGE_SUGGESTS udpechod)
# Until 0.1.0 udpechod had the HTTP module.
set(CPACK_DEBIAN_UDPECHO_PACKAGE_BREAKS "udpechod (<< 0.2.0-1)")
set(CPACK_DEBIAN_UDPECHO_PACKAGE_REPLACES "udpechod (<< 0.2.0-1)")

set(CPACK_DEBIAN_UDPECHO-WATCH_PACKAGE_NAME udpecho-watch)
set(CPACK_DEBIAN_UDPECHO-WATCH_DESCRIPTION "${watch_summary}\n${watch_text}")
set(CPACK_DEBIAN_UDPECHO-WATCH_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_UDPECHO-WATCH_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_UDPECHO-WATCH_PACKAGE_DEPENDS
    "udpecho (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_UDPECHO-WATCH_PACKAGE_CONTROL_EXTRA
    ${packaging}/debian/watch/conffiles
    ${packaging}/debian/watch/postinst
    ${packaging}/debian/watch/prerm
    ${packaging}/debian/watch/postrm)

set(CPACK_DEBIAN_UDPECHOD_PACKAGE_NAME udpechod)
set(CPACK_DEBIAN_UDPECHOD_DESCRIPTION "${server_summary}\n${server_text}")
if(TARGET udpecho_http)
    set(CPACK_DEBIAN_UDPECHOD_PACKAGE_DEPENDS
        "udpecho (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
else()
    set(CPACK_DEBIAN_UDPECHOD_PACKAGE_SUGGESTS udpecho)
endif()
set(CPACK_DEBIAN_UDPECHOD_PACKAGE_CONTROL_EXTRA
    ${packaging}/debian/conffiles
    ${packaging}/debian/postinst
    ${packaging}/debian/prerm
    ${packaging}/debian/postrm)
