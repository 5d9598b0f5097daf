# CMake toolchain: Windows on x86-64 by mingw-w64, its programs run by Wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)

# The win32 thread model: APR brings its own threads, so no thread library is linked.
set(prefix x86_64-w64-mingw32)
set(CMAKE_C_COMPILER ${prefix}-gcc-win32)
set(CMAKE_RC_COMPILER ${prefix}-windres)
set(CMAKE_MC_COMPILER ${prefix}-windmc)
set(CMAKE_FIND_ROOT_PATH /usr/${prefix})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)

# What runs a program of this build, and the Wine prefix that it uses.
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/wine.sh ${CMAKE_BINARY_DIR}/wine)

# One file that needs nothing but Windows, loaded at an address that cannot be guessed, whose data
# is never run and whose stacks are guarded.
# Control Flow Guard is not among what gcc can do, and its -fcf-protection marks jump targets for a
# check that Windows does not make.
set(CMAKE_C_FLAGS_INIT "-fstack-protector-strong -D_FORTIFY_SOURCE=2")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--dynamicbase,--high-entropy-va,--nxcompat")

# The licences of the runtime that is linked into the programs.
set(runtime_licences /usr/share/doc/mingw-w64-x86-64-dev/copyright)
