# CMake toolchain: musl by Debian's musl-gcc, everything linked in.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# The kernel's headers, which lie among glibc's.
set(kernel_headers ${CMAKE_BINARY_DIR}/kernel_headers)
file(MAKE_DIRECTORY ${kernel_headers})
foreach(headers linux asm-generic ${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu/asm)
    get_filename_component(name ${headers} NAME)
    file(CREATE_LINK /usr/include/${headers} ${kernel_headers}/${name} SYMBOLIC)
endforeach()
set(CMAKE_C_FLAGS_INIT "-idirafter ${kernel_headers}")
