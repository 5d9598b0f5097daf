# The oldest Windows that runs the programs: 10.0, which is Windows 10 and Windows Server 2016. Here for
# the declarations of Windows' headers and for the programs' own, which Windows reads before it starts
# them.
set(windows_min 10)
math(EXPR win32_winnt "${windows_min} << 8" OUTPUT_FORMAT HEXADECIMAL)
add_compile_definitions(_WIN32_WINNT=${win32_winnt})
add_link_options(LINKER:--subsystem,console
    LINKER:--major-os-version,${windows_min},--minor-os-version,0
    LINKER:--major-subsystem-version,${windows_min},--minor-subsystem-version,0)
