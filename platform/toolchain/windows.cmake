# The oldest Windows that runs the programs: 10.0, which is Windows 10 and Windows Server 2016. Here for
# the declarations of Windows' headers and for the programs' own, which Windows reads before it starts
# them; packaging/windows/ gives it to the installers.
set(windows_min 10)
math(EXPR win32_winnt "${windows_min} << 8" OUTPUT_FORMAT HEXADECIMAL)
add_compile_definitions(_WIN32_WINNT=${win32_winnt})
add_link_options(LINKER:--subsystem,console
    LINKER:--major-os-version,${windows_min},--minor-os-version,0
    LINKER:--major-subsystem-version,${windows_min},--minor-subsystem-version,0)

# What is not among the libraries that Windows knows by their names alone (KnownDLLs) is looked for in
# the program's directory first, unless it is loaded after main() has said otherwise
# (host_trust_system_libraries()). LLVM's linker can have all loaded from the system's directory, but
# not a library at its first call; GNU's the other way round. Each file of delayed/ lists the functions
# that are called.
foreach(library iphlpapi mswsock)
    add_library(${library} INTERFACE)
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        set(definitions ${CMAKE_CURRENT_LIST_DIR}/delayed/${library}.def)
        set(import ${PROJECT_BINARY_DIR}/delayed/lib${library}.a)
        add_custom_command(OUTPUT ${import} DEPENDS ${definitions} VERBATIM
            COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/delayed
            COMMAND ${CMAKE_DLLTOOL} --input-def ${definitions} --output-delaylib ${import})
        add_custom_target(delayed_${library} DEPENDS ${import})
        add_dependencies(${library} delayed_${library})
        target_link_libraries(${library} INTERFACE ${import} delayimp)
    else()
        target_link_libraries(${library} INTERFACE -l${library})
    endif()
endforeach()
