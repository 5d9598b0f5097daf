# APR, APR-util and, for the tests, cmocka: one name each, wherever they come from.
option(UDPECHO_APR_FROM_SOURCE
       "Fetch and build them: where there are no packages of them, or none with a sanitizer" OFF)

if(WIN32)
    include(${CMAKE_CURRENT_LIST_DIR}/windows.cmake)
endif()
if(UDPECHO_APR_FROM_SOURCE)
    set(sources ${PROJECT_BINARY_DIR}/sources)
    if(NOT EXISTS ${sources}/complete OR NOT EXISTS ${sources}/libsodium)
        message(STATUS "Fetching the sources of APR, APR-util, cmocka and libsodium")
        execute_process(
            COMMAND ${CMAKE_CURRENT_LIST_DIR}/fetch.sh ${sources} apr apr-util cmocka libsodium
            RESULT_VARIABLE failure OUTPUT_QUIET)
        if(failure)
            message(FATAL_ERROR "They cannot be fetched: see above")
        endif()
        file(TOUCH ${sources}/complete)
    endif()
    if(WIN32)
        add_subdirectory(platform/toolchain/apr/windows)
    else()
        add_subdirectory(platform/toolchain/apr/posix)
    endif()
    add_subdirectory(platform/toolchain/cmocka)
else()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(APR IMPORTED_TARGET apr-1>=1.7)
    pkg_check_modules(APR_UTIL IMPORTED_TARGET apr-util-1>=1.6)
    if(NOT APR_FOUND OR NOT APR_UTIL_FOUND)
        message(FATAL_ERROR
            " APR 1.7 and APR-util 1.6 are needed (Debian: libapr1-dev libaprutil1-dev; Fedora: apr-devel apr-util-devel), or -DUDPECHO_APR_FROM_SOURCE=ON, which builds them from Debian's sources")
    endif()
    add_library(udpecho::apr ALIAS PkgConfig::APR)
    add_library(udpecho::apr_util ALIAS PkgConfig::APR_UTIL)
    if(BUILD_TESTING)
        pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
        if(CMOCKA_FOUND)
            add_library(udpecho::cmocka ALIAS PkgConfig::CMOCKA)
        endif()
    endif()
endif()

# libsodium, for authenticated STAMP: the target udpecho::sodium, where there is one.
set(UDPECHO_AUTHENTICATION AUTO CACHE STRING
    "Authenticate STAMP by libsodium: AUTO, if it is there; ON; OFF")
set_property(CACHE UDPECHO_AUTHENTICATION PROPERTY STRINGS AUTO ON OFF)
if(UDPECHO_AUTHENTICATION STREQUAL OFF)
    message(STATUS "udpechod will not authenticate STAMP: UDPECHO_AUTHENTICATION")
elseif(UDPECHO_APR_FROM_SOURCE)
    add_subdirectory(platform/toolchain/sodium)
else()
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(SODIUM IMPORTED_TARGET libsodium>=1.0.12)
    if(SODIUM_FOUND)
        add_library(udpecho::sodium ALIAS PkgConfig::SODIUM)
    elseif(UDPECHO_AUTHENTICATION STREQUAL ON)
        message(FATAL_ERROR
                "UDPECHO_AUTHENTICATION=ON takes libsodium 1.0.12, which pkg-config does not find")
    else()
        message(WARNING "Without libsodium 1.0.12, neither program will authenticate STAMP")
    endif()
endif()

# Where the processor has no 64-bit atomics, a library of the compiler has them.
include(CheckCSourceCompiles)
check_c_source_compiles("
    #include <stdatomic.h>
    #include <stdint.h>
    static _Atomic uint64_t total;
    int main(void) { return (int)atomic_fetch_add(&total, 1); }" HAVE_64_BIT_ATOMICS)

if(BUILD_TESTING)
    find_package(Python3 3.9 COMPONENTS Interpreter)
    if(NOT TARGET udpecho::cmocka OR NOT Python3_FOUND)
        message(STATUS "The tests are left out: they need cmocka and Python 3.9 (Debian: libcmocka-dev python3)")
        set(BUILD_TESTING OFF)
    endif()
endif()
