# What the CMake toolchains that compile by Zig have in common: `zig` runs it, `zig_lib` is the
# directory of its C libraries.
set(zig ${CMAKE_CURRENT_LIST_DIR}/zig.sh)
execute_process(COMMAND ${zig} env WORKING_DIRECTORY ${CMAKE_CURRENT_LIST_DIR}
                RESULT_VARIABLE failure OUTPUT_VARIABLE about)
if(failure)
    message(FATAL_ERROR "The compiler Zig cannot be fetched: see above")
endif()
string(REGEX REPLACE ".*\"lib_dir\": \"([^\"]*)\".*" "\\1" zig_lib "${about}")
get_filename_component(zig_lib ${zig_lib} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_LIST_DIR})

# CMake would find this out with a linker option that Zig does not know.
set(CMAKE_SIZEOF_VOID_P 8)

# Those of LLVM read what it makes.
set(CMAKE_NM llvm-nm)
set(CMAKE_OBJDUMP llvm-objdump)
