# CMake toolchain: macOS by Zig, on the processor CMAKE_SYSTEM_PROCESSOR, which the preset sets.
# Nothing here can run the programs.
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CMAKE_SYSTEM_PROCESSOR)

# The oldest macOS that runs them: the first for Apple's own processors.
set(macos_min 11.0)

include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
set(CMAKE_C_COMPILER ${zig} cc -target ${CMAKE_SYSTEM_PROCESSOR}-macos.${macos_min})

set(CMAKE_AR ${zig})
set(CMAKE_C_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <OBJECTS>")
set(CMAKE_C_ARCHIVE_FINISH "<CMAKE_AR> ranlib <TARGET>")
