# The server of metrics, where libmicrohttpd is there to make it. It is used in its epoll mode,
# which only Linux has.
set(UDPECHO_METRICS AUTO CACHE STRING "Serve metrics by libmicrohttpd: AUTO, if it is there; ON; OFF")
set_property(CACHE UDPECHO_METRICS PROPERTY STRINGS AUTO ON OFF)

set(http microhttpd/no_http.c)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT UDPECHO_METRICS STREQUAL OFF)
    pkg_check_modules(MICROHTTPD IMPORTED_TARGET GLOBAL libmicrohttpd>=0.9.71)
endif()
if(MICROHTTPD_FOUND)
    set(http microhttpd/http.c)
    target_link_libraries(udpecho_platform_internals INTERFACE PkgConfig::MICROHTTPD)
elseif(UDPECHO_METRICS STREQUAL ON)
    message(FATAL_ERROR
            "UDPECHO_METRICS=ON takes Linux and libmicrohttpd 0.9.71, which pkg-config does not find")
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT UDPECHO_METRICS STREQUAL OFF)
    message(WARNING "Without libmicrohttpd 0.9.71, udpechod will not serve metrics")
endif()
target_sources(udpecho_platform PRIVATE ${http})
