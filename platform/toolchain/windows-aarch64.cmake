# CMake toolchain: Windows on ARM by Zig. Nothing here can run the programs.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

include(${CMAKE_CURRENT_LIST_DIR}/zig.cmake)
set(CMAKE_C_COMPILER ${zig} cc -target aarch64-windows-gnu)
set(CMAKE_AR llvm-ar)
set(CMAKE_RANLIB llvm-ranlib)

# Zig 0.11 compiles no resources. LLVM's compiler does; the headers, and what makes resources of
# messages, are mingw-w64's, and the same for every processor.
find_program(CMAKE_RC_COMPILER NAMES llvm-windres llvm-windres-14 REQUIRED)
set(CMAKE_RC_FLAGS_INIT "--target=aarch64-w64-mingw32 -I/usr/share/mingw-w64/include")
set(CMAKE_MC_COMPILER x86_64-w64-mingw32-windmc)

# The licences of the runtime that is linked into the programs.
set(runtime_licences ${zig_lib}/../LICENSE ${zig_lib}/libc/mingw/COPYING)
