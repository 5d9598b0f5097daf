# The server of metrics, where libmicrohttpd is there to make it. On Linux it is a module, the target
# udpecho_http, which uses the library's epoll mode; elsewhere it is a part of both programs: on
# Windows in the builds that bring the library, on other systems with ON only.
set(UDPECHO_METRICS AUTO CACHE STRING
    "Serve metrics by libmicrohttpd: AUTO, on Linux and Windows, if it is there; ON; OFF")
set_property(CACHE UDPECHO_METRICS PROPERTY STRINGS AUTO ON OFF)

set(http http/no_http.c)
unset(MICROHTTPD_FOUND CACHE) # by an earlier run, which may have looked for it
if(UDPECHO_METRICS STREQUAL OFF)
    message(STATUS "Neither program will serve metrics: UDPECHO_METRICS")
elseif(WIN32 AND UDPECHO_APR_FROM_SOURCE)
    add_subdirectory(toolchain/microhttpd)
elseif(UDPECHO_METRICS STREQUAL ON OR CMAKE_SYSTEM_NAME STREQUAL "Linux")
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(MICROHTTPD IMPORTED_TARGET GLOBAL libmicrohttpd>=0.9.71)
    if(MICROHTTPD_FOUND)
        add_library(udpecho::microhttpd ALIAS PkgConfig::MICROHTTPD)
    endif()
endif()
if(TARGET udpecho::microhttpd AND NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    set(http http/http.c http/linked.c http/wait_select.c)
    target_link_libraries(udpecho_platform PRIVATE udpecho::microhttpd)
elseif(TARGET udpecho::microhttpd)
    set(http http/module.c)
    # One way leads from the program to it, in the build's directories and where they are installed.
    file(RELATIVE_PATH modules
         ${CMAKE_INSTALL_FULL_SBINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/${PROJECT_NAME})
    set_property(SOURCE http/module.c PROPERTY COMPILE_DEFINITIONS
                 UDPECHO_HTTP_MODULE="${modules}/http.so")
    # It has only the headers of APR; the program that loads it has the library.
    add_library(udpecho_http MODULE http/http.c http/wait_epoll.c os/posix/clock.c)
    set_target_properties(udpecho_http PROPERTIES PREFIX "" OUTPUT_NAME http SUFFIX .so
                          LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/src/${modules})
    target_include_directories(udpecho_http PRIVATE ${PROJECT_SOURCE_DIR}/include ${CMAKE_CURRENT_SOURCE_DIR})
    target_include_directories(udpecho_http SYSTEM PRIVATE
        $<TARGET_PROPERTY:udpecho::apr,INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_definitions(udpecho_http PRIVATE
        $<TARGET_PROPERTY:udpecho_platform,COMPILE_DEFINITIONS>)
    add_dependencies(udpecho_http udpecho_platform)
    target_link_libraries(udpecho_http PRIVATE udpecho::microhttpd)
    install(TARGETS udpecho_http DESTINATION ${CMAKE_INSTALL_LIBDIR}/${PROJECT_NAME}
            COMPONENT udpecho)
elseif(UDPECHO_METRICS STREQUAL ON)
    message(FATAL_ERROR
            "UDPECHO_METRICS=ON takes libmicrohttpd 0.9.71, which pkg-config does not find")
elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT UDPECHO_METRICS STREQUAL OFF)
    message(WARNING "Without libmicrohttpd 0.9.71, neither program will serve metrics")
endif()
target_sources(udpecho_platform PRIVATE ${http})
