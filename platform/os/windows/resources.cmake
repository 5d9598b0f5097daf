# What is in the program's file besides its code: its version, and the messages of the event log,
# for which Windows looks there when it shows an event.
enable_language(RC)
set(resources ${CMAKE_CURRENT_BINARY_DIR}/resources)
set(messages ${CMAKE_CURRENT_LIST_DIR}/messages.mc)

file(MAKE_DIRECTORY ${resources})
add_custom_command(
    OUTPUT ${resources}/messages.rc ${resources}/messages.h
    COMMAND ${CMAKE_MC_COMPILER} -U -h ${resources} -r ${resources} ${messages}
    DEPENDS ${messages})
configure_file(${CMAKE_CURRENT_LIST_DIR}/version.rc.in ${resources}/version.rc @ONLY)

add_library(udpecho_resources OBJECT ${resources}/messages.rc ${resources}/version.rc)
target_include_directories(udpecho_resources PUBLIC ${resources})
