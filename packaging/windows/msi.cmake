# Called by CPack: makes the MSI of what it has staged.
set(msi ${CPACK_PACKAGE_DIRECTORY}/${CPACK_PACKAGE_FILE_NAME}.msi)

# Fails on complaints too: wixl ends with 0 after what it calls critical.
function(run)
    execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${CPACK_TEMPORARY_DIRECTORY}
                    RESULT_VARIABLE failure ERROR_VARIABLE complaints)
    if(failure OR complaints)
        message(FATAL_ERROR "${ARGN}: ${failure}\n${complaints}")
    endif()
endfunction()

run(${CPACK_UDPECHO_WIXL} --arch x64 -D version=${CPACK_PACKAGE_VERSION}
    -D windows_min=${CPACK_UDPECHO_WINDOWS_MIN} --output ${msi}
    ${CMAKE_CURRENT_LIST_DIR}/udpecho.wxs)

# What wixl 0.101 cannot be told, by the names of Microsoft's "Installer Database Reference". Both
# programs are on the path of all users ("*"), last ("[~];" before), until they are removed ("-").
# 3410 is a program of this package (18) that runs on rollback (1024 + 256) as the system (2048),
# whatever it returns (64).
run(${CPACK_UDPECHO_MSIBUILD} ${msi} -q
    "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, \
        `Name` CHAR(255) NOT NULL LOCALIZABLE, `Value` CHAR(255) LOCALIZABLE, \
        `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)"
    "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) \
        VALUES ('Path', '=-*PATH', '[~]\\;[BINDIR]', 'Client')"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoInstallService'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoChangeService'"
    "UPDATE `CustomAction` SET `Type` = 3410 WHERE `Action` = 'UndoRemoveService'")

set(CPACK_EXTERNAL_BUILT_PACKAGES ${msi})
