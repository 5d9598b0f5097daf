# What is in a program's file besides its code: its version, and the messages of the event log, for
# which Windows looks there when it shows an event. The targets udpechod_resources and
# udpecho_resources are these.
enable_language(RC)
set(resources ${CMAKE_CURRENT_BINARY_DIR}/resources)
set(messages ${CMAKE_CURRENT_LIST_DIR}/messages.mc)

file(MAKE_DIRECTORY ${resources})
add_custom_command(
    OUTPUT ${resources}/messages.rc ${resources}/messages.h
    COMMAND ${CMAKE_MC_COMPILER} -U -h ${resources} -r ${resources} ${messages}
    DEPENDS ${messages})
set(udpechod_description "UDP echo server")
set(udpecho_description "UDP echo client")
foreach(program udpechod udpecho)
    set(description ${${program}_description})
    configure_file(${CMAKE_CURRENT_LIST_DIR}/version.rc.in ${resources}/${program}.rc @ONLY)
    add_library(${program}_resources OBJECT ${resources}/messages.rc ${resources}/${program}.rc)
endforeach()
